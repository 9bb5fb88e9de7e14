"""The people who operate an installation: their roles, their passwords, and who may try to sign in how often."""

from __future__ import annotations

import re
import secrets
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from unicodedata import normalize

from argon2 import PasswordHasher
from argon2.exceptions import VerificationError
from msgspec import Struct
from sqlalchemy import Connection, Engine, Row, delete, func, insert, select, update

import schemas
from portal.catalog import audit, tables
from portal.catalog.audit import Action
from portal.catalog.engines import writing

PASSWORD_LENGTH = (12, 200)
"""The fewest and the most characters of a password."""

ATTEMPT_WINDOW = timedelta(minutes=15)

FROM_ONE_ADDRESS_FOR_ONE_NAME = 5
FOR_ONE_NAME = 20
FROM_ONE_ADDRESS = 50
"""Sign-ins that may fail within the window before further ones are refused unread. From one address more than for one
name, since an office or a proxy is one address; for one name more than from one address, or anybody could keep a
person out by failing in their name."""

_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""argon2id at the strength OWASP's cheat sheet gives as the least, 19 MiB: eight threads at once must fit beside all
else."""

_NOBODYS = "$argon2id$v=19$m=19456,t=2,p=1$NfkHED3oWeI//AQ/tEdc6g$7oySWip16DH5o/QAiLXneCAZEm9w71inblHj1TccmLM"
"""The hash of a password nobody knows: what is typed for a name that does not exist is compared with it."""

_NAME = re.compile(r"\w[\w.@-]{0,59}")


class Role(StrEnum):
    """What an account is for. Whoever is not signed in is anonymous and has none."""

    APPLICANT = "applicant"
    OFFICER = "officer"
    """Speaks for one department."""
    REVIEWER = "reviewer"
    OPERATOR = "operator"
    ADMIN = "admin"


OPERATE = frozenset((Role.OPERATOR, Role.ADMIN))
"""The roles that run an installation."""

ANSWER = OPERATE | {Role.REVIEWER}
"""The roles that answer what departments say."""


class Account(Struct, frozen=True, kw_only=True):
    """One person. The password's hash never leaves this module."""

    name: str
    role: Role
    department: str | None
    """Of an officer: region and main function (``330100.market``)."""
    stamp: str
    """Goes into the person's sessions; another one after a password change, a sign-out or disabling ends them."""
    created: datetime
    disabled: datetime | None


class Refusal(StrEnum):
    """What is wrong with an account as asked for."""

    NAME = "name"
    TAKEN = "taken"
    ROLE = "role"
    """An officer without a department, or anybody else with one."""
    DEPARTMENT = "department"
    LENGTH = "length"
    """Of the password."""
    GUESSED = "guessed"
    """The password is the name, or nearly one character."""


class AccountRefused(ValueError):
    """An account cannot be made or changed so; the message says why, and so does ``why``."""

    def __init__(self, why: Refusal, message: str) -> None:
        super().__init__(message)
        self.why = why


class UnknownAccount(LookupError):
    """No account has this name."""


class SignInRefused(Exception):
    """Name and password do not belong together, or the account is disabled: nobody is told which."""


class TooManyAttempts(Exception):
    """So many sign-ins failed that the next ones are not even looked at for a while."""


class Accounts:
    """The accounts in the database; reached as ``catalog.accounts``."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def add(self, name: str, role: Role, password: str, *, by: str, department: str | None = None) -> Account:
        """Makes an account. Raises AccountRefused when the name is taken, or one of the values will not do."""
        name = _folded(name)
        if not _NAME.fullmatch(name):
            said = f"{name!r} cannot be a name: 1 to 60 letters, digits and . _ @ - without spaces"
            raise AccountRefused(Refusal.NAME, said)
        if (role is Role.OFFICER) != (department is not None):
            raise AccountRefused(Refusal.ROLE, "an officer has a department, and nobody else has")
        if department is not None and not is_department(department):
            said = f"{department!r} is no department: a region and a function, such as 330100.market"
            raise AccountRefused(Refusal.DEPARTMENT, said)
        values = {
            "name": name,
            "role": role.value,
            "password": _HASHER.hash(_acceptable(password, name)),
            "department": department,
            "stamp": secrets.token_hex(16),
            "created": datetime.now(UTC),
        }
        with writing(self._engine) as connection:
            if _row(connection, name) is not None:
                raise AccountRefused(Refusal.TAKEN, f"there is an account {name!r} already")
            connection.execute(insert(tables.account).values(**values))
            audit.write(connection, by, Action.ACCOUNT_ADDED, name, role.value)
        return self.get(name)

    def all(self) -> list[Account]:
        """Every account, by name."""
        with self._engine.connect() as connection:
            rows = connection.execute(select(tables.account).order_by(tables.account.c.name))
            return [_account(row) for row in rows]

    def get(self, name: str) -> Account:
        """One account. Raises UnknownAccount."""
        with self._engine.connect() as connection:
            return _account(_known(connection, _folded(name)))

    def disable(self, name: str, *, by: str) -> None:
        """Ends the sessions of an account and lets it begin none. Raises UnknownAccount."""
        self._change(name, by, Action.ACCOUNT_DISABLED, disabled=datetime.now(UTC))

    def enable(self, name: str, *, by: str) -> None:
        """Lets a disabled account sign in again. Raises UnknownAccount."""
        self._change(name, by, Action.ACCOUNT_ENABLED, disabled=None)

    def set_password(self, name: str, password: str, *, by: str) -> Account:
        """Changes a password and ends every session of the account. Raises UnknownAccount, AccountRefused."""
        hash = _HASHER.hash(_acceptable(password, _folded(name)))
        self._change(name, by, Action.PASSWORD_CHANGED, password=hash)
        return self.get(name)

    def sign_out(self, name: str) -> None:
        """Ends every session of an account. Raises UnknownAccount."""
        self._change(name, _folded(name), Action.SIGNED_OUT)

    def sign_in(self, name: str, password: str, *, address: str) -> Account:
        """The account that name and password belong to, asked for from a network address.

        Raises SignInRefused and TooManyAttempts. An unknown name costs as much time as a wrong password.
        """
        name = folded if _NAME.fullmatch(folded := _folded(name)) else ""
        address = address[:60]
        # Counted before it is looked at: attempts that come all at once are then not all looked at.
        self._count_attempt(name, address)
        with self._engine.connect() as connection:
            row = _row(connection, name)
        is_right = _fits(_NOBODYS if row is None else row.password, password)
        if row is None or row.disabled is not None or not is_right:
            raise SignInRefused("name and password do not belong together")
        with writing(self._engine) as connection:
            _forget_attempts(connection, name, address)
            if _HASHER.check_needs_rehash(row.password):
                _update(connection, name, password=_HASHER.hash(_normal(password)))
            audit.write(connection, name, Action.SIGNED_IN, name)
        return _account(row)

    def is_password(self, name: str, password: str, *, address: str) -> bool:
        """Whether a signed-in person's password is this one; counted like a sign-in. Raises TooManyAttempts."""
        address = address[:60]
        self._count_attempt(name, address)
        with self._engine.connect() as connection:
            is_right = _fits(_known(connection, name).password, password)
        if is_right:
            with writing(self._engine) as connection:
                _forget_attempts(connection, name, address)
        return is_right

    def signed_in(self, name: str, stamp: str) -> Account | None:
        """The account a session was begun for; None when the session has ended since."""
        with self._engine.connect() as connection:
            row = _row(connection, name)
        if row is None or row.disabled is not None or not secrets.compare_digest(row.stamp, stamp):
            return None
        return _account(row)

    def _count_attempt(self, name: str, address: str) -> None:
        table = tables.sign_in_attempt
        now = datetime.now(UTC)
        limits = (
            (FROM_ONE_ADDRESS_FOR_ONE_NAME, (table.c.name == name, table.c.address == address)),
            (FOR_ONE_NAME, (table.c.name == name,)),
            (FROM_ONE_ADDRESS, (table.c.address == address,)),
        )
        with writing(self._engine) as connection:
            connection.execute(delete(table).where(table.c.at < now - ATTEMPT_WINDOW))
            counts = [
                (most, connection.scalar(select(func.count()).select_from(table).where(*which)) or 0)
                for most, which in limits
            ]
            if all(count < most for most, count in counts):
                connection.execute(insert(table).values(at=now, name=name, address=address))
                return
            if not audit.is_written(connection, Action.SIGN_IN_BLOCKED, name, since=now - ATTEMPT_WINDOW):
                audit.write(connection, audit.NOBODY, Action.SIGN_IN_BLOCKED, name, address)
        raise TooManyAttempts("too many attempts to sign in")

    def _change(self, name: str, by: str, what: Action, **values: Any) -> None:
        name = _folded(name)
        with writing(self._engine) as connection:
            _known(connection, name)
            _update(connection, name, stamp=secrets.token_hex(16), **values)
            audit.write(connection, by, what, name)


def is_department(text: str) -> bool:
    """Whether this is a region and a function (``330100.market``)."""
    region, _, function = text.partition(".")
    known = schemas.vocabulary("regions").terms, schemas.vocabulary("department_functions").terms
    return region in known[0] and function in known[1]


def _folded(name: str) -> str:
    return normalize("NFKC", name).strip().casefold()


def _normal(password: str) -> str:
    # One and the same password typed on two keyboards may come in two spellings.
    return normalize("NFKC", password)


def _acceptable(password: str, name: str) -> str:
    least, most = PASSWORD_LENGTH
    if not least <= len(password) <= most:
        raise AccountRefused(Refusal.LENGTH, f"a password has {least} to {most} characters")
    if _normal(password).casefold() == name or len(set(password)) < 4:
        raise AccountRefused(Refusal.GUESSED, "this password is guessed at once: take several words")
    return _normal(password)


def _fits(hash: str, password: str) -> bool:
    try:
        return _HASHER.verify(hash, _normal(password[: PASSWORD_LENGTH[1]]))
    except VerificationError:
        return False


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(tables.account).where(tables.account.c.name == name)).one_or_none()


def _known(connection: Connection, name: str) -> Row[Any]:
    row = _row(connection, name)
    if row is None:
        raise UnknownAccount(f"there is no account {name!r}")
    return row


def _forget_attempts(connection: Connection, name: str, address: str) -> None:
    table = tables.sign_in_attempt
    connection.execute(delete(table).where(table.c.name == name, table.c.address == address))


def _update(connection: Connection, name: str, **values: Any) -> None:
    connection.execute(update(tables.account).where(tables.account.c.name == name).values(**values))


def _account(row: Row[Any]) -> Account:
    return Account(
        name=row.name,
        role=Role(row.role),
        department=row.department,
        stamp=row.stamp,
        created=row.created,
        disabled=row.disabled,
    )
