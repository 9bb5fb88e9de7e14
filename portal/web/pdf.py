"""A page on paper: HTML that needs nothing else, printed to PDF by the Chromium of this machine.

The page lies in a folder of its own, the browser has an empty profile and no way out, and both are gone afterwards:
nothing of one reader's page is left for the next.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

log = logging.getLogger(__name__)

OFF = "off"
"""The setting of an installation that offers no PDF."""

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome", "chrome")
"""What the browser is called on one system or another."""

TIMEOUT_S = 30.0
"""A page that takes longer is given up; a long one takes two seconds."""

PATIENCE_S = 3.0
"""How long a reader waits for the one before. More would take all threads from those who only read."""

_POLL_S = 0.05

_OPTIONS = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-quic",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-pdf-header-footer",
    "--generate-pdf-document-outline",
    # Whatever it would ask of any host, ours included, it asks a port where nobody answers.
    "--proxy-server=127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
)


class NotPrinted(Exception):
    """The browser made no PDF of the page; the message says what it did."""


class PrinterBusy(Exception):
    """Another page is being printed."""


@cache
def chromium(setting: str | None) -> str | None:
    """The browser to print with, or None where there is none or none is wanted. ``setting`` is ``NACHUAN_CHROMIUM``."""
    if setting == OFF:
        return None
    return next(filter(None, map(shutil.which, (setting,) if setting else NAMES)), None)


def printed(
    html: str, browser: str, home: Path, *, timeout_s: float = TIMEOUT_S, patience_s: float = PATIENCE_S
) -> bytes:
    """The PDF of a page that needs nothing else. ``home`` is where the processes of one installation meet.

    One page at a time on one machine. Raises PrinterBusy when another takes longer than ``patience_s``, NotPrinted when
    the browser fails or takes longer than ``timeout_s``.
    """
    with _alone(home, patience_s), tempfile.TemporaryDirectory(prefix="nachuan-pdf-") as folder:
        page, pdf = Path(folder, "page.html"), Path(folder, "page.pdf")
        page.write_text(html, encoding="utf-8")
        _run([browser, *_options(folder), f"--print-to-pdf={pdf}", page.as_uri()], folder, timeout_s)
        if not pdf.is_file():
            raise NotPrinted("the browser ended well but wrote no PDF")
        return pdf.read_bytes()


def _options(folder: str) -> Iterator[str]:
    yield from _OPTIONS
    yield f"--user-data-dir={folder}/profile"
    # Chromium refuses to sandbox for root. The page runs nothing: its own policy forbids scripts.
    if os.geteuid() == 0:
        yield "--no-sandbox"


def _run(command: list[str], folder: str, timeout_s: float) -> None:
    # Its own session, so that what it starts ends with it; no variable of ours, since some are secrets.
    process = subprocess.Popen(
        command,
        cwd=folder,
        env={"HOME": folder, "TMPDIR": folder, "PATH": os.defpath, "LANG": "C.UTF-8"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        status = process.wait(timeout_s)
    except subprocess.TimeoutExpired as error:
        raise NotPrinted(f"the browser took longer than {timeout_s:g} s") from error
    finally:
        _end(process)
    if status:
        raise NotPrinted(f"the browser ended with {status}")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        # All of them have ended by themselves.
        pass
    process.wait()


@contextmanager
def _alone(home: Path, patience_s: float) -> Iterator[None]:
    home.mkdir(parents=True, exist_ok=True)
    deadline = time.monotonic() + patience_s
    with open(home / "pdf.lock", "ab") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError as error:
                if time.monotonic() >= deadline:
                    raise PrinterBusy from error
                time.sleep(_POLL_S)
        yield
