"""What stands where in an answer that nobody described."""

from __future__ import annotations

from typing import Any

import pytest

from harvester import shapes


@pytest.mark.parametrize("text,inner", [
    ('{"a":1}', '{"a":1}'), ('cb({"a":1})', '{"a":1}'), (' /**/ jQuery.x_1 ( [1] ) ;\n', "[1]"), ('"{\\"a\\":1}"', '{"a":1}'),
    ('cb("[1]")', "[1]"), ("标题,网址\n公交(市),1\n", "标题,网址\n公交(市),1\n"), ('"a","b"\n', '"a","b"\n'), ("", ""),
    ("f(1) and more", "f(1) and more"),
])
def test_what_json_is_wrapped_in_is_taken_off_and_nothing_else(text: str, inner: str) -> None:
    assert shapes.unwrapped(text) == inner


@pytest.mark.parametrize("said,paths", [
    ([{"a": 1}], ["."]), ({"data": {"rows": [{"a": [{"b": 1}]}]}}, ["data.rows"]), ({"a": [1], "b": [], "c": {}}, []),
    ({"x": [{"a": 1}], "y": {"z": [{"b": 1}]}}, ["x", "y.z"]), ({"1": {"2": {"3": {"4": {"5": [{}]}}}}}, []), (None, []),
])
def test_lists_of_objects_are_found_where_they_stand(said: Any, paths: list[str]) -> None:
    assert shapes.lists(said) == paths


@pytest.mark.parametrize("said,number", [
    (23, 23), (23.0, 23), ("23", 23), ("1,234", 1234), ("共1,234条", 1234), ("23.0", 23), (0, 0),
    (-1, None), ("-1", None), (2.5, None), ("2.5", None), ("1/3", None), ("2024-01-01", None), ("", None), (None, None),
    (True, None), ([], None), ("viele", None),
])
def test_a_number_is_read_where_one_stands_and_only_one(said: Any, number: int | None) -> None:
    assert shapes.whole(said) == number


@pytest.mark.parametrize("said,reason", [
    ({"code": 1, "msg": "请先登录"}, "请先登录"), ({"error_msg": "x"}, "x"), ({"msg": "", "message": "y"}, "y"),
    ({"msg": {"a": 1}}, None), ({"data": {"msg": "x"}}, None), (["msg"], None), (None, None),
])
def test_the_portals_own_words_are_read(said: Any, reason: str | None) -> None:
    assert shapes.reason(said) == reason


@pytest.mark.parametrize("holder,number", [
    ({"total": 5, "rows": []}, 5), ({"Total_Count": "5"}, 5), ({"count": "many", "total": 7}, 7), ({"rows": []}, None),
    ([], None),
])
def test_a_number_of_records_is_read_beside_their_list(holder: Any, number: int | None) -> None:
    assert shapes.stated(holder) == number
