"""What the server in front of the site lets through to it."""

from __future__ import annotations

from urllib.parse import quote

from gunicorn.config import Config
from gunicorn.http.parser import RequestParser

from portal.web.asking import LONGEST_TEXT
from portal.web.server import LONGEST_LINE


def test_the_longest_search_in_chinese_reaches_the_site_with_its_filters() -> None:
    settings = Config()
    settings.set("limit_request_line", LONGEST_LINE)
    filters = "&".join(f"region={code}" for code in range(330100, 330150))
    line = f"GET /zh/datasets?q={quote('水' * LONGEST_TEXT)}&{filters} HTTP/1.1\r\nHost: a\r\n\r\n"
    request = next(RequestParser(settings, iter([line.encode()]), ("127.0.0.1", 1)))
    assert request.query.endswith("region=330149")
