"""From bytes to text and JSON (faults P25 to P29, P35, P36, E46 to E48)."""

from __future__ import annotations

import gzip
import json
import tracemalloc
import zlib
from typing import Any

import pytest

from harvester.errors import AnswerCutShort, AnswerTooLarge, PortalBlocked, PortalNotUnderstood
from harvester.http import Http, Limits, Response
from harvester.http.encodings import STEP_BYTES, charset, inflated
from tests.harvester.http.conftest import MakeHttp
from tests.hostile import HostileServer, answer, gzip_bomb, gzip_header_plain_body, html_as_json, slicer

RECORD = {"title": "杭州市公交线路信息", "note": "每日更新"}
GBK_JSON = json.dumps(RECORD, ensure_ascii=False).encode("gb18030")


def _response(body: bytes, content_type: str | None = None) -> Response:
    return Response("http://portal.example/", 200, {"Content-Type": content_type} if content_type else {}, body)


def test_p25_html_under_a_json_type_is_named_with_its_beginning(http: Http) -> None:
    with HostileServer(html_as_json()) as portal, pytest.raises(PortalNotUnderstood) as caught:
        http.get(portal.url).json()
    assert caught.value.detail == "HTML instead of JSON"
    assert caught.value.seen == "<!DOCTYPE html><html><body><h1>系统维护中</h1></body></html>"
    assert caught.value.url == f"{portal.url}/"


@pytest.mark.parametrize("body", [b"", b" \n", b"\xef\xbb\xbf"])
def test_p26_an_empty_body_is_not_json(body: bytes) -> None:
    with pytest.raises(PortalNotUnderstood, match="an empty body"):
        _response(body).json()


@pytest.mark.parametrize(("body", "value"), [(b"null", None), (b"[]", []), (b"{}", {})])
def test_p26_empty_values_are_given_as_they_are_for_the_connector_to_judge(body: bytes, value: Any) -> None:
    assert _response(body).json() == value


@pytest.mark.parametrize(
    "body",
    [
        '{"a": 1,}',
        "{'a': 1}",
        '{"a": NaN}',
        '{"a": -Infinity}',
        '{"a": "tab\there"}',
        '{"a": 1} {"b": 2}',
        '{"a": 0x1}',
        '{"a": %s}' % ("9" * 5000),
    ],
    ids=["trailing comma", "single quotes", "NaN", "Infinity", "control", "two values", "hexadecimal", "5000 digits"],
)
def test_p27_malformed_json_is_refused(body: str) -> None:
    with pytest.raises(PortalNotUnderstood, match="malformed JSON"):
        _response(body.encode()).json()


def test_p27_the_place_is_given_by_line_column_and_eighty_characters_around_it() -> None:
    body = "{\n" + '"a": "' + "数" * 100 + '",\n' + '"b": oops' + "x" * 100 + "}"
    with pytest.raises(PortalNotUnderstood, match="line 3, column 6") as caught:
        _response(body.encode()).json()
    assert len(caught.value.seen or "") == 80
    assert (caught.value.seen or "")[40:44] == "oops"


def test_p28_json_cut_at_99_percent_is_refused() -> None:
    whole = json.dumps([RECORD] * 100).encode()
    with pytest.raises(PortalNotUnderstood):
        _response(whole[: len(whole) * 99 // 100]).json()


@pytest.mark.parametrize("opening", ["[", '{"a":'])
def test_p29_nesting_without_end_is_refused_and_nothing_escapes(opening: str) -> None:
    with pytest.raises(PortalNotUnderstood, match="nested too deeply"):
        _response((opening * 100_000).encode()).json()


@pytest.mark.parametrize(
    "body",
    [
        json.dumps({f"k{number}": 0 for number in range(1_000_000)}).encode(),
        b"[" + b"[]," * 1_000_000 + b"[]]",
        b"[" + b"{}," * 1_000_000 + b"{}]",
    ],
    ids=["a million keys", "a million lists", "a million objects"],
)
def test_p29_a_million_values_are_refused_before_they_take_memory(body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(AnswerTooLarge, match="values in one answer"):
            _response(body).json()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 1024**2


def test_p29_a_text_of_ten_megabytes_is_read() -> None:
    assert len(_response(b'["' + b"x" * 10_000_000 + b'"]').json()[0]) == 10_000_000


@pytest.mark.parametrize("half", ["\\ud800", "\\uDFFF", "x\\ud83dx"])
def test_e49_half_a_surrogate_pair_is_replaced(half: str) -> None:
    """No encoding keeps it, so that whoever kept the value would fail later."""
    (text,) = _response(f'["{half}"]'.encode()).json()
    assert "\ufffd" in text and text.encode()
    assert _response(b'["\\ud83d\\ude00"]').json() == ["😀"]


def test_p35_a_gzip_bomb_is_stopped_by_its_ratio_with_flat_memory(http: Http) -> None:
    with HostileServer(gzip_bomb(200)) as portal:
        tracemalloc.start()
        try:
            with pytest.raises(AnswerTooLarge, match="unpack to"):
                http.get(portal.url)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
    assert peak < 40 * 1024**2


def test_p35_what_unpacks_beyond_the_cap_is_stopped(make_http: MakeHttp) -> None:
    with HostileServer(gzip_bomb(4)) as portal:
        with pytest.raises(AnswerTooLarge, match="more than 1048576 bytes"):
            make_http(limits=Limits(memory_bytes=1024**2)).get(portal.url)


def test_p35_a_small_answer_may_be_packed_as_well_as_it_likes(http: Http) -> None:
    with HostileServer(gzip_bomb(8)) as portal:
        assert len(http.get(portal.url).body) == 8 * 1024**2


def test_p35_a_streamed_bomb_is_stopped_too(http: Http) -> None:
    with HostileServer(gzip_bomb(200)) as portal, http.stream(portal.url) as response:
        with pytest.raises(AnswerTooLarge, match="unpack to"):
            assert max(map(len, response.chunks)) <= STEP_BYTES


def test_p35_a_bomb_in_one_piece_comes_in_small_ones() -> None:
    pieces = [len(piece) for piece in inflated([zlib.compress(bytes(16 * 1024**2))], "deflate")]
    assert max(pieces) <= STEP_BYTES
    assert sum(pieces) == 16 * 1024**2


@pytest.mark.parametrize("coding", ["gzip, gzip", "gzip, deflate", "br", "zstd", "compress", "gzip,gzip,gzip"])
def test_p35_nested_and_unknown_codings_are_refused(coding: str, http: Http) -> None:
    body = gzip.compress(gzip.compress(b"{}"))
    with HostileServer(answer(body, headers={"Content-Encoding": coding})) as portal:
        with pytest.raises(PortalNotUnderstood) as caught:
            http.get(portal.url)
    assert caught.value.seen == coding


def test_p36_a_plain_body_that_claims_to_be_gzip_is_read(http: Http) -> None:
    with HostileServer(gzip_header_plain_body(b'{"a": 1}')) as portal:
        assert http.get(portal.url).json() == {"a": 1}


def test_p36_a_body_that_is_no_gzip_after_its_mark_is_refused(http: Http) -> None:
    with HostileServer(gzip_header_plain_body(b"\x1f\x8b but plain all the same")) as portal:
        with pytest.raises(PortalNotUnderstood, match="does not unpack"):
            http.get(portal.url)


def test_packed_answers_are_read_in_pieces_of_one_byte(http: Http) -> None:
    packed = answer(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    with HostileServer(slicer(packed)) as portal:
        assert http.get(portal.url).json() == {"a": 1}
        assert portal.seen[0].headers["accept-encoding"] == "gzip, deflate"


def _bare_deflate(data: bytes) -> bytes:
    engine = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return engine.compress(data) + engine.flush()


PLAIN = json.dumps([RECORD] * 5000).encode()


@pytest.mark.parametrize("size", [1, 7, 10**9])
@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", gzip.compress(PLAIN)),
        ("X-GZIP", gzip.compress(PLAIN)),
        ("gzip", gzip.compress(PLAIN[:1000]) + gzip.compress(PLAIN[1000:])),
        ("gzip", gzip.compress(PLAIN) + bytes(10)),
        ("deflate", zlib.compress(PLAIN)),
        ("deflate", _bare_deflate(PLAIN)),
        ("identity", PLAIN),
        ("", PLAIN),
    ],
    ids=["gzip", "x-gzip", "two members", "padded", "zlib", "bare deflate", "identity", "none"],
)
def test_every_coding_is_read_however_it_is_cut(coding: str, packed: bytes, size: int) -> None:
    pieces = [packed[start:start + size] for start in range(0, len(packed), size)]
    assert b"".join(inflated(pieces, coding)) == PLAIN


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_n07_a_packed_body_without_its_end_is_cut_short(coding: str) -> None:
    packed = gzip.compress(PLAIN) if coding == "gzip" else zlib.compress(PLAIN)
    with pytest.raises(AnswerCutShort):
        list(inflated([packed[:-20]], coding))


def test_a_packed_body_without_a_byte_is_empty() -> None:
    assert list(inflated([], "gzip")) == []


@pytest.mark.parametrize("content_type", [None, "application/json", "application/json; charset=GB2312"])
def test_e46_gb18030_is_read_without_being_announced(content_type: str | None) -> None:
    assert _response(GBK_JSON, content_type).json() == RECORD


@pytest.mark.parametrize("word", ["数据", "是", "公交", "气象局"])
def test_e46_short_gb18030_equals_its_utf_8_twin(word: str) -> None:
    """Statistical guessing takes such short texts for Korean."""
    assert _response(word.encode("gb18030")).text == _response(word.encode("utf-8")).text == word


def test_e46_rare_characters_of_a_page_said_to_be_gb2312_are_read() -> None:
    assert _response("镕㐂".encode("gb18030"), "text/html; charset=gb2312").text == "镕㐂"


@pytest.mark.parametrize("declared", ["ISO-8859-1", "gb2312", "big5", "no-such-charset", "utf-16"])
def test_e47_a_body_in_utf_8_wins_over_what_is_declared(declared: str) -> None:
    body = json.dumps(RECORD, ensure_ascii=False).encode()
    assert _response(body, f"application/json; charset={declared}").json() == RECORD


def test_e47_what_is_declared_wins_over_gb18030() -> None:
    assert _response("臺北市資料".encode("big5"), "text/html; charset=Big5").text == "臺北市資料"


def test_e47_a_page_may_declare_its_charset_itself() -> None:
    page = '<html><head><meta charset="big5"></head><body>臺北市資料</body></html>'
    assert _response(page.encode("big5"), "text/html").text == page


@pytest.mark.parametrize("codec", ["utf-8-sig", "utf-16", "utf-32"])
def test_e48_a_byte_order_mark_is_believed(codec: str) -> None:
    body = json.dumps(RECORD, ensure_ascii=False).encode(codec)
    assert _response(body, "application/json; charset=utf-8").json() == RECORD


def test_a_text_no_charset_reads_keeps_what_is_readable() -> None:
    body = "标题".encode() + b"\xff\xff"
    assert charset(body, None) == "utf-8"
    assert _response(body).text == "标题\ufffd\ufffd"


def test_a_captcha_word_in_proper_json_is_no_obstacle() -> None:
    assert _response(b'{"title": "captcha statistics"}').json() == {"title": "captcha statistics"}


def test_xml_in_place_of_json_is_not_understood() -> None:
    with pytest.raises(PortalNotUnderstood, match=r"XML \(Error\) instead of JSON"):
        _response(b'<?xml version="1.0"?><Error/>').json()


def test_a_challenge_after_a_byte_order_mark_is_seen() -> None:
    with pytest.raises(PortalBlocked):
        _response(b"\xef\xbb\xbf\n<html><script>__jsl_clearance</script>").json()
