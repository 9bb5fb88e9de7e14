"""A real CKAN 2.12 from PyPI, in a virtual environment of its own, on PostgreSQL, Redis and the stand-in for Solr."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import Struct

from tests.catalogs import postgresql_database
from tests.ckan.solr import solr

ENVIRONMENT = Path(__file__).resolve().parents[2] / ".venv-ckan"
PACKAGE = "ckan[requirements]==2.12.0"


def install() -> Path:
    """Makes the virtual environment where it is missing (a minute); the path of CKAN's command."""
    command = ENVIRONMENT / "bin" / "ckan"
    if not command.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
        pip = [ENVIRONMENT / "bin" / "python", "-m", "pip", "install", "--quiet"]
        subprocess.run([*pip, "--upgrade", "pip", "setuptools", "wheel"], check=True)
        subprocess.run([*pip, PACKAGE], check=True)
    return command


class Ckan(Struct, frozen=True):
    """A running CKAN and the key of its administrator."""

    url: str
    token: str

    def call(self, action: str, **arguments: Any) -> Any:
        """The result of an action. Raises AssertionError with CKAN's words when it refuses."""
        request = urllib.request.Request(
            f"{self.url}api/3/action/{action}",
            data=json.dumps(arguments).encode(),
            headers={"Authorization": self.token, "Content-Type": "application/json"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as response:
                return json.load(response)["result"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{action}: {error.read().decode()[:500]}") from error


@contextmanager
def ckan(folder: Path) -> Iterator[Ckan]:
    """Starts a CKAN whose files lie in ``folder``; everything it used is gone afterwards."""
    command = install()
    with solr() as solr_url, postgresql_database() as database, socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
        free.close()
        url = f"http://127.0.0.1:{port}/"
        settings = folder / "ckan.ini"
        log = (folder / "ckan.log").open("wb")
        environment = {**os.environ, "CKAN_INI": str(settings), "PYTHONWARNINGS": "ignore"}

        def run(*arguments: str) -> str:
            done = subprocess.run(
                [command, *arguments], env=environment, cwd=folder, capture_output=True, text=True, timeout=300
            )
            assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
            return done.stdout

        subprocess.run([command, "generate", "config", settings], check=True, capture_output=True, cwd=folder)
        given = {
            "sqlalchemy.url": database.replace("postgresql+psycopg://", "postgresql://"),
            "solr_url": solr_url,
            "ckan.redis.url": "redis://127.0.0.1:6379/9",
            "ckan.site_url": url.rstrip("/"),
            "ckan.storage_path": str(folder / "storage"),
            "ckan.plugins": "",
            "ckan.auth.create_unowned_dataset": "true",
        }
        run("config-tool", str(settings), *(f"{name} = {value}" for name, value in given.items()))
        run("db", "init")
        run("user", "add", "admin", "email=admin@example.org", "name=admin", "password=correct-horse")
        run("sysadmin", "add", "admin")
        token = re.findall(r"\S{40,}", run("user", "token", "add", "admin", "harvest"))[-1]
        process = subprocess.Popen(
            [command, "run", "--host", "127.0.0.1", "--port", str(port), "--disable-reloader"],
            env=environment,
            cwd=folder,
            stdout=log,
            stderr=log,
        )
        try:
            _wait_for(f"{url}api/3/action/status_show", process, folder / "ckan.log")
            yield Ckan(url, token)
        finally:
            process.terminate()
            process.wait(timeout=30)
            log.close()


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline:
        assert process.poll() is None, log.read_text()[-3000:]
        try:
            urllib.request.urlopen(url, timeout=5).close()
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.5)
        else:
            return
    raise AssertionError(f"CKAN did not answer: {log.read_text()[-3000:]}")
