"""The index an installation is configured with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from portal.search.memory import MemoryIndex
from portal.search.query import SearchIndex
from portal.search.tantivy_index import TantivyIndex
from portal.search.whoosh_index import WhooshIndex

ENGINES: dict[str, Callable[[Path], SearchIndex]] = {
    "tantivy": TantivyIndex,
    "whoosh": WhooshIndex,
    "memory": lambda root: MemoryIndex(),
}


def open_index(url: str, home: Path) -> SearchIndex:
    """The index at ``tantivy:``, ``whoosh:`` (both under ``home``), ``tantivy:/path``, ``whoosh:/path`` or ``memory:``.

    Nothing is read yet: an index that must be rebuilt says so by ``position`` None. Raises ValueError for another
    engine.
    """
    engine, colon, path = url.partition(":")
    if not colon or engine not in ENGINES:
        raise ValueError(f"no search engine {url!r}: it must begin with {', '.join(f'{name}:' for name in ENGINES)}")
    return ENGINES[engine](Path(path) if path else home / "search" / engine)
