"""What a department may say about its card in a preview: what a statement names must be there."""

from __future__ import annotations

from portal.catalog.accounts import Account
from portal.catalog.statements import Saying, Statement, StatementRefused
from portal.catalog.store import Catalog
from portal.scorecard import kept


def say(catalog: Catalog, period: str, saying: Saying, person: Account) -> Statement:
    """Takes down what an officer says for the own department. Raises StatementRefused.

    Without an indicator it is about the whole: which datasets are counted as the department's, and which are not.
    """
    preview = catalog.previews.get(period)
    if preview is None:
        raise StatementRefused("over")
    if person.department is None:
        raise StatementRefused("role")
    own = {row.dataset_id for row in kept.rows(catalog, preview.kept, person.department)}
    if not (saying.rules is None and saying.indicator is None) and not (
        own and is_number(catalog, preview.kept, saying.rules, saying.indicator)
    ):
        raise StatementRefused("number")
    if saying.dataset_id is not None and saying.dataset_id not in own:
        raise StatementRefused("dataset")
    return catalog.statements.say(period, saying, by=person.name)


def is_number(catalog: Catalog, kept_id: str, rules: str | None, indicator: str | None) -> bool:
    """Whether an assessment that was kept has a number of this indicator."""
    measured = {(one.id, each.id) for one in kept.rule_sets(catalog, kept_id) for each in one.measured}
    return (rules, indicator) in measured
