"""``nachuan export``: the catalogue in a file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from rdflib import DCTERMS, Graph

from harvester import counting
from nachuan.cli import Failed
from nachuan.commands.export import export
from portal.catalog.model import RecordType
from portal.catalog.store import Catalog
from portal.search.engines import open_index
from portal.search.indexing import catch_up
from tests.catalogs import empty_catalog, filled, record
from tests.harvester.test_counting import made, put


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An installation with two datasets and a series, not indexed yet."""
    for name in ("NACHUAN_DATABASE_URL", "NACHUAN_SEARCH_URL", "NACHUAN_BASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NACHUAN_HOME", str(tmp_path))
    catalog = empty_catalog(f"sqlite:///{tmp_path / 'nachuan.db'}")
    filled(
        catalog,
        record("1", title="公交站点", themes=("transport",), description="=1+1"),
        record("2", title="医院名录", themes=("health",)),
        record("3", title="历年公交", record_type=RecordType.SERIES),
    )
    catalog.close()
    return tmp_path


@pytest.fixture
def indexed(home: Path) -> Path:
    """The same with its index."""
    catalog, index = Catalog(f"sqlite:///{home / 'nachuan.db'}"), open_index("tantivy:", home)
    catch_up(catalog, index)
    index.close()
    catalog.close()
    return home


def run(*arguments: str) -> Result:
    return CliRunner().invoke(export, arguments)


def test_json_lines_of_everything_go_to_standard_output(home: Path) -> None:
    result = run()
    assert result.exit_code == 0
    titles = [json.loads(line)["dataset"]["title"] for line in result.stdout.splitlines()]
    assert sorted(titles) == ["公交站点", "医院名录"]


def test_csv_goes_to_a_file(home: Path) -> None:
    assert run("--format", "csv", "-o", str(home / "all.csv")).exit_code == 0
    text = (home / "all.csv").read_text(encoding="utf-8")
    assert text.startswith("\ufeffid,title,") and "'=1+1" in text


def test_turtle_has_the_addresses_asked_for(home: Path) -> None:
    result = run("--format", "ttl", "--base-url", "https://catalogue.example.cn/")
    made = Graph().parse(data=result.stdout, format="turtle")
    titles = {str(title): str(node) for node, title in made.subject_objects(DCTERMS.title)}
    assert titles["公交站点"].startswith("https://catalogue.example.cn/datasets/")


def test_facets_and_words_narrow_it_down(indexed: Path) -> None:
    assert [json.loads(line)["dataset"]["title"] for line in run("--theme", "health").stdout.splitlines()] == ["医院名录"]
    assert [json.loads(line)["dataset"]["title"] for line in run("-q", "公交").stdout.splitlines()] == ["公交站点"]
    assert run("--theme", "health", "-q", "公交").stdout == ""
    assert run("--file-format", "csv").stdout == ""


def test_each_dataset_is_written_once_when_asked(home: Path) -> None:
    catalog = Catalog(f"sqlite:///{home / 'nachuan.db'}")
    city = made("xuzhou", "1", "市公安局_保安培训机构", "徐州市公安局")
    put(catalog, city, made("jiangsu", "1", "保安培训机构", "徐州市公安局"))
    counting.catch_up(catalog, "test")
    catalog.close()
    assert len(run().stdout.splitlines()) == 4
    once = [json.loads(line)["dataset"] for line in run("--appearances", "once").stdout.splitlines()]
    assert sorted(one["title"] for one in once) == ["公交站点", "医院名录", "市公安局_保安培训机构"]
    turtle = Graph().parse(data=run("--format", "ttl").stdout, format="turtle")
    assert [str(node).rpartition("/")[2] for node in turtle.objects(None, DCTERMS.relation)] == [city.dataset.id]


def test_narrowing_down_without_an_index_fails_and_says_the_cure(home: Path) -> None:
    result = run("--theme", "health")
    assert result.exit_code == Failed.exit_code and "nachuan index rebuild" in result.stderr


def test_an_unknown_format_is_wrong_usage(home: Path) -> None:
    assert run("--format", "docx").exit_code == 2
