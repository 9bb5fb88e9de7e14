"""Source files: what they say is kept, what they say wrongly is answered in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from harvester import sourcefiles
from harvester.sourcefiles import SourceInvalid

GOOD = """
id = "zj-hangzhou"
title = "杭州市数据开放平台"
kind = "ckan"
url = "https://data.hangzhou.example/"
region = "330100"
schedule = "0 3 * * *"
[politeness]
requests_per_second = 0.5
[guard]
grace_days = 3
[options]
api_key = "${HANGZHOU_KEY}"
"""


def file(folder: Path, text: str, name: str = "source.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_file_is_read_and_written_back_the_same(tmp_path: Path) -> None:
    source = sourcefiles.read(file(tmp_path, GOOD))
    assert (source.region, source.guard.grace_days, source.politeness.requests_per_second) == ("330100", 3, 0.5)
    assert sourcefiles.read(file(tmp_path, sourcefiles.write(source), "again.toml")) == source


@pytest.mark.parametrize(
    ("wrong", "right", "said"),
    [
        ('"zj-hangzhou"', '"Hangzhou!"', "only a-z, 0-9 and -"),
        ('"ckan"', '"cakn"', "is not one of ckan, csvlist, csw, datajson, dcat, dkan, htmltable, jsonapi, oaipmh"),
        ('"https://data', '"ftp://data', "must begin with http"),
        ('"0 3 * * *"', '"at three"', "not a schedule"),
        ("requests_per_second = 0.5", "per_second = 1", "per_second"),
        ("grace_days = 3", 'grace_days = "x"', "grace_days"),
        ('title = "杭州市数据开放平台"', "", "title"),
        ('region = "330100"', 'full_every = "often"', "not a length of time"),
        ('id = "zj-hangzhou"', "id = ", "line 2"),
    ],
)
def test_what_is_wrong_is_named_with_its_file_and_value(tmp_path: Path, wrong: str, right: str, said: str) -> None:
    path = file(tmp_path, GOOD.replace(wrong, right))
    with pytest.raises(SourceInvalid) as error:
        sourcefiles.read(path)
    assert str(path) in str(error.value) and said in str(error.value)
    assert "\n" not in str(error.value)


def test_a_folder_is_read_whole_and_an_id_may_stand_once(tmp_path: Path) -> None:
    file(tmp_path, GOOD)
    file(tmp_path, GOOD.replace("zj-hangzhou", "zj-ningbo").replace("data.hangzhou", "data.ningbo"), "ningbo.toml")
    assert [source.id for source in sourcefiles.read_all(tmp_path)] == ["zj-ningbo", "zj-hangzhou"]
    file(tmp_path, GOOD, "twice.toml")
    with pytest.raises(SourceInvalid, match="already used by"):
        sourcefiles.read_all(tmp_path)
    with pytest.raises(SourceInvalid, match="no such file"):
        sourcefiles.read_all(tmp_path / "nowhere")


def test_a_secret_is_filled_in_for_a_harvest_only(tmp_path: Path) -> None:
    source = sourcefiles.read(file(tmp_path, GOOD))
    assert source.options == {"api_key": "${HANGZHOU_KEY}"}
    environment = {"HANGZHOU_KEY": "s3cret"}
    assert sourcefiles.with_secrets(source, environment).options == {"api_key": "s3cret"}
    assert sourcefiles.secrets(source, environment) == ("s3cret",)
    with pytest.raises(SourceInvalid, match="HANGZHOU_KEY"):
        sourcefiles.with_secrets(source, {})
