"""What every template may call."""

from __future__ import annotations

import msgspec
from flask import Flask, request

from portal.scorecard.reasons import reason
from portal.scorecard.verdicts import Finding
from portal.web import addresses, issue_words, languages, notation, paper, places, previewing, prose, signing_in, words
from portal.web.asking import ROWS, Asked
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
        said=languages.said,
        address=addresses.address,
        asset=addresses.asset,
        on_paper=paper.on_paper,
        own_address=paper.own_address,
        pdf_address=paper.pdf_address,
        style_within=paper.style_within,
        today=paper.today,
        in_language=addresses.in_language,
        overview=_overview,
        contact=_contact,
        short_name=places.short_name,
        term=_term,
        why_so=_why_so,
        machine=_machine,
        issue_text=issue_words.issue_text,
        issue_values=issue_words.issue_values,
        issue_kind=issue_words.issue_kind,
        issue_cure=issue_words.issue_cure,
        issue_severity=issue_words.issue_severity,
        form_token=signing_in.form_token,
        end_of_day=previewing.end_of_day,
        person=signing_in.signed_in,
    )
    app.jinja_env.filters.update(
        number=notation.number,
        points=notation.points,
        hundredths=notation.hundredths,
        in_prose=notation.in_prose,
        date=notation.date,
        moment=notation.moment,
        ago=notation.ago,
        size=notation.size,
        lasted=notation.lasted,
        period=notation.period,
        percent=notation.percent,
        prose=prose.prose,
        plain=prose.plain,
        web_link=prose.web_link,
    )


def _overview() -> Overview:
    return site().overviews.current()


def _contact() -> tuple[str, str] | None:
    """Whom to write to about the site: the link and what it says; None where nobody is named."""
    said = site().settings.contact
    return None if said is None else (said if "://" in said else f"mailto:{said}", said)


def _machine(path: str, asked: Asked) -> str:
    """The address of a feed or an export of a search, every page of it."""
    parameters = msgspec.structs.replace(asked, page=1, rows=ROWS).parameters()
    return request.script_root + path + (f"?{parameters}" if parameters else "")


def _why_so(finding: Finding) -> str:
    """Why a verdict is what it is, in the language of the page."""
    return reason(finding, languages.language())


def _term(name: str, code: str) -> str:
    """The name of a code of a vocabulary in the language of the page."""
    return vocabulary(name).label(code, languages.language())
