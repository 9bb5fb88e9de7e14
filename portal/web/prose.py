"""Text and links from portals, made harmless: Markdown or HTML in, a small set of tags out."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

LONGEST = 100_000
"""Characters of a description that are shown; the rest stays in the raw record."""

_TAGS = {
    "a", "abbr", "b", "blockquote", "br", "caption", "code", "dd", "del", "div", "dl", "dt", "em", "h4", "h5", "h6",
    "hr", "i", "ins", "li", "ol", "p", "pre", "s", "span", "strong", "sub", "sup", "table", "tbody", "td", "tfoot",
    "th", "thead", "tr", "u", "ul",
}  # fmt: skip

_ATTRIBUTES = {"a": {"href", "title"}, "abbr": {"title"}, "td": {"colspan", "rowspan"}, "th": {"colspan", "rowspan"}}

_HEADING = re.compile(r"<(/?)h[1-6]\b", re.IGNORECASE)

_BLOCK = re.compile(r"(?=</?(?:br|dd|div|dt|h\d|li|ol|p|pre|t[dhr]|ul)\b)", re.IGNORECASE)

_LINK = re.compile(r"https?://[^\s]+", re.IGNORECASE)

_markdown = MarkdownIt("commonmark", {"html": True, "linkify": False, "breaks": True})
# Chinese paragraphs begin with an indent, which Markdown would take for code.
_markdown.enable("table").disable("code")


def prose(text: str) -> Markup:
    """A portal's description as HTML that cannot act: no script, style, image, form, or link but http(s) and mail.

    Its headings become the fourth level, so that the outline of our page stays ours.
    """
    html = _HEADING.sub(r"<\1h4", _markdown.render(text[:LONGEST]))
    return Markup(
        nh3.clean(
            html,
            tags=_TAGS,
            attributes=_ATTRIBUTES,
            url_schemes={"http", "https", "mailto"},
            link_rel="nofollow noopener noreferrer",
        )
    )


def plain(text: str) -> str:
    """A portal's description without any markup, on one line."""
    apart = _BLOCK.sub(" ", _markdown.render(text[:LONGEST]))
    unmarked = nh3.clean(apart, tags=set())
    return " ".join(Markup(unmarked).unescape().split())


def web_link(url: str | None) -> str | None:
    """``url`` when it is an absolute http or https address that a browser may be sent to, else None."""
    if url is None or not _LINK.fullmatch(url.strip()):
        return None
    try:
        host = urlsplit(url.strip()).hostname
    except ValueError:
        return None
    return url.strip() if host else None
