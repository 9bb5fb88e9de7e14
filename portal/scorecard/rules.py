"""Rule sets: what is asked of datasets, how much each answer weighs, and why. Data in ``schemas/scorecard``."""

from __future__ import annotations

import tomllib
from enum import StrEnum
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct

import schemas
from portal.scorecard.describing import Options
from portal.scorecard.evidence import CHECKS


class RulesInvalid(Exception):
    """A rule set cannot be used; the message says which and why."""


class Level(StrEnum):
    """What an indicator is asked of."""

    DATASET = "dataset"
    DISTRIBUTION = "distribution"
    """Asked of each distribution; ``combine`` makes one answer of them."""
    DEPARTMENT = "department"
    """Of a department or publisher as a whole: so many of its datasets must pass."""


class Combine(StrEnum):
    """How the answers of the distributions make the dataset's."""

    ANY = "any"
    ALL = "all"
    BEST = "best"
    """The answers of the one distribution that has most points in all."""
    BEST_BY_DIMENSION = "best_by_dimension"
    """In each dimension, the answers of the distribution that has most points there."""


class UnknownCounts(StrEnum):
    """What an unknown is in the score itself; the bounds always leave it open."""

    LEFT_OUT = "left_out"
    PASS = "pass"
    FAIL = "fail"


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """A text in both languages."""

    zh: str
    en: str

    def text(self, locale: str) -> str:
        """The text in ``zh`` or ``en``."""
        return self.zh if locale == "zh" else self.en


class Dimension(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What several indicators are about."""

    id: str
    title: Text


class Indicator(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One question and what its answer is worth."""

    id: str
    dimension: str
    title: Text
    why: Text
    """Why it is asked, and why it weighs what it weighs."""
    check: str | None = None
    """A check of ``portal.scorecard.evidence``; None for what is declared and not measured yet."""
    weight: float
    fail: float = 0.0
    """What a fail brings, in the unit of ``weight``: zero, or less where it costs. A distribution's fail is charged to
    datasets that have a distribution."""
    unit: str = "share"
    """``share`` of the datasets it applies to, or ``points`` of a dataset."""
    level: Level = Level.DATASET
    combine: Combine = Combine.ANY
    needs: int = 1
    """Of a department's: how many of its datasets must pass for the whole weight; fewer give their part of it."""
    not_for: tuple[str, ...] = ()
    """Codes of ``institution_types`` that it does not apply to."""
    norm: str | None = None
    """Where the rule comes from."""
    fix: Text | None = None
    """What raises it, as a request to the department."""
    effort: float = 1.0
    """Minutes that one dataset takes, by our estimate: it orders the fixes and nothing else."""
    options: Options = {}


class Band(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A name for a range of scores."""

    id: str
    title: Text
    least: float


class RuleSet(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A way to score, whole: one file."""

    id: str
    version: str
    title: Text
    about: Text
    scale: float
    """The score of a dataset that passes everything."""
    unknown: UnknownCounts = UnknownCounts.LEFT_OUT
    distributions: Combine = Combine.ANY
    """How the distributions' answers make the dataset's, where an indicator does not say otherwise."""
    empty_earns_nothing: bool = False
    """Whether a dataset that its portal itself calls empty fails everything, however well it is described."""
    norm: str | None = None
    bands: tuple[Band, ...] = ()
    """The highest first."""
    dimensions: tuple[Dimension, ...]
    indicators: tuple[Indicator, ...]

    @property
    def measured(self) -> tuple[Indicator, ...]:
        """The indicators that have a check."""
        return tuple(indicator for indicator in self.indicators if indicator.check is not None)

    def indicator(self, id: str) -> Indicator:
        """One of its indicators. Raises KeyError."""
        for indicator in self.indicators:
            if indicator.id == id:
                return indicator
        raise KeyError(id)


PACKAGED = ("national", "mqa", "five_star", "udata")
"""The rule sets that every catalogue is assessed by, the first being the one that is shown first."""


@cache
def packaged() -> tuple[RuleSet, ...]:
    """The rule sets of ``PACKAGED``."""
    return tuple(parse(schemas.scorecard(name), name) for name in PACKAGED)


def load(name: str) -> RuleSet:
    """A packaged rule set by its name, or one in a TOML file by its path. Raises RulesInvalid."""
    if name in PACKAGED:
        return packaged()[PACKAGED.index(name)]
    try:
        text = Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        known = ", ".join(PACKAGED)
        raise RulesInvalid(f"{name} is neither one of {known} nor a file that can be read: {error}") from error
    return parse(text, name)


def parse(text: str, name: str) -> RuleSet:
    """A rule set from its TOML. Raises RulesInvalid for what no assessment could use."""
    try:
        rules = msgspec.convert(tomllib.loads(text), RuleSet)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise RulesInvalid(f"rule set {name}: {error}") from error
    for problem in _problems(rules):
        raise RulesInvalid(f"rule set {name}: {problem}")
    return rules


def _problems(rules: RuleSet) -> list[str]:
    ids = [indicator.id for indicator in rules.indicators]
    dimensions = {dimension.id for dimension in rules.dimensions}
    types = schemas.vocabulary("institution_types").terms
    found = [f"the indicator {id} stands twice" for id in sorted({id for id in ids if ids.count(id) > 1})]
    for indicator in rules.indicators:
        where = f"the indicator {indicator.id}"
        if indicator.dimension not in dimensions:
            found.append(f"{where} is of the dimension {indicator.dimension}, which is not declared")
        if indicator.check is not None and indicator.check not in CHECKS:
            found.append(f"{where} asks the check {indicator.check}, which there is not")
        elif indicator.check is not None and indicator.level is not Level.DEPARTMENT:
            level = Level.DISTRIBUTION if CHECKS[indicator.check].of_distributions else Level.DATASET
            if indicator.level is not level:
                found.append(f"{where} is of a {indicator.level}, but its check {indicator.check} of a {level}")
        if indicator.weight <= 0 or indicator.needs < 1 or indicator.effort <= 0:
            found.append(f"{where} needs a weight, a number needed and an effort above zero")
        if indicator.fail > 0 or (indicator.fail and indicator.level is Level.DEPARTMENT):
            found.append(f"{where} rewards a fail, or charges a department for one")
        unknown = [code for code in indicator.not_for if code not in types]
        found += [f"{where} names the institution type {code}, which there is not" for code in unknown]
    if not rules.measured:
        found.append("it measures nothing")
    return found
