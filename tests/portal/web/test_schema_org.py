"""What search engines read on a dataset's page, and that nothing in it can act."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from lxml import etree, html
from rdflib import Graph

from portal.catalog.model import Dataset, DatasetState, Distribution, Place, Publisher
from portal.catalog.store import Catalog
from portal.web.rdf import SYNTAXES
from portal.web.schema_org import dataset, script
from tests.catalogs import filled, record
from tests.portal.web.samples import BASE, CORPUS, FULL, entry
from tests.portal.web.town import HANGZHOU, client_of, dataset_of, page


def test_a_dataset_says_what_google_asks_for_and_more() -> None:
    said = dataset(entry(), BASE)
    assert (said["@type"], said["name"], said["description"]) == ("Dataset", "公交站点", "每日更新。 第二行")
    assert said["license"] == "https://creativecommons.org/licenses/by/4.0/"
    assert said["creator"] == {"@type": "Organization", "name": "杭州公交集团"}
    assert said["temporalCoverage"] == ["2020/2021-02", "2022-01-01/2022-02-03T04:05:06Z"]
    assert [one["contentUrl"] for one in said["distribution"]] == [
        "https://data.example.cn/files/公交%20站点.csv",
        "https://data.example.cn/api",
    ]
    assert [one["name"] for one in said["variableMeasured"]] == ["站点编号", "经度"]


def test_the_origin_keeps_the_credit() -> None:
    said = dataset(entry(), BASE)
    assert said["isBasedOn"] == said["sameAs"] == "https://data.example.cn/页面/公交%20站点?q=%3Ca%3E&x=[1]#top"
    assert said["includedInDataCatalog"]["url"] == f"{BASE}/"


def test_what_the_portal_did_not_say_is_left_out() -> None:
    bare = Dataset(id="bare2", source_id="hangzhou", source_key="k", title="只有标题")
    assert set(dataset(entry(bare), BASE)) == {
        "@context", "@type", "@id", "url", "name", "includedInDataCatalog", "sdDatePublished",
    }  # fmt: skip


def test_a_description_longer_than_google_reads_is_cut() -> None:
    assert len(dataset(entry(description="长" * 9000), BASE)["description"]) == 5000


def test_the_page_carries_it_and_a_tombstone_does_not(client: FlaskClient) -> None:
    (element,) = page(client, f"/datasets/{dataset_of('1')}").xpath("//script[@type='application/ld+json']")
    assert json.loads(element.text)["name"] == "饮用水水源地水质监测"
    assert page(client, f"/datasets/{dataset_of('gone')}", 410).xpath("//script[@type='application/ld+json']") == []


@pytest.mark.parametrize("evil", CORPUS)
def test_w96_nothing_ends_the_script_element_and_the_words_stay_whole(evil: str) -> None:
    written = script(entry(title=evil, description=None), BASE)
    assert not {"<", ">", "&", "\u2028", "\u2029"} & set(written)
    assert json.loads(written)["name"] == evil


@pytest.fixture
def hostile(catalog: Catalog) -> FlaskClient:
    """A site on which a portal wrote the corpus into every field."""
    records = [
        record(
            f"evil{number}",
            title=evil,
            titles={"en": evil},
            description=evil,
            publisher=Publisher(id=f"p{number}", name=evil),
            landing_page=evil,
            keywords=(evil,),
            places=(Place(name=evil),),
            licence_raw=evil,
            licence_url=evil,
            rights=evil,
            distributions=(
                Distribution(id="d", title=evil, access_url=evil, download_url=evil, format_raw=evil, media_type=evil),
            ),
        )
        for number, evil in enumerate(CORPUS)
    ]
    filled(catalog, *records, source=HANGZHOU)
    return client_of(catalog)


def test_w96_no_format_of_any_dataset_holds_an_address_that_acts(hostile: FlaskClient) -> None:
    for number, evil in enumerate(CORPUS):
        for suffix, syntax in SYNTAXES.items():
            response = hostile.get(f"/datasets/{dataset_of(f'evil{number}')}.{suffix}")
            made = Graph().parse(data=response.data, format=syntax)
            addresses = {str(term) for triple in made for term in triple if not term.n3().startswith('"')}
            assert response.status_code == 200 and response.headers["X-Content-Type-Options"] == "nosniff"
            assert not [one for one in addresses if one.lower().startswith(("javascript:", "data:"))], (evil, suffix)


def test_w96_the_page_runs_nothing_of_the_portals(hostile: FlaskClient) -> None:
    for number in range(len(CORPUS)):
        response = hostile.get(f"/datasets/{dataset_of(f'evil{number}')}")
        shown = html.document_fromstring(response.get_data(as_text=True))
        kinds = [script.get("type") for script in shown.iter("script") if script.get("src") is None]
        assert kinds == ["application/ld+json"]
        assert not shown.xpath("//*[@onerror or @onload]|//*[starts-with(@href, 'javascript:')]")
        assert "'unsafe-inline'" not in response.headers["Content-Security-Policy"]


def test_w96_feeds_catalogues_and_exports_of_the_corpus_are_whole(hostile: FlaskClient) -> None:
    feed = etree.fromstring(hostile.get("/feeds/datasets.atom").data)
    atom = "{http://www.w3.org/2005/Atom}"
    assert len(feed.findall(f"{atom}entry")) == len(CORPUS)
    assert all(link.get("href").startswith("http://localhost/") for link in feed.iter(f"{atom}link"))
    assert {content.get("type", "text") for content in feed.iter(f"{atom}title", f"{atom}summary")} == {"text"}
    for suffix, syntax in SYNTAXES.items():
        assert len(Graph().parse(data=hostile.get(f"/catalog.{suffix}").data, format=syntax)) > 50
    assert len(hostile.get("/datasets.jsonl").data.splitlines()) == len(CORPUS)


def test_states_other_than_current_keep_their_description() -> None:
    assert dataset(entry(state=DatasetState.MISSING), BASE)["name"] == FULL.title
