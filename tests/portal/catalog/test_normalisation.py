"""What is understood of a source's words: counted from its datasets, kept one count a source, counted after runs."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from harvester import retirement
from portal.catalog.documents import encode
from portal.catalog.model import Dataset, Distribution, Publisher
from portal.catalog.normalisation import (
    EXAMPLES,
    REMAINING,
    WORD_LENGTH,
    Normalisation,
    Remaining,
    Understanding,
    Words,
    decode_words,
    understanding,
)
from portal.catalog.store import Catalog
from tests.catalogs import SOURCE, filled, record
from tests.harvester.harvesting import Documents, harvested, source
from tests.portal.web.town import NOW


def counted(field: str, *given: dict[str, object]) -> Understanding:
    datasets = [record(str(n), **fields).dataset for n, fields in enumerate(given)]
    return {each.field: each for each in understanding(datasets)}[field]


def test_a_word_without_its_term_is_not_understood_and_tells_where_it_stands() -> None:
    told = counted("openness", {"openness": "unconditional", "openness_raw": "无条件开放"}, {"openness_raw": "另行通知"}, {})
    where = record("1").dataset.id
    assert told == Understanding("openness", 2, 1, 1, (Remaining("另行通知", 1, (where,)),))


def test_formats_are_counted_by_resource() -> None:
    csv, odd = Distribution(id="1", format="csv", format_raw="CSV"), Distribution(id="2", format_raw="见附件")
    told = counted("format", {"distributions": (csv, odd, replace(odd, id="3"))})
    assert (told.given, told.understood) == (3, 1)
    assert [(each.value, each.count, len(each.datasets)) for each in told.remaining] == [("见附件", 2, 1)]


def test_a_date_that_cannot_be_read_stands_among_what_is_not_understood() -> None:
    told = counted("modified", {"modified": NOW}, {"unread": {"modified": "去年"}}, {})
    assert (told.given, told.understood, told.remaining[0].value) == (2, 1, "去年")


def test_every_dataset_counts_for_the_region_and_every_publisher_for_what_it_is() -> None:
    bureau = Publisher(id="p", name="综合科", institution_type="government_department")
    given = ({"region": "330100", "publisher": bureau}, {"publisher": bureau}, {"unread": {"region": "某区"}})
    region, functions = counted("region", *given), counted("functions", *given)
    assert (region.given, region.understood) == (3, 1)
    assert [each.value for each in region.remaining] == ["综合科", "某区"]
    assert (functions.given, functions.understood, counted("institution_type", *given).share) == (2, 0, 1.0)


def test_what_is_told_of_values_not_understood_is_bounded() -> None:
    words = [f"{n:02} {'长' * 300}" for n in range(REMAINING + 5) for _ in range(EXAMPLES + 5)]
    told = counted("frequency", *({"frequency_raw": word} for word in words))
    assert (told.different, len(told.remaining)) == (REMAINING + 5, REMAINING)
    assert {len(each.datasets) for each in told.remaining} == {EXAMPLES}
    assert {len(each.value) for each in told.remaining} == {WORD_LENGTH}


def test_a_count_takes_the_place_of_the_one_before_and_goes_with_its_source(any_catalog: Catalog) -> None:
    filled(any_catalog, record("a"))
    first = Normalisation(source_id=SOURCE.id, run_id=1, counted=NOW, fields=understanding([record("a").dataset]))
    any_catalog.normalisations.put(first)
    any_catalog.normalisations.put(replace(first, run_id=2))
    assert any_catalog.normalisations.get(SOURCE.id) == replace(first, run_id=2)
    retirement.remove_source(any_catalog, SOURCE.id, holder="test")
    assert any_catalog.normalisations.get(SOURCE.id) is None


@pytest.mark.parametrize("changed,run", [(False, 1), (True, 2)])
def test_a_run_counts_anew_where_it_changed_anything(catalog: Catalog, changed: bool, run: int) -> None:
    rows = [{"标题": "公交", "更新频率": "每年"}, {"标题": "路灯", "更新频率": "看情况"}]
    with Documents() as portal:
        portal.put("/list.json", rows)
        files = source("csvlist", f"{portal.url}/list.json")
        harvested(catalog, files)
        portal.put("/list.json", [rows[0], rows[1] | {"更新频率": "每月"}] if changed else rows)
        harvested(catalog, files)
    told = catalog.normalisations.get(files.id)
    assert told is not None and (told.run_id, told.datasets) == (run, 2)
    assert [each.share for each in told.fields if each.field == "frequency"] == [1.0 if changed else 0.5]


def test_what_is_counted_of_a_document_is_what_is_counted_of_its_dataset() -> None:
    datasets = [
        record(
            str(number), openness_raw="看情况", frequency="annual", frequency_raw="每年", themes_raw=("交通",), rows=3,
            publisher=Publisher(id="p", name="市交通局", functions=("transport",)), unread={"issued": "去年"},
            distributions=(Distribution(id="1", format="csv", format_raw="CSV"), Distribution(id="2", format_raw="x")),
        ).dataset
        for number in range(3)
    ]
    assert understanding(map(decode_words, map(encode, datasets))) == understanding(datasets)
    assert set(Words.__struct_fields__) < set(Dataset.__struct_fields__)
