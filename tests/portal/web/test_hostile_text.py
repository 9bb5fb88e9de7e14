"""W96: whatever a portal writes into any field stays text on every page."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask.testing import FlaskClient
from lxml import html
from msgspec.structs import replace

from portal.catalog.model import (
    Column,
    Contact,
    Distribution,
    Issue,
    Outcome,
    Period,
    Place,
    Publisher,
    RunMode,
    Source,
)
from portal.catalog.store import Catalog
from portal.web.prose import plain, prose, web_link
from tests.portal.web.town import NOW, client_of, made

ATTACKS = (
    "<script>alert(1)</script>",
    "\"><script src=https://evil.example/x.js></script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "'\"--></style></title></textarea><script>alert(1)</script>",
    "</script><script>alert(1)</script>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<a href=\"jAvAsCrIpT:alert(1)\">x</a>",
    "[x](javascript:alert(1)) ![y](https://evil.example/p.png)",
    "<style>*{background:url(https://evil.example)}</style>",
    "<form action=https://evil.example><input name=p><button>ok</button></form>",
    "<base href=https://evil.example><meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<math><mtext></p><p title='</mtext><img src=x onerror=alert(1)>'>",
    "{{ 7*7 }}{% raw %} ${7*7} {count}",
    "<b onmouseover=alert(1) style='position:fixed'>x</b>",
    "<mark>not ours</mark>",
)

LINKS = (
    "javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    " JaVaScRiPt:alert(1)",
    "vbscript:x",
    "//evil.example",
)

OURS = {"site.css", "charts.css", "print.css", "mark.svg", "suggestions.js", "htmx-2.0.11.min.js"}

HOSTILE = Source(id="hostile", title="站" + ATTACKS[0], title_en=ATTACKS[2], kind="ckan", url=LINKS[0])


def _poisoned(number: int, attack: str) -> dict[str, object]:
    link = LINKS[number % len(LINKS)]
    return dict(
        title=f"水质 {attack}",
        titles={"en": f"water {attack}"},
        description=f"水质 {attack}\n\n{attack}",
        publisher=Publisher(id=f"p{number}", name=attack, parent_name=attack, uscc=attack, uri=link),
        contact=Contact(name=attack, email=f"{attack}@x", phone=attack, url=link),
        landing_page=link,
        region=attack,
        region_inferred_from="source",
        places=(Place(name=attack),),
        periods=(Period(start=attack, end=attack),),
        themes=(attack,),
        themes_raw=(attack,),
        keywords=(attack, "水质"),
        columns=(Column(name=f"水质{attack}", title=attack, data_type=attack, description=attack),),
        openness=attack,
        openness_condition=attack,
        frequency=attack,
        licence=attack,
        licence_raw=attack,
        licence_url=link,
        rights=attack,
        provenance=attack,
        languages=(attack,),
        distributions=(
            Distribution(
                id="d", title=attack, description=attack, format=attack, access_url=link, download_url=link
            ),
        ),
    )


@pytest.fixture(scope="module")
def poisoned() -> Iterator[FlaskClient]:
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    catalog.sources.put(HOSTILE)
    lease = catalog.sources.lease("hostile", "test")
    run = catalog.runs.start("hostile", RunMode.FULL, "test")
    records = [made(f"{n}", HOSTILE, **_poisoned(n, attack)) for n, attack in enumerate(ATTACKS)]
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put(records)
    again = [made(f"{n}", HOSTILE, **_poisoned(n, attack + "!")) for n, attack in enumerate(ATTACKS)]
    with catalog.transaction(lease, run.id) as transaction:
        transaction.put(again)
    issues = [
        (
            records[n].dataset.id,
            Issue(code=code, field=attack, seen=attack, detail=attack, source_key=attack, url=LINKS[0]),
        )
        for n, attack in enumerate(ATTACKS)
        for code in ("field.not-understood", "portal.unreachable", "made-up." + attack)
    ]
    catalog.runs.add_issues(run, issues)
    catalog.runs.save(replace(run, finished=NOW, outcome=Outcome.FAILED, cause=ATTACKS[0]))
    yield client_of(catalog)
    catalog.close()


def _paths() -> list[str]:
    datasets = [f"/datasets/{made(f'{n}', HOSTILE).dataset.id}" for n in range(len(ATTACKS))]
    publishers = [f"/publishers/p{n}" for n in range(len(ATTACKS))]
    lists = ["/", "/datasets", "/datasets?q=水质", "/datasets?q=water&page=1", "/publishers", "/regions", "/themes"]
    return [*datasets, *publishers, *lists, "/sources", "/sources/hostile", "/runs/1"]


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("path", _paths())
def test_w96_nothing_a_portal_wrote_acts(poisoned: FlaskClient, path: str, language: str) -> None:
    response = poisoned.get(f"/{language}{path}")
    assert response.status_code == 200
    shown = html.document_fromstring(response.get_data(as_text=True))
    _assert_inert(shown)


@pytest.mark.parametrize("attack", ATTACKS)
def test_w96_nothing_a_reader_types_acts(poisoned: FlaskClient, attack: str) -> None:
    for path in ("/datasets", "/publishers"):
        for name in ("q", "region", "publisher", "format", "field", "sort", "page", attack):
            response = poisoned.get(path, query_string={name: attack})
            assert response.status_code in (200, 400)
            _assert_inert(html.document_fromstring(response.get_data(as_text=True)))


def _assert_inert(shown: html.HtmlElement) -> None:
    sources = shown.xpath("//*/@src|//link[not(@rel='alternate') and not(@rel='canonical')]/@href")
    assert {urlsplit(source).path.rsplit("/", 1)[-1] for source in sources} <= OURS
    assert all(source.startswith("/static/") for source in sources)
    # A block of JSON-LD is data: no browser runs it, and what ends a script is escaped in it (test_formats).
    assert not shown.xpath("//script[not(@src)][not(@type='application/ld+json')]|//style|//*[@style]")
    # Every drawing of ours has a class; no attack writes one.
    assert not shown.xpath("//iframe|//object|//embed|//base|//svg[not(@class)]|//math|//img")
    assert not shown.xpath("//*[@*[starts-with(name(), 'on')]]|//meta[@http-equiv]|//*[@srcdoc]")
    for target in shown.xpath("//a/@href|//form/@action|//area/@href"):
        assert target.startswith(("/", "#", "http://", "https://", "mailto:")) and not target.startswith("//"), target
    for form in shown.xpath("//form"):
        assert form.get("action").startswith("/")


def test_w96_a_mark_is_ours_only_where_something_was_found(poisoned: FlaskClient) -> None:
    shown = html.document_fromstring(poisoned.get("/zh/datasets?q=水质").get_data(as_text=True))
    assert {mark.text_content() for mark in shown.xpath("//mark")} == {"水质"}


def test_prose_keeps_what_reads_and_drops_what_acts() -> None:
    assert prose("**水** [表](https://a.example/)\n\n# 题") == (
        '<p><strong>水</strong> <a href="https://a.example/" rel="nofollow noopener noreferrer">表</a></p>\n<h4>题</h4>\n'
    )
    assert prose("<h1 class=x>题</h1><p style='color:red'>文<script>x</script>") == "<h4>题</h4><p>文</p>"
    assert prose("　　第一段\n    第二段") == "<p>第一段<br>\n第二段</p>\n"


def test_plain_text_keeps_its_words_apart() -> None:
    assert plain("<ul><li>名称</li><li>地址</li></ul>") == "名称 地址"
    assert plain("按**月**更新 &amp; 公布") == "按月更新 & 公布"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("https://a.example/x?y=1", "https://a.example/x?y=1"),
        (" http://a.example ", "http://a.example"),
        ("ftp://a.example", None),
        ("/relative", None),
        ("https://", None),
        ("https://[", None),
        ("http://a b", None),
        ("java\nscript:alert(1)", None),
        (None, None),
        *((one, None) for one in LINKS),
    ],
)
def test_only_absolute_web_addresses_become_links(url: str | None, link: str | None) -> None:
    assert web_link(url) == link
