"""Finds records and values in what a portal answers: by paths in JSON, by CSS selectors in HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec
from cssselect import SelectorError
from lxml import etree, html
from msgspec import structs

from harvester import shapes
from harvester.errors import PortalAnsweredError, PortalNotUnderstood, SourceInvalid
from harvester.families import Call, DetailCall, ListCall, Pairs, Selector
from harvester.http import Response
from harvester.http.addresses import led_to

_BREAKS = ("br", "p", "div", "li", "tr")
_PAIR = re.compile(r"\s*([^：:\t]{1,30}?)\s*[：:\t]\s*(.*?)\s*")
_OPENING = re.compile(r"<(?:html|body)[\s>]", re.IGNORECASE)
_CLOSING = re.compile(r"</(?:html|body)\s*>", re.IGNORECASE)


def document(call: Call, response: Response) -> Any:
    """What an answer holds: decoded JSON, or the root element of an HTML page.

    Raises PortalNotUnderstood, or PortalAnsweredError where the call's ``success`` does not stand in it.
    """
    if call.answer == "html":
        return page(_whole(response), response.url)
    said = _decoded(response)
    for path, wanted in call.success.items():
        if str(found := at(said, path, response.url)) != str(wanted):
            words = call.message and _step_by_step(said, call.message)[0]
            detail = f"{path} is {_shown(found)}, not {_shown(wanted)}"
            raise PortalAnsweredError(detail, url=response.url, seen=None if words is None else str(words))
    for path in call.json_in:
        said = _opened(said, path, response.url)
    return said if call.html_in is None else page(_text_at(said, call.html_in, response.url), response.url)


def _whole(response: Response) -> str:
    """The text of a page. Raises PortalNotUnderstood where it begins as a page and has no end: some of it is lacking."""
    text = response.text
    if _OPENING.search(text) and not _CLOSING.search(text):
        raise PortalNotUnderstood("the page breaks off before </html>", url=response.url, seen=text[-200:])
    return text


def _decoded(response: Response) -> Any:
    """Decoded JSON, out of whatever it is wrapped in."""
    text = shapes.unwrapped(response.text)
    if text == response.text:
        return response.json()
    return structs.replace(response, body=text.encode("utf-8", "surrogatepass"), headers={}).json()


def at(said: Any, path: str, url: str) -> Any:
    """What stands at a path of decoded JSON (``data.rows``, ``0.result``; ``.`` for all of it), null included.

    Raises PortalNotUnderstood naming the path and what stands where it ends.
    """
    found, missing = _step_by_step(said, path)
    if missing is None:
        return found
    raise _unlike(f"nothing at {path}: {_place(path, missing)} has no {missing}", found, said, url)


def _unlike(detail: str, found: Any, said: Any, url: str) -> PortalNotUnderstood:
    """The error of an answer that is not as described: with what was found in it, and what the portal itself says."""
    reason = shapes.reason(said)
    told = f"{detail}; the portal says: {reason[:200]}" if reason else detail
    return PortalNotUnderstood(told, url=url, seen=_shown(found))


def known(said: Any, path: str) -> Any:
    """What stands at a path of decoded JSON; None when nothing does."""
    found, missing = _step_by_step(said, path)
    return found if missing is None else None


def _step_by_step(said: Any, path: str) -> tuple[Any, str | None]:
    """What stands at a path; else the last that was there, and the rest of the path."""
    steps = [] if path == "." else path.split(".")
    for number, step in enumerate(steps):
        if isinstance(said, dict) and step in said:
            said = said[step]
        elif isinstance(said, list) and step.isdigit() and int(step) < len(said):
            said = said[int(step)]
        else:
            return said, ".".join(steps[number:])
    return said, None


def _place(path: str, missing: str) -> str:
    """How what holds the missing rest of a path is called."""
    return path[: -len(missing) - 1] or "the answer"


def _shown(said: Any) -> str:
    if isinstance(said, dict):
        return f"an object with the members {', '.join(list(said)[:20])}" if said else "an empty object"
    if isinstance(said, list):
        return f"a list of {len(said)}"
    return repr(said)[:200]


def _text_at(said: Any, path: str, url: str) -> str:
    text = at(said, path, url)
    if not isinstance(text, str):
        raise _unlike(f"{path} is no text", text, said, url)
    return text


def _opened(said: Any, path: str, url: str) -> Any:
    """A copy in which the JSON text at a path stands decoded; what stands there decoded already stays."""
    if isinstance(at(said, path, url), (dict, list)):
        return said
    text = _text_at(said, path, url)
    try:
        inner = msgspec.json.decode(text)
    except (msgspec.DecodeError, RecursionError) as error:
        raise PortalNotUnderstood(f"{path} is no JSON text: {error}", url=url, seen=text[:200]) from error
    return _replaced(said, path.split("."), inner)


def _replaced(said: Any, steps: Sequence[str], inner: Any) -> Any:
    if not steps:
        return inner
    return {**said, steps[0]: _replaced(said[steps[0]], steps[1:], inner)}


def listed(call: ListCall, said: Any, url: str) -> list[dict[str, Any]]:
    """The records of one page of a list. Raises PortalNotUnderstood where there is no list of objects."""
    if isinstance(said, etree._Element):
        return [_selected(row, call.values, url) for row in _every(said, call.records)]
    several, missing = _step_by_step(said, call.records)
    if missing is not None:
        detail = f"nothing at {call.records}: {_place(call.records, missing)} has no {missing}"
        raise _no_list(detail, several, said, url)
    if several is None:
        return []
    if not isinstance(several, list):
        raise _no_list(f"{call.records} is no list", several, said, url)
    for record in several:
        if not isinstance(record, dict):
            raise _no_list(f"{call.records} holds no objects", record, said, url)
    return several


def _no_list(detail: str, found: Any, said: Any, url: str) -> PortalNotUnderstood:
    """The error that says where lists do stand."""
    elsewhere = shapes.lists(said)[:5]
    told = f"{detail}; lists of objects stand at {', '.join(elsewhere)}" if elsewhere else detail
    return _unlike(told, found, said, url)


def detailed(call: DetailCall, said: Any, url: str) -> dict[str, Any]:
    """The record that an answer describes. Raises PortalNotUnderstood where there is none."""
    if isinstance(said, etree._Element):
        pairs = [pair for each in call.pairs for pair in _pairs(said, each)]
        record = dict(_selected(said, call.values, url))
        if not pairs if call.pairs else not record:
            wanted = ", ".join(filter(None, (each.cells or each.lines for each in call.pairs)))
            title = " ".join("".join(said.xpath("//title//text()")).split())
            told = f"nothing in the page at {wanted}" + (f"; it is titled {title[:100]!r}" if title else "")
            raise PortalNotUnderstood(told, url=url, seen=" ".join("".join(said.itertext()).split())[:200])
        for key, value in pairs:
            record.setdefault(key, value)
        return record
    record, missing = _step_by_step(said, call.record)
    if missing is None and isinstance(record, dict):
        return record
    detail = f"{call.record} is no object"
    if missing is not None:
        detail = f"nothing at {call.record}: {_place(call.record, missing)} has no {missing}"
    raise _unlike(detail, record, said, url)


def number(said: Any, path: str, match: str | None, url: str) -> int:
    """The number of records or pages that a list states. Raises PortalNotUnderstood where it states none."""
    if isinstance(said, etree._Element):
        stated: Any = _value(said, Selector(select=path), url)
        if stated is None:
            raise PortalNotUnderstood(f"nothing in the page at {path}", url=url)
    else:
        stated = at(said, path, url)
    if isinstance(stated, str) and match is not None and (found := re.search(match, stated)) is not None:
        stated = found[1]
    counted = shapes.whole(stated)
    if counted is None:
        raise PortalNotUnderstood(f"{path} is no number", url=url, seen=_shown(stated))
    return counted


def page(text: str, url: str) -> etree._Element:
    """The root of an HTML page or fragment. Raises PortalNotUnderstood when there is none."""
    try:
        return html.document_fromstring(text, parser=html.HTMLParser(encoding=None, huge_tree=False))
    except (etree.ParserError, ValueError) as error:
        raise PortalNotUnderstood(f"no HTML: {error}", url=url, seen=text[:200]) from error


def _selected(element: etree._Element, values: dict[str, Selector], url: str) -> dict[str, Any]:
    read = {name: _value(element, selector, url) for name, selector in values.items()}
    return {name: value for name, value in read.items() if value is not None}


def _value(element: etree._Element, selector: Selector, url: str) -> str | list[str] | None:
    found = _every(element, selector.select)
    texts = [text for each in found if (text := _taken(each, selector, url)) is not None]
    if selector.every:
        return texts
    return texts[0] if texts else None


def _taken(element: etree._Element, selector: Selector, url: str) -> str | None:
    text = _words(element) if selector.attribute is None else element.get(selector.attribute)
    if text is not None and selector.attribute in ("href", "src"):
        text = led_to(url, text)
    if text is not None and selector.match is not None:
        found = re.search(selector.match, text)
        text = found[1] if found else None
    return text


def _every(element: etree._Element, select: str) -> list[etree._Element]:
    if not select:
        return [element]
    try:
        return list(element.cssselect(select))
    except SelectorError as error:
        raise SourceInvalid(f"the selector {select!r} is not understood: {error}") from error


def _words(element: etree._Element) -> str:
    """The text of an element: every run of white space one space, unless it breaks lines."""
    lines = "".join(_broken(element)).splitlines()
    return "\n".join(line for line in (" ".join(line.split()) for line in lines) if line)


def _broken(element: etree._Element) -> Iterator[str]:
    """The pieces of an element's text, line breaks where the page breaks lines and only there."""
    if element.text:
        yield " ".join(element.text.split("\n"))
    for child in element:
        if not isinstance(child.tag, str) or child.tag in ("script", "style"):
            yield child.tail or ""
            continue
        breaks = child.tag in _BREAKS
        yield "\n" if breaks else ""
        yield from _broken(child)
        yield "\n" if breaks and child.tag != "br" else ""
        if child.tail:
            yield " ".join(child.tail.split("\n"))


def _pairs(element: etree._Element, pairs: Pairs) -> Iterator[tuple[str, str]]:
    if pairs.cells is not None:
        cells = [_words(cell) for cell in _every(element, pairs.cells)]
        for key, value in zip(cells[::2], cells[1::2], strict=False):
            yield key.rstrip("：: "), value
    if pairs.lines is not None:
        for each in _every(element, pairs.lines):
            for line in _words(each).splitlines():
                if found := _PAIR.fullmatch(line):
                    yield found[1], found[2]
