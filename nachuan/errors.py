"""The errors that are answered in one line: the user can do something about each."""

from __future__ import annotations

from harvester.errors import HarvestError
from harvester.sourcefiles import SourceInvalid
from portal.catalog.accounts import AccountRefused, UnknownAccount
from portal.catalog.appearances import UnknownDataset
from portal.catalog.assessments import AssessmentMoved
from portal.catalog.decisions import RulingRefused
from portal.catalog.engines import AWAY, DatabaseError
from portal.catalog.held import NotHeld
from portal.catalog.periods import PeriodFrozen, UnknownPeriod
from portal.catalog.previews import PreviewRefused
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
    PeriodFrozen,
    PeriodInvalid,
    PreviewRefused,
    RulesInvalid,
    RulingRefused,
    SettingsError,
    SourceHeld,
    SourceInvalid,
    StatementRefused,
    UnknownAccount,
    UnknownDataset,
    UnknownPeriod,
    UnknownRun,
    UnknownSource,
    UnknownStatement,
)
