"""Cells that stay text when a spreadsheet opens them."""

from __future__ import annotations

_STARTS_A_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def harmless(text: str | None) -> str:
    """``text`` for a CSV cell: where a spreadsheet would compute it, an apostrophe in front keeps it text."""
    if text is None:
        return ""
    return f"'{text}" if text.startswith(_STARTS_A_FORMULA) else text
