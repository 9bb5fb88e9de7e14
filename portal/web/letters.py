"""Letters as plain text, ready to send: to a department its month, and one thing that would raise its score; to a portal
that turns the harvester away, what would let it in."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from portal.catalog.model import HARVESTER, Entry, Issue, Run, Source
from portal.scorecard.fixes import Fix
from portal.scorecard.rules import Level
from portal.web.addresses import base, lasting
from portal.web.digesting import Digest, Month, Trouble
from portal.web.explained import Row
from portal.web.graded import Group
from portal.web.languages import language
from portal.web.notation import date as in_words
from portal.web.notation import moment, percent
from portal.web.notation import month as month_in_words
from portal.web.site import site
from portal.web.words import t

NAMED = 10
"""Datasets named in a letter."""


def digest_letter(found: Digest) -> str:
    """The month of a department."""
    lines = [
        t("digest.mail_subject", name=one_line(found.name), month=month_of(found.month)),
        "",
        t("digest.mail_greeting"),
        "",
        _standing(found),
    ]
    if found.change and found.change.rows:
        lines += ["", t("digest.mail_why")]
        lines += [_part(row) for row in found.change.rows]
        lines += [t("digest.mail_why_where"), changes_address(found)]
    lines += ["", *_fixes(found), ""]
    if found.change:
        lines += [*_trouble(found.broken, "broken"), *_trouble(found.stale, "stale"), ""]
    lines += [t("digest.mail_more"), digest_address(found.group, found.month)]
    lines += [t("digest.mail_card"), card_address(found.group), "", *_whom_to_tell()]
    return "\n".join(lines) + "\n"


def fix_letter(found: Digest, fix: Fix, failing: Sequence[Entry], count: int) -> str:
    """One thing to do, with the first of the datasets it is to be done to; ``count`` is how many those are."""
    locale = language()
    cure, title = cure_of(fix), fix.indicator.title.text(locale)
    lines = [
        t("digest.fix_subject", count=fix.datasets, fix=cure, name=one_line(found.name)),
        "",
        t("digest.mail_greeting"),
        "",
        t("digest.fix_what", count=count, name=one_line(found.name), indicator=title, when=day(found.month.last)),
        t("digest.fix_why", why=fix.indicator.why.text(locale)),
    ]
    asked = "digest.fix_some" if fix.indicator.level is Level.DEPARTMENT else "digest.fix_all"
    lines += [t(asked, fix=cure, count=fix.datasets, points=gained(fix).replace("+", "")), ""]
    lines += [t("digest.fix_list"), fix_address(found.group, found.month, fix, "csv"), ""]
    lines += [t("digest.fix_first", count=len(failing))]
    lines += [_item(entry) for entry in failing]
    lines += ["", t("digest.mail_card"), card_address(found.group), "", *_whom_to_tell()]
    return "\n".join(lines) + "\n"


def blocked_letter(source: Source, run: Run, issue: Issue) -> str:
    """What to ask a portal for that turned a run away, as ``issue`` tells."""
    rate = source.politeness.requests_per_second
    lines = [
        t("blocked.subject", name=one_line(source.title)),
        "",
        t("blocked.greeting"),
        "",
        t("blocked.who", site=base()),
        t("blocked.what", when=moment(run.started), name=one_line(source.title)),
        "",
        t("blocked.address", url=one_line(issue.url or source.url)),
        t("blocked.answer", seen=one_line(issue.detail or issue.seen or "")),
        t("blocked.program", name=HARVESTER),
        t("blocked.rate", rate=f"{rate:g}") if rate else t("blocked.rate_open"),
        "",
        t("blocked.ask"),
        t("blocked.ask_pass"),
        t("blocked.ask_key"),
        t("blocked.ask_other"),
        "",
        t("blocked.why", name=one_line(source.title)),
        f"{base()}/{language()}/sources/{source.id}",
        "",
    ]
    contact = site().settings.contact
    lines += [t("blocked.reply") if contact is None else t("blocked.contact", contact=contact)]
    return "\n".join(lines) + "\n"


def _whom_to_tell() -> list[str]:
    """What to do about a figure that is wrong."""
    contact = site().settings.contact
    with_us = t("wrong.with_us_unknown") if contact is None else f"{t('wrong.with_us')}{contact}"
    return [t("wrong.title"), t("wrong.at_portal"), with_us]


def cure_of(fix: Fix) -> str:
    """What to do, as the rule set says it."""
    return (fix.indicator.fix or fix.indicator.title).text(language())


def thing_of(fix: Fix) -> str:
    """What to do, at the beginning of a line."""
    words = cure_of(fix)
    return words[:1].upper() + words[1:]


def signed(points: float) -> str:
    """Points gained or lost, with one decimal: ``+6.4``, ``−1.2``, ``0.0``."""
    return f"{points:+.1f}".replace("-", "−") if round(points, 1) else "0.0"


def gained(fix: Fix) -> str:
    """The points of a fix: ``+6.4``, ``≥ +6.4`` where what else empty datasets pass comes on top."""
    return f"≥ {signed(fix.gain)}" if fix.fills else signed(fix.gain)


def day(value: date) -> str:
    """A day in words."""
    return in_words(datetime.combine(value, time(), UTC))


def month_of(month: Month) -> str:
    """A month in words."""
    return month_in_words(datetime.combine(month.last, time(), UTC))


def one_line(text: str) -> str:
    """A portal's words on one line without control characters: a letter has lines of its own, and a subject is one."""
    return " ".join("".join(one if unicodedata.category(one)[0] != "C" else " " for one in text).split())


def digest_address(group: Group, month: Month) -> str:
    """Where the page of a month is, in the language of the letter."""
    return _in_letter("digests.digest", kind=group.segment, code=group.written, month=month.written)


def changes_address(found: Digest) -> str:
    """Where the change of a month is taken apart."""
    days = {"from": found.month.first.isoformat(), "to": found.month.last.isoformat()}
    return _in_letter("changes.changes", kind=found.group.segment, code=found.group.written, **days)


def fix_address(group: Group, month: Month, fix: Fix, suffix: str) -> str:
    """Where the list of a fix is, or the letter about it."""
    return _in_letter(
        f"digests.fix_{suffix}", kind=group.segment, code=group.written, month=month.written, indicator=fix.indicator.id
    )


def card_address(group: Group) -> str:
    """Where the card of a group is."""
    return f"{base()}/{language()}/scorecards/{group.segment}/{group.written}"


def _in_letter(endpoint: str, **values: object) -> str:
    """An address in the language of the letter, whatever the reader's browser asks for."""
    return f"{base()}/{language()}{lasting(endpoint, **values).removeprefix(base())}"


def _standing(found: Digest) -> str:
    now = {"name": one_line(found.name), "last": day(found.month.last), "scale": found.rules.scale}
    now |= {"datasets": found.score.datasets, "measured": percent(found.score.measured)}
    if found.score.point is None:
        return t("digest.mail_unmeasured", **now)
    if found.change is None:
        return t("digest.mail_first", score=f"{found.score.point:.1f}", **now)
    return t(
        "digest.mail_standing", score=f"{found.change.after:.1f}", first=day(found.month.first),
        before=f"{found.change.before:.1f}", difference=signed(found.change.difference), **now,
    )


def _part(row: Row) -> str:
    told = {"part": t(f"changed.part_{row.name}"), "points": signed(row.points)}
    if not row.part.datasets:
        return t("digest.mail_rules", **told)
    return t("digest.mail_part", count=row.part.datasets, **told)


def _fixes(found: Digest) -> list[str]:
    if not found.fixes:
        return [t("digest.no_fixes")]
    lines = [t("digest.mail_fixes")]
    for place, fix in enumerate(found.fixes, 1):
        told = {"place": place, "fix": thing_of(fix), "count": fix.datasets, "of": fix.choice, "points": gained(fix)}
        lines += [
            t("digest.mail_fix_some" if fix.datasets < fix.choice else "digest.mail_fix", **told),
            f"   {fix_address(found.group, found.month, fix, 'csv')}",
        ]
    return lines


def _trouble(found: Trouble, what: str) -> list[str]:
    if not found.datasets:
        return [t(f"digest.no_{what}")]
    named = found.named[:NAMED]
    lines = [t(f"digest.mail_{what}", count=found.datasets), *(_item(one.entry) for one in named)]
    return lines if found.datasets == len(named) else [*lines, t("digest.mail_others", count=found.datasets - len(named))]


def _item(entry: Entry) -> str:
    return f"- {one_line(entry.dataset.title)}\n  {_in_letter('datasets.dataset', id=entry.dataset.id)}"
