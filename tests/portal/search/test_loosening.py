"""What a search that finds nothing may ask for instead: less."""

from __future__ import annotations

import pytest

from portal.search.language import any_of, looks_for_anything, looser


def asked(text: str) -> list[tuple[str, str | None]]:
    return [(way.text, way.without) for way in looser(text)]


def test_each_word_may_be_left_out() -> None:
    assert asked("air quality") == [("quality", "air"), ("air", "quality")]
    assert asked('"air quality" -indoor bus') == [
        ("-indoor bus", '"air quality"'),
        ('"air quality" bus', "-indoor"),
        ('"air quality" -indoor', "bus"),
    ]


def test_a_chinese_word_is_left_out_of_words_written_as_one() -> None:
    assert ("杭州市", "交通局") in asked("杭州市交通局")
    assert ("交通局", "杭州市") in asked("杭州市交通局")


def test_a_chinese_word_of_three_characters_and_more_may_be_taken_apart() -> None:
    assert ("公交 站", None) in asked("公交站")
    assert ("2024年 公交 站", None) in asked("2024年 公交站")


def test_a_width_of_characters_changes_no_place() -> None:
    assert ("公交", "ＢＵＳ") in asked("公交 ＢＵＳ")


@pytest.mark.parametrize("text", ["水", "公交", "bus", "", "……", "OR", '"air quality"'])
def test_of_one_short_word_nothing_can_be_left_out(text: str) -> None:
    assert asked(text) == []


@pytest.mark.parametrize(("text", "anything"), [("水", True), ("-水", True), ("", False), ("…… -", False), ("🚌", False)])
def test_signs_alone_look_for_nothing(text: str, anything: bool) -> None:
    assert looks_for_anything(text) is anything


def test_any_of_the_words_of_a_text_may_be_asked_for() -> None:
    assert any_of("公交刷卡 金额") == "公交 OR 刷卡 OR 金额"
    assert any_of('bus "stop times" -old bus') == 'bus OR "stop times"'
    assert any_of("，。") == "" == any_of("-old")
