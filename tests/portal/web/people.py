"""People who sign in, for tests: their accounts, and a browser that does it the way a person does."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from portal.catalog import accounts
from portal.catalog.accounts import Role
from portal.catalog.audit import COMMAND
from portal.catalog.store import Catalog

PASSWORD = "seven rivers run east"


@contextmanager
def cheap_passwords() -> Iterator[None]:
    """Hashes passwords in a moment; how they are hashed in earnest is tested with the accounts."""
    cheap = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(accounts, "_HASHER", cheap)
        patch.setattr(accounts, "_NOBODYS", cheap.hash("nobody's"))
        yield


def add_everyone(catalog: Catalog) -> None:
    """An account for each role, named after it."""
    for role in Role:
        department = "330100.market" if role is Role.OFFICER else None
        catalog.accounts.add(role.value, role, PASSWORD, by=COMMAND, department=department)


def token(client: FlaskClient, path: str = "/login") -> str:
    """The token in the forms of a page."""
    found = re.search(r'name="token" value="([^"]+)"', client.get(path).get_data(as_text=True))
    assert found is not None, path
    return found[1]


def sign_in(client: FlaskClient, name: str, password: str = PASSWORD, **form: str) -> TestResponse:
    """Fills in the form of ``/login`` and sends it."""
    return client.post("/login", data={"token": token(client), "name": name, "password": password, **form})


def send(client: FlaskClient, path: str, **form: str | list[str]) -> TestResponse:
    """Sends a form from a page of the account's own, with its token."""
    return client.post(path, data={"token": token(client, "/account"), **form})
