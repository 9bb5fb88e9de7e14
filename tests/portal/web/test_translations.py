"""The sentences of the site: both languages say the same things, and every one of them is said somewhere."""

from __future__ import annotations

import re
from importlib.resources import files

import pytest
from flask.testing import FlaskClient

from portal.catalog.accounts import Refusal, Role
from portal.catalog.audit import Action
from portal.catalog.decisions import Verdict
from portal.catalog.demand import Order
from portal.catalog.model import ChangeKind, DatasetState, LinkState, Outcome, RunMode, Severity
from portal.catalog.requests import REFUSALS as REQUEST_REFUSALS
from portal.catalog.requests import State as Publicity
from portal.catalog.requests import Step
from portal.catalog.requests import Verdict as Reply
from portal.catalog.statements import REFUSALS
from portal.catalog.statements import Kind as Said
from portal.catalog.statements import Verdict as Word
from portal.highvalue.judging import Shortfall, State
from portal.scorecard.cards import Answer
from portal.scorecard.changes import Cause, Movement
from portal.scorecard.exports import TABLES as TABLES_OF_PERIODS
from portal.scorecard.rules import Level, UnknownCounts
from portal.scorecard.vectors import FLAGS
from portal.search.facets import FACETS
from portal.search.query import Sort
from portal.web.demanded import STATES
from portal.web.desk import DONE
from portal.web.graded import LEVELS, PARTS, TABLES
from portal.web.ckan.actions import ACTIONS
from portal.web.health import Health
from portal.web.operate.requests import DONE as DONE_TO_REQUESTS
from portal.web.operate.sources import ASKED
from portal.web.pages.requests import DONE as JOINED
from portal.web.previewing import Stage
from portal.web.timeliness import Timeliness
from portal.web.unresolved import Lack
from portal.web.words import Message, messages
from schemas import high_value_entries, vocabulary
from tests.portal.web.town import fields_of_dataset

WEB = files("portal.web")

_LITERAL = re.compile(r"""["']((?:[a-z_]+)\.(?:[a-z_0-9]+))["']""")
_STEM = re.compile(r"""["']([a-z_]+\.[a-z_]+_|[a-z_]+\.)["']\s*~|f["']([a-z_]+\.[a-z_]+_)\{""")
_NAME = re.compile(r"\{(\w+)\}")

MOVED = (Movement.WORSENED.value, Movement.IMPROVED.value, Movement.MEASURED.value)

CODES = {
    "fields.": fields_of_dataset(),
    "search.facet_": tuple(facet.name for facet in FACETS),
    "search.sort_": tuple(Sort),
    "ckan.": tuple(ACTIONS),
    "dataset.state_": (DatasetState.UNUSABLE, DatasetState.MISSING, DatasetState.RETIRED),
    "dataset.short_": (DatasetState.UNUSABLE, DatasetState.MISSING, DatasetState.RETIRED),
    "dataset.gone_": ("missing", "approved", "withdrawn", "source_removed"),
    "dataset.inferred_": ("source", "publisher", "title"),
    "dataset.time_": (Timeliness.ON_TIME, Timeliness.LATE, Timeliness.NO_DATE),
    "dataset.change_": tuple(ChangeKind),
    "sources.state_": tuple(Health),
    "links.state_": (*LinkState, "page"),
    "links.counted_": (*LinkState, "never", "pages"),
    "links.cause_": tuple(
        code.removeprefix("link.").replace("-", "_") for code in vocabulary("issues").terms if code.startswith("link.")
    ),
    "runs.outcome_": tuple(Outcome),
    "runs.mode_": tuple(RunMode),
    "runs.asked_": tuple(RunMode),
    "runs.decision_": ("approved", "rejected", "superseded"),
    "runs.severity_": tuple(Severity),
    "account.role_": tuple(Role),
    "account.problem_": ("refused", "too_many", "wrong", "different", "weak"),
    "operate.run_": tuple(RunMode),
    "operate.what_": (*ASKED, "pause", "resume", "approve", "reject"),
    "operate.did_": tuple(Action),
    "operate.verdict_": tuple(Verdict),
    "operate.lack_": tuple(Lack),
    "operate.lacks_": (*Lack, "any"),
    "publishers.inferred_": ("name", "source", "decision"),
    "operate.from_": ("name", "source", "decision", "portal"),
    "operate.done_": (
        "asked", "paused", "resumed", "approved", "rejected", "decided", "undone", "together", "apart", "open",
        "added", "disabled", "enabled", "answered",
    ),
    "operate.problem_": ("decided", "busy", "pair", "oneself"),
    "operate.problem_account_": tuple(Refusal),
    "runs.outcome_held_": ("approved", "rejected", "superseded"),
    "operate.word_": ("together", "apart"),
    "operate.refused_answer_": ("role", "text", "verdict", "answered", "withdrawn", "frozen"),
    "preview.kind_": tuple(Said),
    "preview.state_": (*Word, "open", "unanswered", "answered", "withdrawn"),
    "periods.state_": tuple(Stage),
    "desk.done_": DONE,
    "desk.kind_": tuple(Said),
    # What only answers are refused for is never said at the desk.
    "desk.refused_": tuple(REFUSALS.keys() - {"verdict", "answered"}),
    "operate.refused_": (
        "name", "verdict", "scope", "functions", "institution_type", "region", "note",
    ),
    "scorecards.answer_": tuple(Answer),
    "scorecards.flag_": tuple(name.replace("-", "_") for name in FLAGS),
    "scorecards.flag_what_": tuple(name.replace("-", "_") for name in FLAGS),
    "scorecards.level_": tuple(filter(None, LEVELS)),
    "scorecards.level_of_": tuple(Level),
    "scorecards.of_": tuple(TABLES),
    "scorecards.unknown_": tuple(UnknownCounts),
    "matrix.of_": tuple(PARTS),
    "changed.part_": ("rules", "added", "removed", *(f"{how}-{why.value}" for how in MOVED for why in Cause)),
    "changed.doer_": ("rules", "listed", *Cause),
    "changed.verdict_": tuple(Answer),
    "changed.problem_": ("day", "future", "order"),
    "periods.table_": tuple(TABLES_OF_PERIODS),
    "digest.count_": ("stale", "broken"),
    "digest.no_": ("stale", "broken", "fixes"),
    "digest.mail_": ("stale", "broken"),
    "high_value.state_": tuple(State),
    "high_value.count_": tuple(State),
    "high_value.short_": tuple(one.replace("-", "_") for one in Shortfall),
    "high_value.type_": tuple({field.type for entry in high_value_entries().values() for field in entry.fields}),
    "demand.state_": STATES,
    "demand.sort_": tuple(Order),
    "demand.is_": tuple(Publicity),
    "demand.answer_": tuple(Reply),
    "demand.verdict_": tuple(Reply),
    "demand.step_": (*Step, "asked", "joined"),
    "demand.refused_": (*REQUEST_REFUSALS, "trap", "token"),
    "demand.done_": (*DONE_TO_REQUESTS, *JOINED),
    "runs.besides_": ("missing", "retired", "restored", "held"),
}
"""Messages named by a code, and the codes there are."""


def _sources() -> str:
    found = []
    waiting = [WEB]
    while waiting:
        for one in waiting.pop().iterdir():
            if one.is_dir() and one.name not in ("static", "translations", "__pycache__"):
                waiting.append(one)
            elif one.name.endswith((".py", ".html")):
                found.append(one.read_text(encoding="utf-8"))
    return "\n".join(found)


def _forms(message: Message) -> list[str]:
    return [message] if isinstance(message, str) else list(message.values())


def test_both_languages_have_the_same_messages() -> None:
    assert set(messages("zh")) == set(messages("en"))


def test_both_languages_put_the_same_values_into_a_message() -> None:
    def names(message: Message) -> set[str]:
        return {name for form in _forms(message) for name in _NAME.findall(form)}

    assert [key for key in messages("zh") if names(messages("zh")[key]) != names(messages("en")[key])] == []


def test_an_english_message_with_a_count_has_both_forms() -> None:
    counted = {key: set(message) for key, message in messages("en").items() if not isinstance(message, str)}
    assert counted and {key: forms for key, forms in counted.items() if forms != {"one", "other"}} == {}


def test_every_message_that_is_used_exists_and_every_one_that_exists_is_used(client: FlaskClient) -> None:
    text = _sources()
    pages = {key.split(".")[0] for key in messages("zh")}
    used = {key for key in _LITERAL.findall(text) if key.split(".")[0] in pages}
    stems = {one or other for one, other in _STEM.findall(text)}
    names_of_pages = {rule.endpoint for rule in client.application.url_map.iter_rules()}
    missing = {key for key in used - names_of_pages if key not in messages("zh") and not key.endswith(("_", ".html"))}
    assert missing == set()
    unused = {key for key in messages("zh") if key not in used and not any(key.startswith(stem) for stem in stems)}
    assert unused == set()


@pytest.mark.parametrize("stem", CODES)
def test_every_code_has_its_message(stem: str) -> None:
    assert [code for code in CODES[stem] if f"{stem}{code}" not in messages("zh")] == []
