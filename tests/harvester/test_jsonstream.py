"""The splitter: every part of a JSON document, however it is cut, encoded or broken."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harvester.errors import AnswerCutShort, AnswerTooLarge, PortalNotUnderstood
from harvester.jsonstream import NESTING, PART_BYTES, Part, parts


def cut(document: bytes, size: int = 7) -> Iterator[bytes]:
    for start in range(0, len(document), size):
        yield document[start:start + size]


def read(document: bytes, size: int = 7, **more: Any) -> list[Part]:
    return list(parts(cut(document, size), url="https://data.example.cn/data.json", **more))


def bodies(document: bytes, name: str | None = "dataset", size: int = 7) -> list[bytes]:
    return [part.body for part in read(document, size) if part.name == name]


TWO = b'{"title": "T", "dataset": [ {"a": "}]\\"{["} , {"b": [1, {"c": null}]}\n], "n": 3}'


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_fault_8_slices_are_the_portals_bytes_however_the_chunks_fall(size: int) -> None:
    assert read(TWO, size) == [
        Part((), "title", None, b'"T"', 10),
        Part((), "dataset", 0, b'{"a": "}]\\"{["}', TWO.index(b'{"a"')),
        Part((), "dataset", 1, b'{"b": [1, {"c": null}]}', TWO.index(b'{"b"')),
        Part((), "n", None, b"3", TWO.index(b"3}")),
    ]


def test_nested_catalogues_are_opened_and_say_where_they_stand() -> None:
    document = b'{"catalog": [{"@id": "x", "dataset": [{}]}, {"catalog": [{"dataset": [{"a": 1}]}]}]}'
    assert [(part.holder, part.name, part.body) for part in read(document, nested=("catalog",))] == [
        (("catalog", 0), "@id", b'"x"'),
        (("catalog", 0), "dataset", b"{}"),
        (("catalog", 1, "catalog", 0), "dataset", b'{"a": 1}'),
    ]


def test_a_nested_catalogue_that_stands_alone_is_opened_like_the_only_one_of_a_list() -> None:
    alone, listed = b'{"catalog": {"dataset": [{"a": 1}]}}', b'{"catalog": [{"dataset": [{"a": 1}]}]}'
    (one,), (other,) = read(alone, nested=("catalog",)), read(listed, nested=("catalog",))
    assert (one.holder, one.name, one.body) == (other.holder, other.name, other.body)


def test_a_document_that_is_an_array_gives_its_elements() -> None:
    assert bodies(b'[{"a": 1},\n {"b": 2}, 3]', name=None) == [b'{"a": 1}', b'{"b": 2}', b"3"]


def test_an_empty_array_is_told_apart_from_none() -> None:
    assert read(b'{"dataset": [ ]}') == [Part((), "dataset", None, b"[]", 12)]
    assert read(b"{}") == []


documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@settings(max_examples=60)
@given(st.lists(documents, min_size=1), st.booleans(), st.sampled_from([None, 1]), st.integers(1, 50))
def test_the_slices_of_any_array_read_as_its_elements(
    elements: list[Any], ascii_only: bool, indent: int | None, size: int
) -> None:
    text = json.dumps({"dataset": elements}, ensure_ascii=ascii_only, indent=indent)
    document = text.encode("utf-8", "replace")
    assert [json.loads(body) for body in bodies(document, size=size)] == json.loads(document)["dataset"]


@settings(max_examples=60)
@given(st.lists(documents, min_size=1), st.data())
def test_fault_28_a_truncated_document_never_ends_well(elements: list[Any], data: st.DataObject) -> None:
    document = json.dumps({"dataset": elements}).encode()
    end = data.draw(st.integers(1, len(document) - 1))
    with pytest.raises((AnswerCutShort, PortalNotUnderstood)):
        read(document[:end], 40)


def test_fault_28_a_document_cut_short_says_where_it_ended() -> None:
    with pytest.raises(AnswerCutShort, match=f"ends unfinished at byte {len(TWO) - 1}") as told:
        read(TWO[:-1])
    assert told.value.url == "https://data.example.cn/data.json"


@pytest.mark.parametrize("document, what, at", [
    (b'{"dataset": [{}]} {"dataset": [{}]}', "something follows the end of the JSON document", 18),
    (b'[{"a": 1}][{"b": 2}]', "something follows the end of the JSON document", 10),
    (b'[{"a": 1}]\n</html>', "something follows the end of the JSON document", 11),
    (b'{"dataset": [{},]}', "trailing comma|invalid character", 16),
    (b'{"dataset": [{} {}]}', "expected , or ]", 16),
    (b'{"dataset": [{}}]}', "expected , or ]", 15),
    (b'{"dataset": [{}],}', "expected a member's name in double quotes", 17),
    (b"{'dataset': [{}]}", "expected a member's name in double quotes", 1),
    (b'{"dataset" [{}]}', "expected :", 11),
    (b'{"n": NaN, "dataset": []}', "invalid character", 6),
    (b'{"n": None}', "invalid character", 6),
    (b"<!DOCTYPE html><html>", "a JSON object or array was expected", 0),
    (b'"Some error"', "a JSON object or array was expected", 0),
    (b"null", "a JSON object or array was expected", 0),
])
def test_fault_27_what_is_no_json_between_the_records_is_refused_with_its_byte(
    document: bytes, what: str, at: int
) -> None:
    for size in (1, 3, 1000):
        with pytest.raises(PortalNotUnderstood, match=f"({what}).* at byte {at}$") as told:
            read(document, size)
        assert told.value.seen and told.value.seen in document.decode()


@pytest.mark.parametrize("broken", [
    b'{"a": NaN}', b'{"a": 1,}', b'{"a": "\x01"}', b'{"a": "\\ud800"}', b'{"a": "\\x"}', b'"\\ud800"',
    b"{'a': 'b'}", b'{"a": [1}}', b"{a}", b'{"a": 12e}',
])
@pytest.mark.parametrize("size", [1, 9, 1000])
def test_fault_32_a_malformed_record_is_cut_out_alone(broken: bytes, size: int) -> None:
    document = b'{"dataset": [{"x": 1}, ' + broken + b', {"y": 2}]}'
    assert bodies(document, size=size) == [b'{"x": 1}', broken, b'{"y": 2}']


def test_fault_26_an_empty_answer_is_refused() -> None:
    for nothing in (b"", b"  \n", codecs.BOM_UTF8):
        with pytest.raises(PortalNotUnderstood, match="the answer is empty"):
            read(nothing)


def test_fault_29_nesting_beyond_the_limit_is_refused() -> None:
    deep = b"[" * NESTING + b"]" * NESTING
    assert bodies(b'{"dataset": [' + deep + b"]}") == [deep]
    for levels in (NESTING + 1, 500, 100_000):
        with pytest.raises(PortalNotUnderstood, match=f"nested deeper than {NESTING} levels at byte 13"):
            bodies(b'{"dataset": [' + b"[" * levels + b"]" * levels + b"]}", size=65536)
    with pytest.raises(PortalNotUnderstood, match=f"nested deeper than {NESTING} levels"):
        read(b'{"catalog": [' * 100_000, 65536, nested=("catalog",))


def test_fault_29_brackets_within_strings_do_not_count_as_nesting() -> None:
    text = json.dumps({"a": "{[" * 200}).encode()
    assert bodies(b'{"dataset": [' + text + b"]}") == [text]


@pytest.mark.parametrize("close", [b'"}]}', b""])
def test_fault_29_a_part_beyond_the_limit_is_refused(close: bytes) -> None:
    document = b'{"dataset": [{"a": "' + b"x" * (PART_BYTES + 1) + close
    with pytest.raises(AnswerTooLarge, match=f"value at byte 13 is longer than {PART_BYTES} bytes"):
        bodies(document, size=65536)


def test_fault_29_a_malformed_part_beyond_the_limit_is_refused() -> None:
    with pytest.raises(AnswerTooLarge, match="value at byte 13 is longer"):
        bodies(b'{"dataset": [{"a": NaN, "b": "' + b"x" * (PART_BYTES + 1), size=65536)


def test_fault_6_an_endless_answer_is_given_up() -> None:
    def endless() -> Iterator[bytes]:
        yield b'{"dataset": [{"a": "'
        while True:
            yield b"x" * 65536

    with pytest.raises(AnswerTooLarge):
        list(parts(endless()))


CHINESE = '{"dataset": [{"title": "公园[绿地]{信息}，镕丂"}, {"title": "联通"}]}'


@pytest.mark.parametrize("encoding", [
    "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "gb18030",
])
@pytest.mark.parametrize("size", [1, 2, 7, 1000])
def test_fault_46_47_48_every_encoding_gives_the_same_utf8_slices(encoding: str, size: int) -> None:
    expected = [part.body for part in read(CHINESE.encode())]
    assert bodies(CHINESE.encode(encoding), size=size) == expected
    assert msgspec.json.decode(expected[0]) == {"title": "公园[绿地]{信息}，镕丂"}


@pytest.mark.parametrize("encoding", ["utf-8", "gb18030"])
def test_fault_46_a_byte_that_cannot_be_decoded_breaks_its_own_record_only(encoding: str) -> None:
    document = CHINESE.encode(encoding).replace(b"\xc1\xaa", b"\xff").replace("联".encode(), b"\xff")
    first, second = bodies(document)
    assert msgspec.json.decode(first) == {"title": "公园[绿地]{信息}，镕丂"}
    with pytest.raises(UnicodeDecodeError):
        second.decode()


def test_the_scanner_still_says_where_a_value_ended() -> None:
    """We lean on the wording of msgspec's complaint: another wording must fail here, not on a portal."""
    with pytest.raises(msgspec.DecodeError, match=r"trailing characters \(byte 9\)"):
        msgspec.json.decode(b'{"a": 1},', type=msgspec.Raw)
