"""Puts the packaged JSON-LD contexts in place of addresses, so that nothing is left in a document to be fetched."""

from __future__ import annotations

from typing import Any

import schemas


class ContextRefused(Exception):
    """The document names a context that is not packaged."""


def without_remote_contexts(document: Any) -> Any:
    """The document with every context inline, and with addresses of terms that stand for addresses percent-encoded.

    Goes through the whole document, as a context may stand in any object, within another context (scoped, imported)
    and in a list. Raises ContextRefused for one that is not among ``schemas.contexts``, whatever its scheme.
    """
    inline = _inline(document)
    return _encode_spaces(inline, frozenset({"@id", "id"}) | _address_terms(inline))


def _inline(value: Any) -> Any:
    if isinstance(value, list):
        return [_inline(each) for each in value]
    if not isinstance(value, dict):
        return value
    inline = {key: _inline(each) for key, each in value.items() if key not in ("@context", "@import")}
    if "@import" in value:
        inline = {**_packaged(value["@import"]), **inline}
    if "@context" in value:
        inline["@context"] = _context(value["@context"])
    return inline


def _context(context: Any) -> Any:
    if isinstance(context, str):
        return _packaged(context)
    if isinstance(context, list):
        return [_context(each) for each in context]
    return _inline(context)


def _packaged(address: Any) -> dict[str, Any]:
    context = schemas.contexts().get(address) if isinstance(address, str) else None
    if context is None:
        raise ContextRefused(f"the JSON-LD context {address!r} is not one of the packaged ones, and none is fetched")
    return dict(context)


def _address_terms(value: Any) -> frozenset[str]:
    """The terms that some context of the document says to stand for addresses."""
    if isinstance(value, list):
        return frozenset().union(*map(_address_terms, value))
    if not isinstance(value, dict):
        return frozenset()
    named = frozenset(
        term for term, meaning in value.items() if isinstance(meaning, dict) and meaning.get("@type") == "@id"
    )
    return named.union(*map(_address_terms, value.values()))


def _encode_spaces(value: Any, terms: frozenset[str]) -> Any:
    """rdflib drops an address with a space without a word; ``%20`` is what such an address means."""
    if isinstance(value, list):
        return [_encode_spaces(each, terms) for each in value]
    if not isinstance(value, dict):
        return value
    return {
        key: _spaces_encoded(each, terms) if key in terms else _encode_spaces(each, terms) for key, each in value.items()
    }


def _spaces_encoded(value: Any, terms: frozenset[str]) -> Any:
    if isinstance(value, list):
        return [_spaces_encoded(each, terms) for each in value]
    return value.strip().replace(" ", "%20") if isinstance(value, str) else _encode_spaces(value, terms)
