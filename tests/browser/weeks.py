"""Two half-years of the make-believe country, before their time: one frozen after its preview, one in an open preview."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from msgspec.structs import replace

from portal.catalog.accounts import Role
from portal.catalog.assessments import Kind as Of
from portal.catalog.audit import COMMAND
from portal.catalog.statements import Kind, Saying, Verdict
from portal.catalog.store import Catalog
from portal.catalog.writing import NewRecord
from portal.scorecard import disputes, kept, periods
from tests.portal.web.people import PASSWORD, cheap_passwords

KEY = "test"

OFFICER = "officer"
"""Of the department that came last."""

ANSWER = """经核实，许可写在附件中，平台的许可字段为空；请在平台上补填。

The licence stands in an attachment; the portal’s field is empty."""


def half_year(later: int = 0) -> str:
    """The half-year of now, or one so many later."""
    now = datetime.now(UTC)
    number = 2 * now.year + (now.month > 6) + later
    return f"{number // 2}H{number % 2 + 1}"


def last_department(catalog: Catalog) -> str:
    """The department that came last under the first rule set."""
    return catalog.assessments.standings("national", Of.DEPARTMENT)[-1].code


def previewed(catalog: Catalog, *, busy: str) -> None:
    """Previews both, lets the last department speak and be answered, corrects one dataset, freezes the first.

    ``busy`` is a source whose datasets are not corrected.
    """
    department = last_department(catalog)
    with cheap_passwords():
        catalog.accounts.add(OFFICER, Role.OFFICER, PASSWORD, by=COMMAND, department=department)
    for period in (half_year(), half_year(1)):
        begun = datetime.combine(periods.last_day(period), time(), UTC) + timedelta(days=2)
        periods.begin_preview(catalog, period, KEY, now=begun)
        for saying in _sayings(kept.rows(catalog, f"{period}-pre", department)[0].dataset_id):
            disputes.say(catalog, period, saying, catalog.accounts.get(OFFICER))
    first, second, third, _ = catalog.statements.of(half_year())
    earlier = catalog.statements.answer(first.number, ANSWER, Verdict.NOT_UPHELD, by=COMMAND)
    later = "附件已写明，改为采纳。\nThe attachment says it: upheld after all."
    catalog.statements.answer(first.number, later, Verdict.UPHELD, by=COMMAND, after=earlier.number)
    catalog.statements.withdraw(second.number, by=OFFICER)
    catalog.statements.answer(third.number, ANSWER, Verdict.PARTLY_UPHELD, by=COMMAND)
    _correct_one(catalog, busy)
    end = datetime.combine(periods.last_day(half_year()), time(), UTC) + timedelta(days=20)
    periods.freeze(catalog, half_year(), KEY, now=end)


def _sayings(dataset_id: str) -> tuple[Saying, ...]:
    about = {"rules": "national", "indicator": "licence"}
    of_one = "The licence of this dataset is on the landing page."
    return (
        Saying(kind=Kind.DISPUTE, text="本局全部数据集均已注明许可，见各数据集说明的第二段。\n请更正。", **about),
        Saying(kind=Kind.DISPUTE, text="该数据集不属于本局。<b>请核实</b>", dataset_id=dataset_id),
        Saying(kind=Kind.DISPUTE, text=of_one, dataset_id=dataset_id, **about),
        Saying(kind=Kind.COMMENT, text="感谢。" * 120),
    )


def _correct_one(catalog: Catalog, busy: str) -> None:
    """One dataset turns out to be no department's: another reading of the same words."""
    entry = next(
        entry for entry in catalog.walk()
        if entry.dataset.publisher and entry.dataset.publisher.department and entry.dataset.source_id != busy
    )
    dataset, raw = entry.dataset, catalog.raw(entry.dataset.id)
    assert dataset.publisher is not None and raw is not None
    read = replace(dataset, publisher=replace(dataset.publisher, department=None, decision=1))
    record = NewRecord(
        dataset=read, body=raw.body, raw_digest=bytes(16), media_type=raw.media_type, url=raw.url
    )
    lease = catalog.sources.lease(dataset.source_id, "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.reread([record])
    catalog.sources.release(lease)
