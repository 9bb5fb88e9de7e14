"""The site's own sentences, from ``translations/zh.toml`` and ``translations/en.toml``."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TypeAlias

from babel import Locale
from markupsafe import Markup, escape

from portal.web.languages import language
from portal.web.notation import number

Message: TypeAlias = str | Mapping[str, str]
"""A sentence, or its forms by plural category (``one``, ``other``)."""


@cache
def messages(language: str) -> Mapping[str, Message]:
    """Every message of a language by ``page.key``."""
    text = files("portal.web").joinpath(f"translations/{language}.toml").read_text(encoding="utf-8")
    return MappingProxyType(
        {f"{page}.{key}": message for page, table in tomllib.loads(text).items() for key, message in table.items()}
    )


def t(key: str, /, **values: object) -> str:
    """The message ``key`` in the language of the page, its ``{names}`` replaced.

    Numbers are written with thousands commas; ``count`` chooses the plural form. Where a value is Markup (a link),
    the sentence becomes Markup with everything else escaped.
    """
    message = messages(language())[key]
    if not isinstance(message, str):
        count = values["count"]
        assert isinstance(count, int | float)
        message = message[_plural(language())(count)]
    written = {
        name: number(value) if isinstance(value, int | float) else value for name, value in values.items()
    }
    if any(isinstance(value, Markup) for value in written.values()):
        return escape(message).format(**written)
    return message.format(**written)


@cache
def _plural(language: str) -> Callable[[float], str]:
    return Locale(language).plural_form


def has_message(key: str) -> bool:
    """Whether there is such a message: for keys made of a code that may be newer than the translations."""
    return key in messages(language())
