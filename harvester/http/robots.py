"""What a portal's robots.txt lets us scrape (RFC 9309); its APIs are the operator's agreement, not asked here."""

from __future__ import annotations

from urllib.parse import urljoin
from urllib.robotparser import RobotFileParser

from harvester.errors import PortalAnsweredError, PortalBlocked
from harvester.http.client import Http

NAME = "Nachuan"


class Robots:
    """The rules of the hosts of one run, each read once."""

    def __init__(self, http: Http) -> None:
        self._http = http
        self._rules: dict[str, RobotFileParser] = {}

    def allow(self, url: str) -> bool:
        """Whether a page may be read by a program. Raises HarvestError when the rules cannot be read."""
        address = urljoin(url, "/robots.txt")
        if address not in self._rules:
            self._rules[address] = self._read(address)
        return self._rules[address].can_fetch(NAME, url)

    def _read(self, address: str) -> RobotFileParser:
        try:
            text = self._http.get(address).text
        except PortalBlocked:
            text = ""
        except PortalAnsweredError as error:
            # Section 2.3.1.3: what is not there forbids nothing. A server in trouble may have forbidden it all.
            if error.status is None or error.status >= 500:
                raise
            text = ""
        rules = RobotFileParser(address)
        rules.parse(text.splitlines())
        return rules
