"""The errors that are answered in one line: the user can do something about each."""

from __future__ import annotations

import schemas
from harvester.errors import HarvestError
from harvester.sourcefiles import SourceInvalid
from portal.catalog.accounts import AccountRefused, UnknownAccount
from portal.catalog.appearances import UnknownDataset
from portal.catalog.assessments import AssessmentMoved
from portal.catalog.decisions import RulingRefused
from portal.catalog.engines import AWAY, DatabaseError
from portal.catalog.held import NotHeld
from portal.catalog.periods import PeriodFrozen, UnknownPeriod
from portal.catalog.previews import PreviewRefused, StepRefused
from portal.catalog.requests import RequestRefused, UnknownRequest
from portal.catalog.runs import UnknownRun
from portal.catalog.sources import LeaseLost, SourceHeld, UnknownSource
from portal.catalog.statements import StatementRefused, UnknownStatement
from portal.scorecard.exports import FormatUnavailable
from portal.scorecard.periods import PeriodInvalid
from portal.scorecard.rules import RulesInvalid
from portal.search.query import IndexUnusable
from portal.settings import SettingsError

EXPECTED: tuple[type[Exception], ...] = (
    *AWAY,
    AccountRefused,
    AssessmentMoved,
    DatabaseError,
    FormatUnavailable,
    HarvestError,
    IndexUnusable,
    LeaseLost,
    NotHeld,
    OSError,
    PeriodFrozen,
    PeriodInvalid,
    PreviewRefused,
    RequestRefused,
    RulesInvalid,
    RulingRefused,
    SettingsError,
    SourceHeld,
    SourceInvalid,
    StatementRefused,
    StepRefused,
    UnknownAccount,
    UnknownDataset,
    UnknownPeriod,
    UnknownRequest,
    UnknownRun,
    UnknownSource,
    UnknownStatement,
)


def told(error: Exception) -> str:
    """What is wrong and where, in one line, and what to do about it where a table says so."""
    if isinstance(error, HarvestError):
        terms = schemas.vocabulary("issues").terms
        return f"{error}. {terms[error.code].attributes.get('cure_en', '')}" if error.code in terms else str(error)
    if isinstance(error, OSError) and error.strerror:
        return f"{error.filename}: {error.strerror}" if error.filename else error.strerror
    # What a driver says of a statement goes on with the statement; the first line tells what is the matter.
    return str(error).partition("\n")[0]
