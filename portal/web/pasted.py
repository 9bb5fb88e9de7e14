"""What people paste where words are expected: the id of a dataset, the address of its page here or at its portal."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

_ID = re.compile(r"(?:^|/datasets/)([a-z0-9]{16})(?![a-z0-9])")

_LONGEST = 500


def dataset_id(text: str) -> str | None:
    """The id that a text is, or that the address of a dataset's page here holds; None for any other text."""
    found = _ID.search(text.strip()[:_LONGEST])
    return None if found is None else found[1]


def portals_key(text: str) -> str | None:
    """What the address of a page at a portal tells its dataset apart by; None for what is no address or has nothing.

    That is the last thing in its path, its fragment or its query that holds a digit, without the ending of a file.
    """
    if " " in text or not text.startswith(("http://", "https://")):
        return None
    try:
        parts = urlsplit(text)
    except ValueError:
        return None
    fragment = urlsplit(parts.fragment)
    said = [
        *parts.path.split("/"),
        *fragment.path.split("/"),
        *(value for query in (parts.query, fragment.query) for _, value in parse_qsl(query)),
    ]
    telling = [re.sub(r"\.[A-Za-z]{2,6}$", "", unquote(one)) for one in said if any(map(str.isdigit, one))]
    return telling[-1].replace('"', "") if telling else None
