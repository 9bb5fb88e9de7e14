"""The tables of the database, a module for each part of the catalogue."""

from portal.catalog.tables.appearances import (
    appearance,
    appearance_decision,
    appearance_key,
    appearance_position,
    counted_past,
    family_member,
)
from portal.catalog.tables.columns import Instant, Number, metadata
from portal.catalog.tables.datasets import change, dataset, publisher, raw_record
from portal.catalog.tables.harvests import (
    held,
    issue,
    lease,
    normalisation,
    run,
    run_request,
    source,
    validator,
)
from portal.catalog.tables.high_value import high_value_match, high_value_position
from portal.catalog.tables.links import counter, link, link_host, link_past, link_use
from portal.catalog.tables.people import account, audit, clearance, publisher_decision, sign_in_attempt
from portal.catalog.tables.previews import period_department, preview, preview_step, statement, statement_answer
from portal.catalog.tables.requests import (
    data_request,
    request_answer,
    request_salt,
    request_step,
    request_supporter,
)
from portal.catalog.tables.scorecards import (
    assessment,
    explanation,
    period,
    period_part,
    period_standing,
    scorecard_state,
    standing,
    standing_past,
    tally,
)

__all__ = [
    "Instant",
    "Number",
    "account",
    "appearance",
    "appearance_decision",
    "appearance_key",
    "appearance_position",
    "assessment",
    "audit",
    "change",
    "clearance",
    "counted_past",
    "counter",
    "data_request",
    "dataset",
    "explanation",
    "family_member",
    "held",
    "high_value_match",
    "high_value_position",
    "issue",
    "lease",
    "link",
    "link_host",
    "link_past",
    "link_use",
    "metadata",
    "normalisation",
    "period",
    "period_department",
    "period_part",
    "period_standing",
    "preview",
    "preview_step",
    "publisher",
    "publisher_decision",
    "raw_record",
    "request_answer",
    "request_salt",
    "request_step",
    "request_supporter",
    "run",
    "run_request",
    "scorecard_state",
    "sign_in_attempt",
    "source",
    "standing",
    "standing_past",
    "statement",
    "statement_answer",
    "tally",
    "validator",
]
