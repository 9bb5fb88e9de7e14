"""The arguments of an action: from an address, a form or a JSON body, and read as CKAN's validators read them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeAlias

from flask import g, request
from werkzeug.datastructures import MultiDict

from portal.web.ckan.refusals import BadRequest, Invalid

Arguments: TypeAlias = Mapping[str, Any]

_YES = frozenset(("true", "yes", "on", "y", "t", "1"))
_NO = frozenset(("false", "no", "off", "n", "f", "0", ""))

LARGEST = 2**31 - 1
"""Of a number: nothing here has as many."""

DEEPEST = 20
"""Of a JSON body."""


def given() -> dict[str, Any]:
    """The arguments of this request, read once. Raises BadRequest."""
    if "ckan_arguments" not in g:
        g.ckan_arguments = _given()
    found: dict[str, Any] = g.ckan_arguments
    return found


def _given() -> dict[str, Any]:
    if request.method != "POST":
        return _mixed(request.args)
    if request.form:
        pairs = list(request.form.items(multi=True))
        # curl -d '{"id": …}' says that it is a form, whose one field is the document.
        if len(pairs) == 1 and pairs[0][1] in ("", "1"):
            return _document(pairs[0][0].encode())
        return _mixed(request.form)
    body = request.get_data()
    # An action of CKAN's reads the address even of a POST where it changes nothing.
    return _mixed(request.args) if request.args else _document(body) if body.strip() else {}


def _mixed(several: MultiDict[str, str]) -> dict[str, Any]:
    return {name: values[0] if len(values) == 1 else values for name, values in several.to_dict(flat=False).items()}


def _document(body: bytes) -> dict[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise BadRequest("JSON Error: Error decoding JSON data.") from error
    if not isinstance(document, dict):
        raise BadRequest("JSON Error: Request data JSON needs to be a dictionary.")
    for text in _texts(document, DEEPEST):
        # Nobody means one, and no database keeps it; nor half a pair of UTF-16.
        if "\0" in text or not _is_writable(text):
            raise BadRequest("JSON Error: a text holds what is no character.")
    return document


def _texts(value: Any, depth: int) -> Iterator[str]:
    if depth == 0:
        raise BadRequest("JSON Error: Request data is nested too deeply.")
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for one in value.values():
            yield from _texts(one, depth - 1)
    elif isinstance(value, list):
        for one in value:
            yield from _texts(one, depth - 1)


def _is_writable(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def text(arguments: Arguments, name: str) -> str | None:
    """A text, without space around it; None where it is not given or empty. A number is one too, as in CKAN."""
    value = arguments.get(name)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise Invalid(name, "Must be a Unicode string value")
    return str(value).strip() or None


def required(arguments: Arguments, name: str) -> str:
    """A text that must be there."""
    found = text(arguments, name)
    if found is None:
        raise Invalid(name, "Missing value")
    return found


def integer(arguments: Arguments, name: str) -> int | None:
    """A whole number; None where it is not given or empty. Brought into range where it is too large."""
    value = arguments.get(name)
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, str | int) or len(str(value)) > 1000:
            raise ValueError
        number = int(value)
    except ValueError as error:
        raise Invalid(name, "Invalid integer") from error
    return max(-LARGEST, min(number, LARGEST))


def natural(arguments: Arguments, name: str) -> int | None:
    """A whole number from 0; None where it is not given or empty."""
    number = integer(arguments, name)
    if number is not None and number < 0:
        raise Invalid(name, "Must be a natural number")
    return number


def flag(arguments: Arguments, name: str, absent: bool) -> bool:
    """Yes or no in any of the spellings that CKAN takes."""
    value = arguments.get(name)
    if value is None:
        return absent
    word = str(value).strip().lower()
    if word not in _YES | _NO:
        raise Invalid("message", "Parameter is not an bool")
    return word in _YES


def texts(arguments: Arguments, name: str) -> tuple[str, ...]:
    """Several texts, each once: a list, the JSON of one, or one text alone."""
    value = arguments.get(name)
    if value is None or value == "":
        return ()
    if isinstance(value, str):
        if not value.lstrip().startswith("["):
            return (value,)
        try:
            value = json.loads(value)
        except (ValueError, RecursionError) as error:
            raise Invalid(name, "Could not parse as valid JSON") from error
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Invalid(name, "Not a list of strings")
    return tuple(dict.fromkeys(value))
