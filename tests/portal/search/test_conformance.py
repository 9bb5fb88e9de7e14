"""What every engine promises: the same datasets found, counted, ordered, shown and suggested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from portal.search.engines import ENGINES, open_index
from portal.search.facets import Appearances, SearchDocument, fresh_spans, freshness
from portal.search.memory import MemoryIndex
from portal.search.query import Position, Query, QueryNotUnderstood, SearchIndex, Sort

TODAY = date(2026, 6, 1)
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)

Fill = Callable[..., SearchIndex]


def made(id: str, *titles: str, **rest: object) -> SearchDocument:
    """A document with no more than what a test is about."""
    given = {"digest": f"digest of {id}", "values": {}, **rest}
    return SearchDocument(id=id, titles=titles, **given)  # type: ignore[arg-type]


@pytest.fixture(params=sorted(ENGINES))
def index(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[SearchIndex]:
    opened = open_index(f"{request.param}:", tmp_path)
    yield opened
    opened.close()


@pytest.fixture
def fill(index: SearchIndex) -> Fill:
    """Rebuilds the index of the test's engine from documents."""

    def filled(*documents: SearchDocument) -> SearchIndex:
        index.rebuild(documents, Position(1))
        return index

    return filled


def found(index: SearchIndex, text: str | None = None, **rest: object) -> list[str]:
    return [hit.id for hit in index.search(Query(text=text, today=TODAY, **rest)).hits]  # type: ignore[arg-type]


def test_any_two_chinese_characters_in_a_row_are_found(fill: Fill) -> None:
    index = fill(made("bus", "南京市公共汽车线路"), made("other", "路线车汽共公市京南"))
    pairs = ("南京", "京市", "市公", "公共", "共汽", "汽车", "车线", "线路")
    assert {pair: found(index, pair) for pair in pairs} == dict.fromkeys(pairs, ["bus"])


def test_a_single_chinese_character_is_found_wherever_it_stands(fill: Fill) -> None:
    index = fill(made("a", "水质"), made("b", "地表水"), made("c", "大气"), made("d", "饮用水源"))
    assert sorted(found(index, "水")) == ["a", "b", "d"]


def test_script_width_case_and_accents_make_no_difference(fill: Fill) -> None:
    index = fill(made("a", "公共汽车線路", descriptions=("PM2.5 measured at the Café",)), made("b", "别的"))
    texts = (
        "公共汽車線路", "公共汽车线路", "公共汽车 线路", "ＰＭ２.５ 线路", "pm2.5", "PM 2.5", "Café", "CAFE", "cafe\u0301"
    )  # fmt: skip
    assert {text: found(index, text) for text in texts} == dict.fromkeys(texts, ["a"])


MIXTURES = {
    "school": ["one", "two"],
    "Schools": ["one", "two"],
    "list of schools": ["one"],
    "schools listing": ["one"],
    '"list of schools"': ["one"],
    '"schools of list"': [],
    '"of schools"': ["one"],
    "of": ["one"],
    "covid-19": ["one"],
    "COVID19": ["one"],
    "19-covid": [],
    "gb/t 2260": ["two"],
    "5G": ["two"],
    "5 network": ["two"],
    "scotland": ["two"],
}


def test_words_numbers_and_mixtures_of_them_are_found(fill: Fill) -> None:
    index = fill(
        made("one", "List of schools", descriptions=("closed because of COVID-19",)),
        made("two", "Scotland's school network", descriptions=("5G; GB/T 2260",)),
    )
    assert {text: sorted(found(index, text)) for text in MIXTURES} == MIXTURES


OPERATORS = {
    "公交 线路": ["both", "far"],
    "线路公交": ["both", "far"],
    # One word of the dictionary stays together.
    "公交线路": ["both"],
    '"公交线路"': ["both"],
    "“公交线路”": ["both"],
    '"公交 线路"': [],
    "公交 -站点": ["both"],
    "公交 －站点": ["both"],
    "公交 -“有站点”": ["both"],
    "-公交": ["none", "road"],
    "公交 OR 道路": ["both", "far", "road"],
    "线路 道路 OR 站点": ["far"],
    "OR 道路": ["road"],
    "道路 OR": ["road"],
    "线路的公交": ["both", "far"],
    '"交线': ["both"],
}


def test_words_are_and_quotes_are_exact_or_and_minus_do_what_they_say(fill: Fill) -> None:
    index = fill(
        made("both", "公交线路"), made("far", "线路图", descriptions=("公交，有站点",)), made("road", "道路"), made("none", "水")
    )
    assert {text: sorted(found(index, text)) for text in OPERATORS} == OPERATORS


PHRASES = {
    '"2023年"': ["year"],
    '"2023年度"': ["year"],
    '"第3期"': ["third"],
    '"3期"': ["third"],
    '"据第3"': ["third"],
    '"期第3"': [],
    '"A级"': ["a"],
    '"A级景区"': ["a"],
    '"级A"': [],
    '"5A级景"': ["a"],
    '"数据PM2.5"': ["pm"],
    '"据PM2.5监"': ["pm"],
    '"PM2.5数"': [],
}


def test_a_phrase_may_begin_and_end_inside_chinese_and_run_over_numbers(fill: Fill) -> None:
    index = fill(
        made("year", "2023年度预算"), made("third", "数据第3期"), made("a", "5A级景区"), made("pm", "大数据PM2.5监测")
    )
    assert {text: found(index, text) for text in PHRASES} == PHRASES


def test_the_first_match_is_excluded_like_any_other(fill: Fill) -> None:
    index = fill(made("a", "公"), made("b", "公", columns=("公公",)))
    assert found(index, "公公 -公") == []


def test_no_phrase_runs_over_the_border_of_two_texts(fill: Fill) -> None:
    index = fill(made("a", "公交", keywords=("线路",), columns=("站点", "名称")))
    assert found(index, '"公交线路"') == found(index, "交线") == found(index, filters={"field": ("点名",)}) == []
    assert found(index, "公交 线路") == ["a"]


def test_odd_input_is_never_an_error(fill: Fill) -> None:
    index = fill(made("a", "and not"))
    odd = ("", " ", "!!!", '"', '""', "-", "--", "- -", "OR", "OR OR", '"-"', "\x00", "()", "***", "？", "\ud800", "AND NOT")
    assert {text: found(index, text) for text in odd} == dict.fromkeys(odd, ["a"])


def test_no_character_is_syntax_for_the_engine(fill: Fill) -> None:
    """W98: a field name or a wildcard typed is a word like any other."""
    index = fill(made("a", "train"), made("b", "bus"))
    typed = ("title:bus", "titles:bus", "b*", "b?s", "/b.s/", "id:a", "[a TO z]", "bus~2", "bus^9")
    assert {text: found(index, text) for text in typed} == dict.fromkeys(typed, [])
    assert found(index, "bus*") == ["b"]


def test_w98_what_is_too_large_is_refused_in_plain_words(fill: Fill) -> None:
    index = fill(made("a", "x"))
    for query in (
        Query(text="长" * 10_000),
        Query(text=" OR ".join(f"w{chr(97 + n % 26)}{n}" for n in range(90))),
        Query(rows=10**9),
        Query(rows=-1),
        Query(start=10**9),
        Query(filters={"password": ("x",)}),
        Query(facets=("field",)),
        Query(facets=("nonsense",)),
    ):
        with pytest.raises(QueryNotUnderstood, match=r"^[^{}\[\]<>]+$"):
            index.search(query)
        with pytest.raises(QueryNotUnderstood):
            index.walk(query)
        with pytest.raises(QueryNotUnderstood):
            index.after(query, "", 1)


def test_a_match_is_marked_and_all_else_is_escaped(fill: Fill) -> None:
    index = fill(
        made(
            "a",
            "臺北<b>公車</b>路線",
            descriptions=("Buses & <script>x</script> the bus's own line",),
            columns=("公车<站>", "名称"),
        ),
        made("b", "公车 and Bus", columns=("站",)),
    )
    hits = {hit.id: hit for hit in index.search(Query(text="公车 bus")).hits}
    assert hits["a"].title == "臺北&lt;b&gt;<mark>公車</mark>&lt;/b&gt;路線"
    assert hits["a"].description == (
        "<mark>Buses</mark> &amp; &lt;script&gt;x&lt;/script&gt; the <mark>bus</mark>&#x27;s own line"
    )
    assert hits["a"].columns == ("<mark>公车</mark>&lt;站&gt;",)
    assert hits["b"].title == "<mark>公车</mark> and <mark>Bus</mark>"
    assert (hits["b"].description, hits["b"].columns) == (None, ())


def test_the_passage_with_most_matches_is_shown(fill: Fill) -> None:
    filler = "其他内容" * 60
    index = fill(made("a", "题", descriptions=(f"公交{filler}公交线路和公交站点{filler}",)))
    shown = index.search(Query(text="公交")).hits[0].description
    assert shown is not None
    assert "<mark>公交</mark>线路和<mark>公交</mark>站点" in shown
    assert shown.startswith("…") and shown.endswith("…")
    assert len(shown) < 160


def test_a_passage_cuts_no_word_and_ends_in_no_space(fill: Fill) -> None:
    filler = "accessibility considerations " * 9
    index = fill(made("a", "题", descriptions=(f"{filler}of bridges {filler}",), columns=()))
    shown = index.search(Query(text="bridges")).hits[0].description
    assert shown is not None and "<mark>bridges</mark>" in shown
    inner = shown.removeprefix("…").removesuffix("…")
    assert inner == inner.strip() and len(shown) <= len("<mark></mark>……") + 120
    assert set(inner.replace("<mark>", "").replace("</mark>", "").split()) == {
        "accessibility", "considerations", "of", "bridges"
    }


def test_nothing_is_marked_when_nothing_was_asked(fill: Fill) -> None:
    hit = fill(made("a", "公交")).search(Query()).hits[0]
    assert (hit.title, hit.description, hit.columns) == (None, None, ())


def test_the_title_counts_more_than_keywords_and_these_more_than_the_description(fill: Fill) -> None:
    index = fill(
        made("described", "甲", descriptions=("停车场",)),
        made("named", "停车场"),
        made("tagged", "乙", keywords=("停车场",)),
        made("published", "丙", publishers=("停车场",)),
    )
    assert found(index, "停车场") == ["named", "tagged", "published", "described"]


def test_sorts_put_what_lacks_the_key_last_and_ties_by_id(fill: Fill) -> None:
    day = timedelta(days=1)
    index = fill(
        made("c", "成都", modified=NOW, created=NOW - 9 * day, quality=0.5),
        made("a", "北京", modified=NOW, created=NOW, quality=0.25),
        made("b", "apple", modified=NOW - day, changed=NOW - day, quality=0.75),
        made("e", "Äpfel", modified=NOW - 30000 * day),
        made("d", "上海", changed=NOW),
        made("f", "上海", modified=datetime(9000, 1, 1, tzinfo=UTC), quality=0.0),
    )
    assert found(index, sort=Sort.MODIFIED) == ["f", "a", "c", "b", "e", "d"]
    assert found(index, sort=Sort.CREATED) == ["a", "c", "b", "d", "e", "f"]
    assert found(index, sort=Sort.CHANGED) == ["d", "b", "a", "c", "e", "f"]
    assert found(index, sort=Sort.QUALITY) == ["b", "c", "a", "f", "d", "e"]
    assert found(index, sort=Sort.TITLE) == ["e", "b", "a", "c", "d", "f"]
    assert found(index) == ["a", "b", "c", "d", "e", "f"]
    assert found(index, "上海") == ["d", "f"]


def test_pages_and_the_walk_give_every_hit_once_in_order(fill: Fill) -> None:
    index = fill(*(made(f"d{number:02}", "同名", modified=NOW - timedelta(days=number % 7)) for number in range(45)))
    for sort in Sort:
        pages = [hit for start in range(0, 60, 10) for hit in found(index, "同名", sort=sort, start=start, rows=10)]
        assert pages == list(index.walk(Query(text="同名", sort=sort)))
        assert sorted(pages) == [f"d{number:02}" for number in range(45)]
    assert index.search(Query(text="同名", start=44, rows=10)).total == 45
    assert index.search(Query(text="同名", start=1000)).hits == ()
    assert index.search(Query(rows=0)).hits == ()


def test_what_is_found_is_given_by_id_from_any_id_on(fill: Fill) -> None:
    # Many ids that begin alike, as no hash makes them, and a few that do not.
    ids = [f"d{number:05}x" for number in range(70)] + [f"samex{number:02}" for number in range(60)] + ["2b", "zz"]
    index = fill(*(made(id, "同名" if id[-1] != "7" else "别的", modified=NOW) for id in ids))
    wanted = sorted(id for id in ids if id[-1] != "7")
    query = Query(text="同名")
    for rows in (1, 7, 500):
        met, last = [], ""
        while part := index.after(query, last, rows):
            assert len(part) <= rows
            met += part
            last = part[-1]
        assert met == wanted
    assert list(index.after(Query(), "", 3)) == ["2b", "d00000x", "d00001x"]
    assert list(index.after(Query(), "samex", 2)) == ["samex00", "samex01"]
    assert list(index.after(query, "zz", 5)) == [] == list(index.after(query, "", 0))


def test_what_comes_and_goes_meanwhile_moves_nothing(fill: Fill) -> None:
    index = fill(*(made(f"d{number:02}", "同名") for number in range(0, 40, 2)))
    met = list(index.after(Query(text="同名"), "", 10))
    index.apply([made(f"d{number:02}", "同名") for number in (1, 5, 25)], ["d00", "d30"], Position(2))
    met += index.after(Query(text="同名"), met[-1], 100)
    assert met == sorted({*(f"d{number:02}" for number in range(0, 40, 2)), "d25"} - {"d30"})


def test_values_of_a_facet_are_or_and_facets_are_and(fill: Fill) -> None:
    index = fill(
        made("a", "x", values={"region": ("320000", "320100"), "format": ("csv", "xls")}),
        made("b", "x", values={"region": ("330000",), "format": ("csv",)}),
        made("c", "x", values={"region": ("440000",), "format": ("pdf",)}),
    )
    filters = {"region": ("320000", "330000"), "format": ("xls", "pdf")}
    results = index.search(Query(filters=filters, facets=("region", "format", "theme")))
    assert [hit.id for hit in results.hits] == ["a"]
    # A facet's own choice does not narrow its own counts.
    assert [(one.value, one.count) for one in results.facets["region"]] == [("320000", 1), ("320100", 1), ("440000", 1)]
    assert [(one.value, one.count) for one in results.facets["format"]] == [("csv", 2), ("xls", 1)]
    assert results.facets["theme"] == ()
    assert found(index, filters={"region": ()}) == ["a", "b", "c"]
    assert found(index, filters={"region": ("nowhere",)}) == []


def test_fresh_is_counted_from_the_day_of_the_search(fill: Fill) -> None:
    days = {"today": 0, "month": 30, "more": 31, "year": 365, "years": 1096, "old": 1097, "future": -5}
    index = fill(
        *(made(id, "x", modified=NOW.replace(hour=0) - timedelta(days=back)) for id, back in days.items()),
        made("never", "x"),
    )
    results = index.search(Query(facets=("fresh",), today=TODAY))
    assert {one.value: one.count for one in results.facets["fresh"]} == {"30d": 2, "12m": 4, "3y": 5, "older": 1}
    assert found(index, filters={"fresh": ("30d",)}) == ["month", "today"]
    assert found(index, filters={"fresh": ("30d", "older")}) == ["month", "old", "today"]
    later = index.search(Query(filters={"fresh": ("30d",)}, today=TODAY + timedelta(days=6)))
    assert [hit.id for hit in later.hits] == ["future", "today"]


def test_field_finds_datasets_by_the_names_of_their_columns_alone(fill: Fill) -> None:
    index = fill(
        made("a", "x", columns=("经度", "station name")), made("b", "经度 station"), made("c", "x", columns=("經緯度",))
    )
    assert found(index, filters={"field": ("经度",)}) == ["a"]
    assert found(index, filters={"field": ("Stations",)}) == ["a"]
    assert found(index, filters={"field": ("度",)}) == ["a", "c"]
    assert found(index, filters={"field": ("经度", "纬度")}) == ["a", "c"]
    assert found(index, filters={"field": ("!",)}) == []


def test_a_facet_is_cut_to_its_most_frequent_values(fill: Fill) -> None:
    documents = [made(f"{number}", "x", values={"publisher": (f"p{number % 10}", "all")}) for number in range(37)]
    counted = fill(*documents).search(Query(facets=("publisher",), facet_limit=3)).facets["publisher"]
    assert [(one.value, one.count) for one in counted][0] == ("all", 37)
    assert [one.count for one in counted] == [37, 4, 4]


def test_suggestions_complete_chinese_anywhere_and_words_from_their_beginning(fill: Fill) -> None:
    index = fill(
        made("a", "南京市公共汽车线路", publishers=("南京市交通运输局",), keywords=("公交",)),
        made("b", "公共汽车站点", publishers=("南京市交通运输局",), keywords=("公交",)),
        made("c", "Transport statistics", publishers=("Transport Office",)),
    )

    def suggested(typed: str) -> list[tuple[str, str, str | None]]:
        return [(one.kind, one.text, one.dataset_id) for one in index.suggest(typed)]

    assert suggested("公共") == [("title", "公共汽车站点", "b"), ("title", "南京市公共汽车线路", "a")]
    assert suggested("交通运输")[0] == ("publisher", "南京市交通运输局", None)
    assert suggested("公")[0] == ("keyword", "公交", None)
    assert suggested("公車") == []
    assert suggested("汽車")[0] == ("title", "公共汽车站点", "b")
    assert [text for _, text, _ in suggested("transp")] == ["Transport Office", "Transport statistics"]
    assert suggested("stat") == [("title", "Transport statistics", "c")]
    assert suggested("ansport") == suggested("") == suggested("!") == suggested("长" * 5000) == []
    assert len(index.suggest("公", limit=1)) == 1


def test_apply_puts_replaces_and_removes_together_with_its_number(index: SearchIndex) -> None:
    assert index.position() is None
    assert found(index, "甲") == []
    assert index.search(Query(facets=("region",))).facets == {"region": ()}
    assert list(index.suggest("甲")) == list(index.walk(Query())) == list(index.after(Query(), "", 5)) == []
    index.apply([made("a", "甲"), made("b", "乙")], [], Position(5))
    assert (index.position(), found(index)) == (Position(5), ["a", "b"])
    index.apply([made("a", "丙"), made("c", "甲"), made("c", "丁")], ["b", "unknown"], Position(9))
    assert index.position() == Position(9)
    assert (found(index, "甲"), found(index, "丙"), found(index, "丁"), found(index)) == ([], ["a"], ["c"], ["a", "c"])
    assert index.digests() == {"a": "digest of a", "c": "digest of c"}
    index.apply([made("a", "丙"), made("c", "丁")], ["b"], Position(9))
    assert (index.position(), found(index)) == (Position(9), ["a", "c"])
    index.rebuild([made("z", "新")], Position(12))
    assert (index.position(), found(index), index.digests()) == (Position(12), ["z"], {"z": "digest of z"})


def met_twice(id: str, title: str, *others: str, **rest: object) -> SearchDocument:
    """An entry whose dataset is also met under other titles; ``rest`` is of the dataset as a whole."""
    return made(id, title, whole=made(id, title, *others, **rest))


def test_each_dataset_is_found_once_by_the_words_of_any_of_its_entries(fill: Fill) -> None:
    index = fill(
        met_twice("city", "保安培训机构", "保安公司名录"),
        made("province", "保安公司名录", is_counted=False),
        made("alone", "公司名录"),
    )

    def both(text: str | None) -> tuple[list[str], list[str]]:
        return sorted(found(index, text)), sorted(found(index, text, appearances=Appearances.ONCE))

    assert both(None) == (["alone", "city", "province"], ["alone", "city"])
    assert both("培训机构") == (["city"], ["city"])
    assert both("名录") == (["alone", "province"], ["alone", "city"])
    # Each word in another entry: neither entry has both, the dataset has.
    assert both("培训 名录") == ([], ["city"])
    assert both("公司 -培训") == (["alone", "province"], ["alone"])
    assert both("-培训") == (["alone", "province"], ["alone"])
    assert list(index.walk(Query(appearances=Appearances.ONCE))) == ["alone", "city"]
    assert index.search(Query(text="名录", appearances=Appearances.ONCE, rows=0)).total == 2
    assert {hit.id: hit.title for hit in index.search(Query(text="名录", appearances=Appearances.ONCE)).hits} == {
        "alone": "公司<mark>名录</mark>", "city": "保安公司<mark>名录</mark>",
    }
    assert [one.dataset_id for one in index.suggest("保安")] == ["province", "city"]
    assert sorted(index.digests()) == ["alone", "city", "province"]


def test_facets_count_each_dataset_once_for_every_value_an_entry_of_it_has(fill: Fill) -> None:
    whole = made("city", "x", values={"source": ("xuzhou", "jiangsu"), "format": ("csv", "xls")})
    index = fill(
        made("city", "x", values={"source": ("xuzhou",), "format": ("csv",)}, whole=whole, modified=NOW),
        made("province", "x", values={"source": ("jiangsu",), "format": ("xls",)}, is_counted=False, modified=NOW),
        made("alone", "y", values={"source": ("jiangsu",), "format": ("csv",)}, modified=NOW),
    )

    def counts(**rest: object) -> tuple[int, dict[str, dict[str, int]]]:
        results = index.search(Query(facets=("source", "format", "fresh"), today=TODAY, **rest))  # type: ignore[arg-type]
        return results.total, {name: {one.value: one.count for one in values} for name, values in results.facets.items()}

    once = Appearances.ONCE
    fresh = {"30d": 3, "12m": 3, "3y": 3}
    assert counts() == (3, {"source": {"jiangsu": 2, "xuzhou": 1}, "format": {"csv": 2, "xls": 1}, "fresh": fresh})
    # The date is that of the counted entry, which here has none of the dataset as a whole.
    assert counts(appearances=once) == (
        2, {"source": {"jiangsu": 2, "xuzhou": 1}, "format": {"csv": 2, "xls": 1}, "fresh": dict.fromkeys(fresh, 1)}
    )
    chosen = {"source": ("jiangsu",), "format": ("csv",)}
    assert counts(filters=chosen)[0] == 1
    total, narrowed = counts(filters=chosen, appearances=once)
    assert total == narrowed["source"]["jiangsu"] == narrowed["format"]["csv"] == 2


def test_an_entry_comes_to_be_counted_as_another_one_and_as_itself_again(fill: Fill) -> None:
    index = fill(made("a", "甲"), made("b", "乙"))
    index.apply([met_twice("a", "甲", "乙"), made("b", "乙", is_counted=False)], [], Position(1, 7))
    assert index.position() == Position(1, 7)
    assert (found(index, "乙"), found(index, "乙", appearances=Appearances.ONCE)) == (["b"], ["a"])
    index.apply([made("a", "甲"), made("b", "乙")], [], Position(1, 9))
    assert (index.position(), found(index, "乙", appearances=Appearances.ONCE)) == (Position(1, 9), ["b"])
    index.apply([met_twice("a", "甲", "乙")], ["b"], Position(2, 9))
    index.apply([], ["a"], Position(3, 9))
    assert found(index) == found(index, appearances=Appearances.ONCE) == []
    index.rebuild([made("z", "新")], Position(4, 12))
    assert index.position() == Position(4, 12)


Drawn = list[tuple[str, str, str, dict[str, tuple[str, ...]], int | None]]
"""Title, description, name of a column, values, days since it changed."""

WORDS = st.sampled_from(["公", "交", "公交", "线路", "公交线", "A", "bus", "buses", "2", "PM2.5", "第3期", "，", " ", "級", "级"])
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map("".join)
VALUES = st.fixed_dictionaries(
    {
        name: st.lists(st.sampled_from("uvwxyz"), unique=True, max_size=3).map(tuple)
        for name in ("region", "theme", "format")
    }
)
DOCUMENTS = st.lists(
    st.builds(
        lambda title, text, column, values, age: (title, text, column, values, age),
        TEXTS, TEXTS, TEXTS, VALUES, st.none() | st.integers(-3, 1500),
    ),
    min_size=1,
    max_size=8,
)
QUERIES = st.builds(
    lambda words, filters, appearances: Query(
        text="".join(words) or None,
        filters=filters,
        appearances=appearances,
        facets=("region", "theme", "format", "fresh"),
        today=TODAY,
        rows=50,
    ),
    st.lists(WORDS | st.sampled_from(['"', " -", " OR "]), max_size=6),
    st.dictionaries(
        st.sampled_from(["region", "theme", "format"]),
        st.lists(st.sampled_from("uvwxyz"), min_size=1, max_size=2).map(tuple),
    ),
    st.sampled_from(Appearances),
)


@pytest.mark.slow
@pytest.mark.parametrize("engine", sorted(set(ENGINES) - {"memory"}))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(drawn=DOCUMENTS, queries=st.lists(QUERIES, min_size=1, max_size=12))
def test_every_engine_finds_marks_and_counts_what_memory_does(
    engine: str, tmp_path: Path, drawn: Drawn, queries: list[Query]
) -> None:
    documents = [
        made(
            f"d{number}", title, descriptions=(text,), columns=(column,), values=values,
            modified=None if age is None else NOW - timedelta(days=age),
        )
        for number, (title, text, column, values, age) in enumerate(drawn)
    ]
    if len(documents) > 1:
        # The first two are one dataset.
        first, second = documents[:2]
        whole = replace(
            first, titles=(*first.titles, *second.titles), values={
                name: tuple({*first.values[name], *second.values[name]}) for name in first.values
            }
        )
        documents[:2] = replace(first, whole=whole), replace(second, is_counted=False)
    index, memory = open_index(f"{engine}:", tmp_path), MemoryIndex()
    for one in (index, memory):
        one.rebuild(documents, Position(1))
    for query in queries:
        expected, results = memory.search(query), index.search(query)
        assert results.total == expected.total
        assert set(results.hits) == set(expected.hits)
        assert results.facets == expected.facets


@settings(max_examples=40, deadline=None)
@given(
    drawn=DOCUMENTS,
    filters=st.dictionaries(st.sampled_from(["region", "theme", "fresh"]), st.just(("u", "30d", "older"))),
)
def test_memory_counts_what_counting_by_hand_gives(drawn: Drawn, filters: dict[str, tuple[str, ...]]) -> None:
    spans = fresh_spans(TODAY)
    index = MemoryIndex()
    all_values: list[dict[str, tuple[str, ...]]] = []
    documents = []
    for number, (title, _, _, values, age) in enumerate(drawn):
        modified = None if age is None else NOW - timedelta(days=age)
        documents.append(made(f"d{number}", title, values=values, modified=modified))
        all_values.append({**values, "fresh": freshness(modified, spans)})
    index.rebuild(documents, Position(1))
    results = index.search(Query(filters=filters, facets=("region", "fresh"), today=TODAY))
    kept = [one for one in all_values if all(set(one[name]) & set(wanted) for name, wanted in filters.items())]
    assert results.total == len(kept)
    for facet in ("region", "fresh"):
        others = {name: wanted for name, wanted in filters.items() if name != facet}
        counted = Counter(
            value
            for one in all_values
            if all(set(one[name]) & set(wanted) for name, wanted in others.items())
            for value in one[facet]
        )
        assert {one.value: one.count for one in results.facets[facet]} == counted
