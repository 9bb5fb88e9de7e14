"""The description of the native API is true: every address, parameter, answer and error is as it says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

from portal.catalog.audit import COMMAND
from portal.catalog.model import Publisher
from portal.catalog.requests import Asker, Filing, Reply, Wish
from portal.catalog.requests import Verdict as Reported
from portal.catalog.store import Catalog
from portal.scorecard.assess import catch_up, rebuild
from portal.scorecard.cards import Answer
from portal.scorecard.rules import PACKAGED
from portal.scorecard.vectors import FLAGS
from portal.scorecard.verdicts import Verdict
from portal.web import described
from portal.web.demanded import STATES
from portal.web.graded import KINDS, LEVELS, PARTS, TABLES
from schemas import vocabulary
from tests.portal.web.town import build, client_of, dataset_of, made, page, words

DOCUMENT = described.document()

TRANSPORT = Publisher(
    id="hz", name="杭州市交通运输局", institution_type="government_department", department="330100.transport"
)

REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:api", Resource.from_contents(DOCUMENT, default_specification=DRAFT202012)
)


def wrong(answer: object, pointer: str) -> list[str]:
    """What of an answer is not as the part of the document that a JSON pointer leads to."""
    validator = Draft202012Validator({"$ref": f"urn:api#{pointer}"}, registry=REGISTRY)
    return [f"{error.json_path}: {error.message[:200]}" for error in validator.iter_errors(answer)]


def pointer_of(path: str, status: int, media_type: str) -> str:
    """Where the document has the schema of an answer."""
    answers = DOCUMENT["paths"][path]["get"]["responses"]
    reference = answers[str(status)].get("$ref")
    escaped = path.replace("~", "~0").replace("/", "~1").replace("{", "%7B").replace("}", "%7D")
    start = reference.removeprefix("#") if reference else f"/paths/{escaped}/get/responses/{status}"
    return f"{start}/content/{media_type.replace('/', '~1')}/schema"


@pytest.fixture(scope="module")
def assessed() -> Iterator[Catalog]:
    """The town with a department, assessed on two days."""
    catalog = Catalog("sqlite://")
    catalog.upgrade()
    build(catalog)
    lease = catalog.sources.lease("hangzhou", "test")
    with catalog.transaction(lease, None) as transaction:
        transaction.put([made(f"t{n}", title=f"公交 {n}", publisher=TRANSPORT, region="330100") for n in range(3)])
    catalog.sources.release(lease)
    requested(catalog)
    rebuild(catalog, now=datetime.now(UTC) - timedelta(days=4))
    catch_up(catalog)
    yield catalog
    catalog.close()


def requested(catalog: Catalog) -> None:
    """Two requests of the public, the first answered twice, the second merged into it; one nobody has looked at."""
    filing = Filing(region="330100", theme="transport", entry="TRA-1", department="330100.transport")
    store, after = catalog.requests, None
    for n in range(3):
        wish = Wish(title=f"公交到站时刻 {n}", description="想做一个换乘提醒。", function="transport")
        store.ask(wish, Asker(None, f"192.0.2.{n}"))
    store.publish(1, filing, by=COMMAND)
    store.merge(2, 1, by=COMMAND)
    replies = Reply(verdict=Reported.PLANNED, text="年内。"), Reply(verdict=Reported.PUBLISHED, datasets=(dataset_of("1"),))
    for reply in replies:
        after = store.answer(1, reply, by=COMMAND, after=after).number


@pytest.fixture(scope="module")
def client(assessed: Catalog) -> FlaskClient:
    return client_of(assessed)


ASKED = (
    ("/api/v1/scorecards", "/api/v1/scorecards"),
    ("/api/v1/scorecards", "/api/v1/scorecards?of=regions&level=province&rules=mqa"),
    ("/api/v1/scorecards", "/api/v1/scorecards?of=themes&level="),
    ("/api/v1/scorecards", "/api/v1/scorecards?of=government_department&level=prefecture&rules=udata"),
    ("/api/v1/scorecards/method", "/api/v1/scorecards/method"),
    *(
        (f"/api/v1/scorecards/{{kind}}/{{code}}{what}", f"/api/v1/scorecards/{group}{what}?rules={rules}")
        for group, rules in (
            ("nation/all", "national"), ("regions/330100", "mqa"), ("publishers/330100.transport", "national"),
            ("publishers/hz", "five_star"), ("themes/transport", "udata"), ("institutions/unknown", "national"),
            ("sources/hangzhou", "national"),
        )
        for what in ("", "/trend")
    ),
    ("/api/v1/scorecards/{kind}/{code}/matrix", "/api/v1/scorecards/nation/all/matrix"),
    ("/api/v1/scorecards/{kind}/{code}/matrix", "/api/v1/scorecards/regions/330100/matrix?of=departments&rules=mqa"),
    *(
        ("/api/v1/scorecards/{kind}/{code}/{indicator}", f"/api/v1/scorecards/nation/all/reachable?verdict={verdict}")
        for verdict in Answer
    ),
    ("/api/v1/scorecards/{kind}/{code}/{indicator}", "/api/v1/scorecards/nation/all/licence?rules=national&after=x"),
    *(
        ("/api/v1/datasets/{id}/evidence", f"/api/v1/datasets/{dataset_of('1')}/evidence?rules={rules}")
        for rules in PACKAGED
    ),
    ("/api/v1/high-value", "/api/v1/high-value"),
    ("/api/v1/high-value/{id}", "/api/v1/high-value/TRA-1"),
    ("/api/v1/regions/{region}/high-value", "/api/v1/regions/330100/high-value"),
    ("/api/v1/datasets", "/api/v1/datasets"),
    ("/api/v1/datasets", "/api/v1/datasets?limit=3&appearances=once"),
    ("/api/v1/datasets", "/api/v1/datasets?q=公交&region=330000&theme=transport&theme=environment&limit=2"),
    ("/api/v1/datasets/{id}", f"/api/v1/datasets/{dataset_of('1')}"),
    ("/api/v1/publishers", "/api/v1/publishers?q=杭州&limit=1"),
    ("/api/v1/publishers/{publisher}", "/api/v1/publishers/hz"),
    ("/api/v1/regions", "/api/v1/regions?after=33"),
    ("/api/v1/regions", "/api/v1/regions?parent=330000"),
    ("/api/v1/regions/{region}", "/api/v1/regions/330100"),
    ("/api/v1/regions/{region}", "/api/v1/regions/330102"),
    ("/api/v1/sources", "/api/v1/sources"),
    *(("/api/v1/sources/{source}", f"/api/v1/sources/{source}") for source in ("hangzhou", "riverton", "later")),
    ("/api/v1/sources/{source}/runs", "/api/v1/sources/riverton/runs?limit=1"),
    ("/api/v1/sources/{source}/runs", "/api/v1/sources/later/runs"),
    *(("/api/v1/runs/{run}", f"/api/v1/runs/{number}") for number in (1, 2, 3)),
    ("/api/v1/runs/{run}/issues", "/api/v1/runs/1/issues?limit=1"),
    ("/api/v1/runs/{run}/issues", "/api/v1/runs/1/issues?issue=record.title-missing"),
    ("/api/v1/changes", "/api/v1/changes"),
    ("/api/v1/changes", "/api/v1/changes?since=10&limit=3"),
    ("/api/v1/requests", "/api/v1/requests"),
    ("/api/v1/requests", "/api/v1/requests?region=330000&theme=transport&entry=TRA-1&state=unmet&after=9"),
    ("/api/v1/requests/{number}", "/api/v1/requests/1"),
    ("/api/v1/requests/{number}", "/api/v1/requests/2"),
    ("/api/v1/openapi.json", "/api/v1/openapi.json"),
)
"""A path of the document, and an address of it."""


def test_the_document_is_valid_openapi_3_1() -> None:
    assert DOCUMENT["openapi"].startswith("3.1.")
    validate(DOCUMENT)


def test_every_address_of_the_api_is_described_and_every_one_described_is_there(client: FlaskClient) -> None:
    rules = {
        described.path_of(rule.rule): rule.methods or set()
        for rule in client.application.url_map.iter_rules()
        if rule.rule.startswith("/api/v1")
    }
    assert set(DOCUMENT["paths"]) == set(rules)
    assert all(methods - {"HEAD", "OPTIONS"} == {"GET"} for methods in rules.values())
    assert all(set(item) == {"get"} for item in DOCUMENT["paths"].values())


def test_every_address_of_the_document_is_asked_here() -> None:
    assert {path for path, _ in ASKED} == set(DOCUMENT["paths"])


@pytest.mark.parametrize("path,address", ASKED)
def test_an_answer_is_as_it_is_described(client: FlaskClient, path: str, address: str) -> None:
    response = client.get(address)
    assert (response.status_code, response.mimetype) == (200, "application/json")
    assert wrong(response.get_json(), pointer_of(path, 200, "application/json")) == []


def test_no_field_of_any_answer_is_null(client: FlaskClient) -> None:
    def nulls(value: object, where: str) -> list[str]:
        if isinstance(value, dict):
            return [found for key, one in value.items() for found in nulls(one, f"{where}.{key}")]
        if isinstance(value, list):
            return [found for one in value for found in nulls(one, where)]
        return [where] if value is None else []

    assert [found for _, address in ASKED for found in nulls(client.get(address).get_json(), address)] == []


@pytest.mark.parametrize("path,address,status", [
    ("/api/v1/scorecards", "/api/v1/scorecards?of=nonsense", 404),
    ("/api/v1/scorecards/{kind}/{code}", "/api/v1/scorecards/regions/999999", 404),
    ("/api/v1/scorecards/{kind}/{code}/trend", "/api/v1/scorecards/nation/all/trend?rules=nonsense", 404),
    ("/api/v1/scorecards/{kind}/{code}/matrix", "/api/v1/scorecards/publishers/hz/matrix", 404),
    ("/api/v1/scorecards/{kind}/{code}/{indicator}", "/api/v1/scorecards/nation/all/licence?verdict=x", 404),
    ("/api/v1/datasets/{id}/evidence", "/api/v1/datasets/nonesuch/evidence", 404),
    ("/api/v1/high-value/{id}", "/api/v1/high-value/nonesuch", 404),
    ("/api/v1/regions/{region}/high-value", "/api/v1/regions/nonesuch/high-value", 404),
    ("/api/v1/datasets/{id}", "/api/v1/datasets/nonesuch", 404),
    ("/api/v1/publishers/{publisher}", "/api/v1/publishers/nonesuch", 404),
    ("/api/v1/regions/{region}", "/api/v1/regions/nonesuch", 404),
    ("/api/v1/sources/{source}", "/api/v1/sources/nonesuch", 404),
    ("/api/v1/sources/{source}/runs", "/api/v1/sources/nonesuch/runs", 404),
    *(("/api/v1/runs/{run}", f"/api/v1/runs/{number}", 404) for number in ("999", "x", "9" * 30, "-1")),
    ("/api/v1/runs/{run}/issues", "/api/v1/runs/999/issues", 404),
    ("/api/v1/requests", "/api/v1/requests?state=nonsense", 404),
    ("/api/v1/requests/{number}", "/api/v1/requests/3", 404),
])
def test_what_there_is_not_is_a_problem_as_it_is_described(
    client: FlaskClient, path: str, address: str, status: int
) -> None:
    response = client.get(address)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert wrong(response.get_json(), pointer_of(path, status, "application/problem+json")) == []


def waits_for_an_assessment(path: str) -> bool:
    """Whether an address answers only after the first one."""
    answers = DOCUMENT["paths"][path]["get"]["responses"]
    return bool(answers.get("503") == {"$ref": "#/components/responses/NotAssessed"})


@pytest.mark.parametrize("path,address", [pair for pair in ASKED if waits_for_an_assessment(pair[0])])
def test_before_the_first_assessment_the_answer_is_the_problem_that_is_described(
    town: Catalog, path: str, address: str
) -> None:
    response = client_of(town).get(address)
    assert (response.status_code, response.mimetype) == (503, "application/problem+json")
    assert wrong(response.get_json(), pointer_of(path, 503, "application/problem+json")) == []


@pytest.mark.parametrize("path,address", ASKED)
def test_only_the_parameters_that_are_described_are_heeded(client: FlaskClient, path: str, address: str) -> None:
    allowed = described.query_parameters(path) or frozenset()
    for name in {"rules", "of", "level", "verdict", "after", "page", "nonsense"} - allowed:
        response = client.get(f"{address}{'&' if '?' in address else '?'}{name}=x")
        assert (response.status_code, response.mimetype) == (400, "application/problem+json"), name
        assert wrong(response.get_json(), pointer_of(path, 400, "application/problem+json")) == []


@pytest.mark.parametrize("name,values", [
    ("rules", PACKAGED), ("kind", tuple(KINDS)), ("level", LEVELS), ("verdict", tuple(Answer)), ("parts", tuple(PARTS)),
    ("state", STATES),
    ("of", (*TABLES, *vocabulary("institution_types").terms)),
])
def test_a_closed_set_of_values_is_the_one_there_is(name: str, values: tuple[str, ...]) -> None:
    assert set(DOCUMENT["components"]["parameters"][name]["schema"]["enum"]) == set(values)


def test_the_words_in_answers_are_those_there_are() -> None:
    things = DOCUMENT["components"]["schemas"]
    assert set(things["Finding"]["properties"]["verdict"]["enum"]) == {one.name.lower() for one in Verdict}
    assert set(things["Evidence"]["properties"]["flags"]["items"]["enum"]) == set(FLAGS)
    assert set(things["RequestAnswer"]["properties"]["verdict"]["enum"]) == set(Reported)
    assert {*things["Request"]["properties"]["state"]["enum"], "unmet"} == set(STATES)
    assert set(things["Datasets"]["properties"]) == {"declared", "harvested", *FLAGS}


@pytest.mark.parametrize("path", list(DOCUMENT["paths"]))
def test_an_example_is_as_it_is_described(path: str) -> None:
    content = DOCUMENT["paths"][path]["get"]["responses"]["200"]["content"]["application/json"]
    assert wrong(content["example"], pointer_of(path, 200, "application/json")) == []
    for name, response in DOCUMENT["components"]["responses"].items():
        example = response["content"]["application/problem+json"]["example"]
        assert wrong(example, "/components/schemas/Problem") == [], name


def test_the_schemas_refuse_what_is_not_so() -> None:
    league = DOCUMENT["paths"]["/api/v1/scorecards"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    schema = pointer_of("/api/v1/scorecards", 200, "application/json")
    assert wrong({**league, "more": 1}, schema) and wrong({**league, "total": None}, schema)
    assert wrong({key: one for key, one in league.items() if key != "groups"}, schema)
    assert wrong({**league, "groups": [{**league["groups"][0], "measured": 87}]}, schema)


def test_everything_that_is_described_is_used_and_in_both_languages() -> None:
    text = repr(DOCUMENT)
    for part, names in DOCUMENT["components"].items():
        assert [name for name in names if f"#/components/{part}/{name}'" not in text] == []

    def untold(value: object, where: str) -> Iterator[str]:
        if isinstance(value, dict):
            said = {key for key in ("description", "summary") if isinstance(value.get(key), str)}
            if said and not said <= set(value.get("x-zh", ())):
                yield where
            for key, one in value.items():
                if key not in ("x-zh", "example"):
                    yield from untold(one, f"{where}/{key}")
        elif isinstance(value, list):
            for one in value:
                yield from untold(one, where)

    assert list(untold(DOCUMENT, "")) == []


def test_the_document_is_served_with_the_address_of_the_portal(client: FlaskClient) -> None:
    found = client.get("/zh/api/v1/openapi.json").get_json()
    assert found["servers"] == [{"url": "http://localhost"}]
    assert {key: one for key, one in found.items() if key != "servers"} == {
        key: one for key, one in DOCUMENT.items() if key != "servers"
    }


@pytest.mark.parametrize("path,method,status", [("/api/v1/nonsense", "get", 404), ("/api/v1/scorecards", "post", 405)])
def test_programs_are_told_in_json_where_the_api_has_no_address(
    client: FlaskClient, path: str, method: str, status: int
) -> None:
    response = getattr(client, method)(path)
    assert (response.status_code, response.mimetype) == (status, "application/problem+json")
    assert wrong(response.get_json(), "/components/schemas/Problem") == []


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_page_says_all_that_the_document_says(client: FlaskClient, language: str) -> None:
    found = page(client, f"/{language}/api")
    (main,) = found.xpath("//main")
    told = words(main)
    for path, item in DOCUMENT["paths"].items():
        asked = item["get"]
        text = asked["x-zh"] if language == "zh" else asked
        assert f"GET {path}" in told and text["summary"] in told, path
        assert text["description"].replace("`", "") in told, path
    for name, schema in DOCUMENT["components"]["schemas"].items():
        (section,) = main.xpath(f".//section[@id='{name}']")
        rows = [words(cell) for cell in section.xpath(".//tbody/tr/th/code")]
        assert rows == list(schema["properties"]), name
    ids = set(main.xpath(".//@id"))
    assert {one.removeprefix("#") for one in main.xpath(".//a/@href") if one.startswith("#")} <= ids


def test_every_page_leads_to_the_page_of_the_api(client: FlaskClient) -> None:
    assert "/en/api" in page(client, "/en/about").xpath("//footer//a/@href")
    assert "/en/api/v1/openapi.json" in page(client, "/en/api").xpath("//main//a/@href")
