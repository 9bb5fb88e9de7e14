"""Invents one dataset's metadata, lifelike and the same again from the same seed."""

from __future__ import annotations

import random
import re
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone
from functools import cache
from itertools import product
from uuid import UUID

from msgspec import Struct
from msgspec.structs import replace

from harvester.sandbox import words
from harvester.sandbox.words import Place, Portal, Topic


class Department(Struct, frozen=True, kw_only=True):
    """Who publishes."""

    slug: str
    name: str
    name_en: str
    institution: str
    """A code of ``institution_types``; empty for a government department."""


class File(Struct, frozen=True, kw_only=True):
    """One way to get the data; ``path`` stands under the portal's own address."""

    key: str
    title: str
    format: str
    media_type: str
    kind: str
    path: str
    size_bytes: int | None


class DataColumn(Struct, frozen=True, kw_only=True):
    """One field of the data."""

    name: str
    data_type: str


class Dataset(Struct, frozen=True, kw_only=True):
    """What a portal knows of one dataset before its software puts it into words."""

    key: str
    uri: str
    name: str
    title: str | None
    """None where the portal lost it."""
    title_en: str
    description: str | None
    department: Department
    region: str
    place: str
    theme: str
    tags: tuple[str, ...]
    columns: tuple[DataColumn, ...]
    form: str
    openness: str
    frequency: str
    issued: datetime
    odd_issued: str | None
    """What stands in place of the publication date where somebody typed it wrong."""
    modified: datetime
    data_modified: datetime
    files: tuple[File, ...]
    rows: int
    views: int
    downloads: int
    phone: str
    email: str
    poisoned: bool = False
    """Its record is put into words no reader expects: see ``faults``."""


class Edition(Struct, frozen=True):
    """A topic as one portal has it: whole, of one part of the place, of a year, or of a part and a month."""

    topic: Topic
    part: str | None = None
    period: str | None = None


RHYTHM_DAYS = {
    "realtime": 1,
    "hourly": 1,
    "daily": 1,
    "weekly": 7,
    "monthly": 31,
    "quarterly": 92,
    "halfyearly": 183,
    "yearly": 366,
    "irregular": 500,
}
"""How old an up-to-date dataset may be."""

STALE_SHARE = 0.22
"""Datasets that were not kept up to date; portals in the wild are worse."""

NO_TITLE_SHARE, NO_DESCRIPTION_SHARE, HTML_SHARE, ODD_DATE_SHARE = 0.002, 0.02, 0.02, 0.01

ODD_DATES = ("2021/13/05", "0000-00-00", "待定", "20190230", "2020年8月", "1970-01-01 00:00:00")

NUMBER_COLUMN = re.compile(
    r"(数|量|额|率|面积|价|费|指数|浓度|经度|纬度|长度|水位|流量|容量|规模|得分|增长|占比|人次|气温|余额|latitude|longitude"
    r"|count|amount|_kg|_m|_ha|_s|kwh|rate|percentage|value|places|spaces|capacity)$"
)
DATE_COLUMN = re.compile(r"(日期|时间|有效期至|有效期止|月份|年度|季度|_on|_at|date|month|year)$")


def stable_random(*parts: object) -> random.Random:
    """A generator that depends on the parts alone, not on the process or what was drawn before."""
    return random.Random("/".join(str(part) for part in parts))


def unique_id(rng: random.Random) -> str:
    """A random UUID in its usual spelling."""
    return str(UUID(int=rng.getrandbits(128), version=4))


@cache
def fixed_id(*parts: str) -> str:
    """The UUID of something that has no history: always the same for the same parts."""
    return unique_id(stable_random(*parts))


def editions(portal: Portal, place: Place, seed: int) -> Iterator[Edition]:
    """Everything the portal could hold, no title twice, without end: main editions mostly first."""
    every = words.topics(portal.language)
    topics = [topic for topic in every if _office(topic, place) is not None]
    local = [topic for topic in every if topic.scope == "any" and _local_office(topic, place) is not None]
    yearly = [topic for topic in topics if topic.rhythm == "yearly" and topic.form in ("table", "statistics")]
    rng = stable_random(seed, portal.id, "editions")
    kinds = [
        [Edition(topic) for topic in topics],
        [Edition(topic, part) for topic, part in product(local, place.parts)],
        [Edition(topic, None, str(year)) for topic, year in product(yearly, range(portal.since, 2026))],
    ]
    for kind in kinds:
        rng.shuffle(kind)
    while any(kinds):
        (kind,) = rng.choices(kinds, weights=[6 * bool(kinds[0]), 3 * bool(kinds[1]), bool(kinds[2])])
        yield kind.pop()
    for year in range(2025, 0, -1):
        for month, topic, part in product(range(12, 0, -1), local, place.parts):
            yield Edition(topic, part, f"{year}-{month:02}")


def invent(
    portal: Portal, place: Place, edition: Edition, number: int, seed: int, epoch: datetime
) -> Dataset:
    """The dataset a portal holds of an edition; ``number`` is its place in the portal's own counting."""
    topic = edition.topic
    rng = stable_random(seed, portal.id, number)
    key = unique_id(rng)
    department = _department(portal, topic, place, edition.part)
    title = _title(place, edition, department, rng)
    columns = tuple(
        DataColumn(name=name, data_type=_data_type(name, portal.language)) for name in topic.columns
    )
    rows = max(1, round(topic.rows * rng.uniform(0.2, 1.3) * (0.12 if edition.part else 1)))
    issued, modified = _dates(portal, edition, rng, epoch)
    frequency = "never" if edition.period else topic.rhythm
    dataset = Dataset(
        key=key,
        uri=f"http://{portal.domain}/dataset/{key}",
        name=_name(portal, department, title, number),
        title=title,
        title_en=_title_en(place, edition),
        description=None,
        department=department,
        region=portal.region,
        place=edition.part or place.name,
        theme=topic.theme,
        tags=topic.tags,
        columns=columns,
        form=topic.form,
        openness=rng.choices(("unconditional", "registration", "conditional"), (74, 14, 12))[0],
        frequency=frequency,
        issued=issued,
        odd_issued=rng.choice(ODD_DATES) if rng.random() < ODD_DATE_SHARE else None,
        modified=modified,
        data_modified=min(modified, max(issued, modified - timedelta(hours=rng.randint(0, 48)))),
        files=_files(topic, title, rows, rng),
        rows=rows,
        views=rng.randint(20, 4000) + rows % 997,
        downloads=rng.randint(0, 900),
        phone=_phone(place, department),
        email=f"{department.slug}@{portal.domain}",
    )
    dataset = replace(dataset, description=_description(place.language, edition, dataset, rng))
    return replace(dataset, title=None) if rng.random() < NO_TITLE_SHARE else dataset


def revise(dataset: Dataset, rng: random.Random, moment: datetime) -> Dataset:
    """The dataset after work on it: new data, a better description, another column or other terms."""
    changed = replace(dataset, modified=moment, rows=dataset.rows + rng.randint(1, 400), data_modified=moment)
    work = rng.choices(("data", "description", "columns", "openness"), (60, 20, 12, 8))[0]
    if work == "description" and dataset.description and dataset.title:
        zh = not dataset.title.isascii()
        day = f"{moment:%Y-%m-%d}"
        note = f"（{day}修订）" if zh else f" Revised on {day}."
        return replace(changed, description=dataset.description + note)
    if work == "columns" and dataset.title:
        name = "更新批次" if not dataset.title.isascii() else "batch"
        extra = DataColumn(name=f"{name}{len(dataset.columns)}", data_type=dataset.columns[0].data_type)
        return replace(changed, columns=(*dataset.columns, extra))
    if work == "openness":
        return replace(
            changed, openness="unconditional" if dataset.openness != "unconditional" else "registration"
        )
    return changed


def _office(topic: Topic, place: Place) -> words.Office | None:
    offices = words.offices(place.language)
    return offices.get((topic.department, place.code)) or offices.get((topic.department, place.level))


def _local_office(topic: Topic, place: Place) -> words.Office | None:
    general = "city" if place.language == "zh" else place.code
    office = words.offices(place.language).get((topic.department, general))
    return office if office and office.local else None


def _department(portal: Portal, topic: Topic, place: Place, part: str | None) -> Department:
    office = _office(topic, place) if part is None else _local_office(topic, place)
    if office is None:
        raise ValueError(f"{part or place.name} has nobody for {topic.department}")
    if part is None:
        name = office.name.format(place=place.name, short=place.short)
        if portal.publishers == "relative" and not office.institution and name.startswith(place.name):
            name = f"{place.name[-1]}{name.removeprefix(place.name)}"
        name_en = office.name_en.format(place_en=place.name_en) if office.name_en else name
        return Department(slug=office.slug, name=name, name_en=name_en, institution=office.institution)
    city = place.name if part.endswith("区") and portal.publishers == "full" else ""
    where = place.local_publisher.format(city=city, part=part)
    if place.language == "en":
        slug = re.sub(r"[^a-z0-9]+", "-", where.lower())
        return Department(slug=slug, name=where, name_en=where, institution="")
    position = place.parts.index(part) + 1
    name = office.name.format(place=where, short=part.rstrip("区县市"))
    name_en = office.name_en.format(place_en=place.parts_en[position - 1])
    return Department(
        slug=f"{office.slug}-{position:02}", name=name, name_en=name_en, institution=office.institution
    )


def _title(place: Place, edition: Edition, department: Department, rng: random.Random) -> str:
    subject, part, period = edition.topic.title, edition.part, edition.period
    if place.language == "en":
        named = subject if part is None else f"{subject} - {part}"
        return named if period is None else f"{named} {period}"
    belongs = department.institution not in ("", "public_utility")
    owner = part or ((department.name if belongs else place.name) if rng.random() < 0.45 else "")
    named = f"{owner}{subject}"
    if period is None:
        return named
    if "-" in period:
        year, month = period.split("-")
        return f"{named}（{year}年{int(month)}月）"
    return rng.choice(
        ("{year}年{named}", "{named}（{year}年）", "{named}_{year}", "{year}年度{named}")
    ).format(year=period, named=named)


def _title_en(place: Place, edition: Edition) -> str:
    where = place.name_en
    if edition.part is not None:
        where = f"{place.parts_en[place.parts.index(edition.part)]}, {where}"
    named = f"{edition.topic.title_en or edition.topic.title}, {where}"
    return named if edition.period is None else f"{named}, {edition.period}"


def _name(portal: Portal, department: Department, title: str, number: int) -> str:
    if portal.language == "zh":
        return f"{department.slug}-{number + 1:05}"
    return f"{re.sub(r'[^a-z0-9]+', '-', title.lower()).strip('-')[:90]}"


def _data_type(name: str, language: str) -> str:
    if NUMBER_COLUMN.search(name):
        return "数值型" if language == "zh" else "number"
    if DATE_COLUMN.search(name):
        return "日期型" if language == "zh" else "date"
    return "字符型" if language == "zh" else "string"


def _dates(
    portal: Portal, edition: Edition, rng: random.Random, epoch: datetime
) -> tuple[datetime, datetime]:
    """When a dataset was published and when last modified, both before ``epoch`` and in office hours mostly.

    A year's edition is published after that year.
    """
    latest = epoch - timedelta(days=2)
    year = portal.since if edition.period is None else max(portal.since, int(edition.period[:4]) + 1)
    opened = min(datetime(year, 3, 1, tzinfo=timezone.utc), latest)
    issued = opened + (latest - opened) * rng.random() ** (0.8 if edition.period is None else 3)
    draw = rng.random()
    due_days = RHYTHM_DAYS[edition.topic.rhythm]
    age_days = due_days * rng.random()
    if draw < STALE_SHARE:
        age_days = due_days * rng.uniform(2, 5) + rng.uniform(30, 1200)
    modified = issued if draw > 0.94 or edition.period else max(issued, latest - timedelta(days=age_days))
    issued, modified = _office_hour(issued, rng), _office_hour(modified, rng)
    return issued, max(issued, modified)


def _office_hour(moment: datetime, rng: random.Random) -> datetime:
    day = moment.replace(hour=1, minute=0, second=0, microsecond=0)
    return day + timedelta(seconds=rng.randint(0, 9 * 3600), microseconds=rng.randint(0, 999_999))


def _files(topic: Topic, title: str, rows: int, rng: random.Random) -> tuple[File, ...]:
    offered = words.formats(topic.form)
    count = rng.choices(range(1, len(offered) + 1), [4, 3, 2, 1][: len(offered)])[0]
    chosen = (
        [offered[0], *rng.sample(offered[1:], count - 1)]
        if rng.random() < 0.8
        else rng.sample(offered, count)
    )
    files = []
    for offer in chosen:
        key = unique_id(rng)
        if offer.kind == "api":
            path = f"/openapi/{key[:8]}/query"
        else:
            path = f"/download/{key}.{offer.format.lower()}"
        size = (
            None
            if offer.bytes_per_row is None
            else min(offer.bytes_per_row * rows + rng.randint(200, 9000), 2_000_000_000)
        )
        label = f"{title}.{offer.format.lower()}" if offer.kind == "file" else title
        files.append(
            File(
                key=key,
                title=label,
                format=offer.format,
                media_type=offer.media_type,
                kind=offer.kind,
                path=path,
                size_bytes=size,
            )
        )
    return tuple(files)


def _phone(place: Place, department: Department) -> str:
    """A telephone number of nobody: no subscriber's begins with 0000 in China or with 555 elsewhere."""
    digits = stable_random(place.code, department.name).randint(1000, 9999)
    return f"{place.dialling} 555 {digits}" if place.language == "en" else f"{place.dialling}-0000{digits}"


def _description(language: str, edition: Edition, dataset: Dataset, rng: random.Random) -> str | None:
    topic = edition.topic
    if rng.random() < NO_DESCRIPTION_SHARE:
        return None
    named = rng.sample(topic.columns, min(len(topic.columns), rng.randint(3, 6)))
    named.sort(key=topic.columns.index)
    forms = ("any", topic.form) if edition.period else ("any", "rhythm", topic.form)
    offered = words.patterns(language, forms)
    (pattern,) = rng.choices(offered, [offer.weight for offer in offered])
    frequency = words.spelling("frequency", "each" if language == "zh" else "english", dataset.frequency)
    text = pattern.text.format(
        about=topic.about,
        columns=("、" if language == "zh" else ", ").join(named),
        title=dataset.title,
        place=dataset.place,
        publisher=dataset.department.name,
        frequency=frequency.lower(),
        count=len(topic.columns),
    )
    if rng.random() < HTML_SHARE:
        return f"<p>{text}</p>\r\n<p>&nbsp;&nbsp;<strong>{dataset.department.name}</strong></p>"
    return text
