"""What ckanext-harvest asserts of itself (H1 to H19), asked of a whole harvest; where its rule is not ours, ours holds.

H6 (remote groups created here) and H9's default tags, groups and extras have no counterpart: nothing is invented.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import time_machine

from harvester import retirement
from harvester.scheduler import due
from harvester.sourcefiles import SourceInvalid, read, validate
from nachuan.cli import main
from portal.catalog.model import Counts, Outcome, RunMode, Source
from portal.catalog.sources import SourceHeld, UnknownSource
from portal.catalog.store import Catalog
from tests.fixtures import needs_fixtures
from tests.harvester.ckan_portal import CkanPortal, package
from tests.harvester.harvesting import (
    NO_GRACE,
    codes,
    dataset,
    datasets,
    errors,
    fixture,
    harvested,
    issues,
    source,
    states,
)
from tests.hostile import answer, json_answer

ONE, TWO = "dataset1-id", "1c65c66a-fdec-4138-9c64-0f9bf087bcbb"


def mock_data() -> dict[str, Any]:
    loaded: dict[str, Any] = json.loads(fixture("ckan/ckanext_harvest_mock/mock_ckan_data.json"))
    return loaded


@pytest.fixture
def mock() -> Iterator[CkanPortal]:
    """The portal of ckanext-harvest's own tests."""
    given = mock_data()
    portal = CkanPortal(given["DATASETS"], given["ORGS"])
    with portal.running():
        yield portal


def of(portal: CkanPortal, **options: Any) -> Source:
    return source("ckan", portal.url, guard=NO_GRACE, **options)


@needs_fixtures
def test_h1_a_first_harvest_adds_two_under_the_portals_own_ids(
    any_catalog: Catalog, mock: CkanPortal
) -> None:
    run = harvested(any_catalog, of(mock))
    assert (run.outcome, run.counts, run.declared) == (Outcome.COMPLETE, Counts(listed=2, added=2), 2)
    assert errors(any_catalog, run) == []
    assert {key: made.name for key, made in datasets(any_catalog).items()} == {
        ONE: "dataset1",
        TWO: "cabinet-office-energy-use",
    }


@needs_fixtures
@pytest.mark.parametrize("full", [False, True], ids=["incremental", "full"])
def test_h2_a_second_harvest_imports_nothing(any_catalog: Catalog, mock: CkanPortal, full: bool) -> None:
    harvested(any_catalog, of(mock))
    newest = any_catalog.last_change()
    run = harvested(any_catalog, of(mock), full=full)
    assert (run.outcome, run.counts.added, run.counts.updated) == (Outcome.COMPLETE, 0, 0)
    assert any_catalog.last_change() == newest


@needs_fixtures
def test_h3_only_what_was_modified_since_is_asked_for_and_updated(
    any_catalog: Catalog, mock: CkanPortal
) -> None:
    harvested(any_catalog, of(mock))
    mock.packages[1] |= {
        "metadata_modified": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}",
        "title": "Energy use 2",
    }
    mock.packages[0] |= {"title": "Changed, but without a word of it"}
    run = harvested(any_catalog, of(mock))
    assert (run.mode, run.counts) == (RunMode.INCREMENTAL, Counts(listed=1, updated=1))
    assert dataset(any_catalog, TWO).title == "Energy use 2"
    assert dataset(any_catalog, ONE).title == "Test Dataset1"


@needs_fixtures
@pytest.mark.parametrize("obeys", [True, False], ids=["filters", "ignores filters"])
@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"organizations_exclude": ["org1"]}, {TWO}),
        ({"organizations_include": ["org1"]}, {ONE}),
        ({"organizations_include": ["cabinet-office"]}, {TWO}),
    ],
)
def test_h4_organisations_are_left_out_or_alone_taken_in(
    catalog: Catalog, mock: CkanPortal, options: dict[str, Any], kept: set[str], obeys: bool
) -> None:
    """The first package of the mock names its organisation by ``owner_org`` alone, so CKAN's own are put in too."""
    organizations = {each["id"]: each for each in mock_data()["ORGS"]}
    for each in mock.packages:
        each.setdefault("organization", organizations[each["owner_org"]])
    if not obeys:
        _ignore_filters(mock)
    run = harvested(catalog, of(mock, **options))
    assert (run.outcome, set(datasets(catalog))) == (Outcome.COMPLETE, kept)


@needs_fixtures
@pytest.mark.parametrize(
    ("options", "kept"),
    [({"organizations_exclude": ["org1"]}, {TWO}), ({"organizations_include": ["org1"]}, {ONE})],
)
def test_h4_a_package_that_gives_only_its_owners_id_is_taken_as_the_portal_filters(
    catalog: Catalog, mock: CkanPortal, options: dict[str, Any], kept: set[str]
) -> None:
    run = harvested(catalog, of(mock, **options))
    assert (run.outcome, set(datasets(catalog))) == (Outcome.COMPLETE, kept)


@needs_fixtures
@pytest.mark.parametrize("obeys", [True, False], ids=["filters", "ignores filters"])
@pytest.mark.parametrize(
    ("options", "kept"), [({"groups_exclude": ["group1"]}, {TWO}), ({"groups_include": ["group1"]}, {ONE})]
)
def test_h5_groups_are_left_out_or_alone_taken_in(
    catalog: Catalog, mock: CkanPortal, options: dict[str, Any], kept: set[str], obeys: bool
) -> None:
    if not obeys:
        _ignore_filters(mock)
    run = harvested(catalog, of(mock, **options))
    assert (run.outcome, set(datasets(catalog))) == (Outcome.COMPLETE, kept)


def _ignore_filters(portal: CkanPortal) -> None:
    def everything(action: str, asked: Any) -> Any:
        if action != "package_search" or int(asked["start"]):
            return None
        return json_answer(
            {"success": True, "result": {"count": len(portal.packages), "results": portal.packages}}
        )

    portal.instead = everything


@needs_fixtures
def test_h7_a_dataset_met_again_on_the_next_page_is_one(any_catalog: Catalog, mock: CkanPortal) -> None:
    """ckanext-harvest's mock: while we page, a dataset is added before the first, which so slips onto page two."""
    one, two = mock.packages
    pages = [[one], [one, two]]

    def moving(action: str, asked: Any) -> Any:
        if action != "package_search":
            return None
        page = pages.pop(0) if pages else [] if int(asked["start"]) >= 2 else [one, two]
        return json_answer({"success": True, "result": {"count": 2, "results": page}})

    mock.instead = moving
    run = harvested(any_catalog, of(mock, page_size=1))
    assert (run.outcome, set(datasets(any_catalog))) == (Outcome.COMPLETE, {ONE, TWO})
    assert any_catalog.last_change() == 2


def test_h7_what_slips_past_while_the_list_moves_is_read_all_the_same(catalog: Catalog) -> None:
    portal = CkanPortal([package(f"{number:02}") for number in range(12)])
    removed: list[Any] = []

    def moving(action: str, asked: Any) -> None:
        if action == "package_search" and int(asked["start"]) > 3 and not removed:
            removed.append(portal.packages.pop(0))

    portal.instead = moving
    with portal.running():
        run = harvested(catalog, of(portal, page_size=4))
    stayed = {package["id"] for package in portal.packages}
    assert (run.outcome, run.declared) == (Outcome.COMPLETE, 11)
    assert stayed <= set(datasets(catalog)) <= stayed | {"00"}


@needs_fixtures
def test_h8_a_portal_that_answers_500_everywhere_changes_nothing(
    any_catalog: Catalog, mock: CkanPortal
) -> None:
    harvested(any_catalog, of(mock))
    newest = any_catalog.last_change()
    mock.instead = lambda action, asked: answer("no", status=500)
    run = harvested(any_catalog, of(mock), full=True)
    assert (run.outcome, run.cause, run.counts) == (Outcome.FAILED, "portal.answered-error", Counts())
    assert errors(any_catalog, run) == ["portal.answered-error"]
    assert any_catalog.last_change() == newest
    assert set(states(any_catalog).values()) == {"current"}


def test_h6_a_group_of_the_portals_own_is_kept_in_its_words_and_made_into_no_theme(catalog: Catalog) -> None:
    """Ours: the themes are one list for the whole country; what is not among them stays as the portal wrote it."""
    groups = [{"name": "jtys", "title": "交通运输"}, {"name": "beekeeping", "title": "养蜂爱好者"}]
    portal = CkanPortal([package("a", groups=groups)])
    with portal.running():
        harvested(catalog, of(portal))
    made = dataset(catalog, "a")
    assert made.themes == ("transport",)
    assert "养蜂爱好者" in made.themes_raw


@needs_fixtures
def test_h9_nothing_is_added_to_what_a_portal_says(catalog: Catalog, mock: CkanPortal) -> None:
    """Ours: default tags, groups and extras would be values no portal gave; there are none, asked for or not."""
    harvested(
        catalog, of(mock, default_tags=[{"name": "energy-of-ours"}], default_extras={"frequency": "daily"})
    )
    made = dataset(catalog, ONE)
    assert (made.keywords, made.frequency, made.frequency_raw) == (("test-tag",), None, None)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"organizations_include": "org1"}, "organizations_include"),
        ({"groups_exclude": {"a": 1}}, "groups_exclude"),
        ({"page_size": "many"}, "page_size"),
        ({"crosswalk": ["title"]}, "crosswalk"),
        ({"crosswalk": {"titel": "title"}}, "titel"),
        ({"language": 1}, "language"),
    ],
)
def test_h9_options_of_a_wrong_type_are_refused_when_the_source_is_saved(
    options: dict[str, Any], said: str
) -> None:
    with pytest.raises(SourceInvalid, match=said):
        validate({"id": "a", "title": "A", "kind": "ckan", "url": "http://p.example/", "options": options})


@needs_fixtures
def test_h10_every_dataset_says_which_source_and_which_record_it_is_from(
    catalog: Catalog, mock: CkanPortal
) -> None:
    run = harvested(catalog, of(mock))
    for key, made in datasets(catalog).items():
        raw = catalog.raw(made.id)
        assert raw is not None and json.loads(raw.body)["id"] == key == made.source_key
        assert (raw.url or "").startswith(f"{mock.url}api/3/action/package_search")
        assert catalog.sources.get(made.source_id).source.title == "portal"
        assert [change.run_id for change in catalog.history(made.id)] == [run.id]


def test_h11_no_connection_and_a_404_are_told_with_address_and_status(catalog: Catalog) -> None:
    portal = CkanPortal()
    portal.instead = lambda action, asked: answer("nothing here", status=404)
    with portal.running():
        (missing,) = issues(catalog, harvested(catalog, of(portal)))
    assert missing.code == "portal.answered-error"
    assert (missing.url or "").startswith(f"{portal.url}api/3/action/package_search") and "404" in (
        missing.detail or ""
    )
    (refused,) = issues(catalog, harvested(catalog, of(portal)))
    assert refused.code == "portal.unreachable" and (refused.url or "").startswith(portal.url)


@needs_fixtures
def test_h12_invalid_tags_never_cost_a_dataset(catalog: Catalog, mock: CkanPortal) -> None:
    """Ours: a portal's tags are its words and kept as they are; empty ones are none."""
    tags = ["some spaces  here", "random:other%characters&_.here", "", "  ", "x" * 5000, None, 7, "供水"]
    named = [{"name": tag, "display_name": tag} for tag in tags]
    mock.packages[0]["tags"] = [*mock_data()["INVALID_TAGS"], *named, "bare", None, {}]
    run = harvested(catalog, of(mock))
    assert (run.counts.added, run.counts.unusable) == (2, 0)
    kept = dataset(catalog, ONE).keywords
    assert {"consumption%^&", "random:other%characters&_.here", "供水"} <= set(kept)
    assert all(word.strip() for word in kept)
    again = harvested(catalog, of(mock), full=True)
    assert again.counts.unchanged == 2 and dataset(catalog, ONE).keywords == kept


def test_h13_names_never_collide_because_they_are_no_identity(catalog: Catalog) -> None:
    """Ours: no ``trees1``: both keep the name the portal gave, and an id each that outlives any renaming."""
    portal = CkanPortal(
        [package("a", name="trees"), package("b", name="trees"), package("c", name="x" * 101)]
    )
    with portal.running():
        harvested(catalog, of(portal))
        before = {key: made.id for key, made in datasets(catalog).items()}
        assert {key: made.name for key, made in datasets(catalog).items()} == {
            "a": "trees",
            "b": "trees",
            "c": "x" * 101,
        }
        portal.packages[0]["name"], portal.packages[1]["name"] = "trees1", "shrubs"
        assert harvested(catalog, of(portal), full=True).counts.updated == 2
    assert {key: made.id for key, made in datasets(catalog).items()} == before


def test_h14_figures_of_two_runs_and_of_their_source(any_catalog: Catalog) -> None:
    portal = CkanPortal([package(key) for key in "abc"])
    with portal.running():
        assert harvested(any_catalog, of(portal)).counts == Counts(listed=3, added=3)
        portal.packages = [package("a", title="新"), package("b", title="新")]
        again = harvested(any_catalog, of(portal), full=True)
    assert again.counts == Counts(listed=2, updated=2, retired=1)
    assert any_catalog.sources.dataset_counts() == {"portal": 2}
    assert len(any_catalog.runs.recent("portal")) == 2


def test_h15_a_run_that_shows_no_life_is_ended_by_the_next_and_a_living_one_left_alone(
    any_catalog: Catalog,
) -> None:
    portal = CkanPortal([package("a")])
    with portal.running():
        any_catalog.sources.put(of(portal))
        with time_machine.travel(datetime.now(UTC) - timedelta(hours=1)):
            any_catalog.sources.lease("portal", "stuck")
            stuck = any_catalog.runs.start("portal", RunMode.FULL, "x")
        run = harvested(any_catalog, of(portal))
        assert run.outcome is Outcome.COMPLETE
        aborted = any_catalog.runs.get(stuck.id)
        assert (aborted.outcome, aborted.cause) == (Outcome.FAILED, "run.interrupted")
        assert codes(any_catalog, stuck) == {"run.interrupted": 1}
        lease = any_catalog.sources.lease("portal", "alive")
        tomorrow = datetime.now(UTC) + timedelta(days=1)
        assert due(any_catalog, tomorrow) == []
        with pytest.raises(SourceHeld, match="alive"):
            harvested(any_catalog, of(portal))
        any_catalog.sources.release(lease)
        assert due(any_catalog, tomorrow) == ["portal"]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    monkeypatch.setenv("NACHUAN_ALLOW_PRIVATE", "127.0.0.0/8")
    monkeypatch.delenv("NACHUAN_DATABASE_URL", raising=False)
    main(["db", "upgrade"])
    return tmp_path


def nachuan(*arguments: str) -> int:
    """The exit code of a command."""
    try:
        main(list(arguments))
    except SystemExit as left:
        return int(left.code or 0)
    return 0


def test_h16_the_same_address_twice_is_refused(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    add = ("sources", "add", "http://p.example/", "--kind", "ckan", "--id")
    assert nachuan(*add, "one") == 0
    assert nachuan(*add, "two") == 1
    assert "http://p.example/ is already harvested as 'one'" in capsys.readouterr().err


def test_h16_the_same_address_with_another_configuration_is_allowed(home: Path) -> None:
    given = 'id = "{}"\ntitle = "P"\nkind = "ckan"\nurl = "http://p.example/"\n[options]\nfq = "type:{}"\n'
    for name in ("dataset", "harvest"):
        (home / f"{name}.toml").write_text(given.format(name, name), encoding="utf-8")
        assert nachuan("sources", "apply", str(home / f"{name}.toml")) == 0
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    assert [entry.source.id for entry in catalog.sources.all()] == ["dataset", "harvest"]
    catalog.close()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('kind = "gopher"', "gopher"),
        ('schedule = "whenever"', "whenever"),
        ('schedule = "61 * * * *"', "61"),
        ('full_every = "often"', "often"),
        ('url = "ftp://p.example/"', "ftp"),
        ('options = "no table"', "options"),
        ("guard = 3", "guard"),
        ('colour = "red"', "colour"),
        ("title = ", "title.toml|Invalid value"),
        ('id = "Not An Id"', "Not An Id"),
        ('timezone = "Mars/Olympus"', "Mars"),
    ],
)
def test_h17_what_no_source_can_be_is_refused_with_file_and_value(
    tmp_path: Path, line: str, said: str
) -> None:
    sound = {"id": '"a"', "title": '"A"', "kind": '"ckan"', "url": '"http://p.example/"'}
    key = line.partition(" ")[0]
    lines = [f"{name} = {value}" for name, value in sound.items() if name != key]
    file = tmp_path / "title.toml"
    file.write_text("\n".join([line, *lines]), encoding="utf-8")
    with pytest.raises(SourceInvalid, match=said) as refusal:
        read(file)
    assert "title.toml" in str(refusal.value)


def test_h17_a_secret_the_environment_lacks_fails_its_own_source_and_no_other(home: Path) -> None:
    portal = CkanPortal([package("a")])
    with portal.running():
        given = 'id = "{}"\ntitle = "P"\nkind = "ckan"\nurl = "{}"\n[options]\n{}'
        for id, option in (("one", 'api_key = "${NO_SUCH_KEY}"'), ("two", "")):
            (home / f"{id}.toml").write_text(given.format(id, portal.url, option), encoding="utf-8")
            assert nachuan("sources", "apply", str(home / f"{id}.toml")) == 0
        assert nachuan("harvest", "--all") == 1
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    ended = {id: (run.outcome, run.cause) for id, run in catalog.runs.last_by_source().items()}
    assert ended == {"one": (Outcome.FAILED, "source.invalid"), "two": (Outcome.COMPLETE, None)}
    catalog.close()


def test_h18_removing_a_source_retires_its_datasets_only_and_keeps_history(any_catalog: Catalog) -> None:
    portal = CkanPortal([package(f"{number:04}") for number in range(3)])
    with portal.running():
        for id in ("one", "two"):
            harvested(any_catalog, source("ckan", portal.url, id=id))
    assert retirement.remove_source(any_catalog, "one", holder="test") == 3
    assert set(states(any_catalog, "one").values()) == {"retired"}
    assert set(states(any_catalog, "two").values()) == {"current"}
    entry = any_catalog.find("one", "0001")
    assert entry is not None and entry.retired_because == "source-removed"
    assert len(any_catalog.history(entry.dataset.id)) == 2
    assert len(any_catalog.runs.recent("one")) == 1
    with pytest.raises(UnknownSource):
        any_catalog.sources.get("one")


def test_h18_a_source_set_up_again_finds_its_datasets_under_the_same_ids(any_catalog: Catalog) -> None:
    portal = CkanPortal([package("a"), package("b")])
    with portal.running():
        harvested(any_catalog, of(portal))
        before = {made.id for made in datasets(any_catalog).values()}
        retirement.remove_source(any_catalog, "portal", holder="test")
        run = harvested(any_catalog, of(portal))
    assert run.counts.restored == 2 and run.counts.added == 0
    assert {made.id for made in datasets(any_catalog).values()} == before
    assert set(states(any_catalog).values()) == {"current"}


def test_h19_a_wish_to_harvest_is_kept_once_and_handed_out_once(any_catalog: Catalog) -> None:
    portal = CkanPortal([package("a")])
    with portal.running():
        any_catalog.sources.put(of(portal))
        any_catalog.sources.request_run("portal", RunMode.FULL)
        any_catalog.sources.request_run("portal", RunMode.FULL)
        assert [wish.mode for wish in any_catalog.sources.take_requests()] == [RunMode.FULL]
        assert any_catalog.sources.take_requests() == []
