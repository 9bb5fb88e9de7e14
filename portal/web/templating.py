"""What every template may call."""

from __future__ import annotations

from flask import Flask

from portal.web import addresses, languages, notation, places, prose, words
from portal.web.overview import Overview
from portal.web.site import site
from schemas import vocabulary


def furnish(app: Flask) -> None:
    """Gives the templates of ``app`` their functions."""
    app.jinja_env.globals.update(
        t=words.t,
        has_message=words.has_message,
        language=languages.language,
        LANGUAGES=languages.LANGUAGES,
        tongue=languages.tongue,
        address=addresses.address,
        asset=addresses.asset,
        in_language=addresses.in_language,
        lasting=addresses.lasting,
        overview=_overview,
        short_name=places.short_name,
        term=_term,
    )
    app.jinja_env.filters.update(
        number=notation.number,
        in_prose=notation.in_prose,
        date=notation.date,
        moment=notation.moment,
        ago=notation.ago,
        size=notation.size,
        percent=notation.percent,
        prose=prose.prose,
        web_link=prose.web_link,
    )


def _overview() -> Overview:
    return site().overviews.current()


def _term(name: str, code: str) -> str:
    """The name of a code of a vocabulary in the language of the page."""
    return vocabulary(name).label(code, languages.language())
