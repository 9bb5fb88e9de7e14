"""RDF documents become plain records, and hostile ones cost nothing but their own source."""

from __future__ import annotations

import gzip
import json
import os
import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from queue import LifoQueue
from threading import Event, Thread
from typing import Any

import pytest

from harvester.errors import AnswerTooLarge, HarvestError, PortalNotUnderstood
from harvester.rdf import Document, Limits, Syntax, nursery, read, syntax
from harvester.rdf.contexts import ContextRefused, without_remote_contexts
from tests.fixtures import FIXTURES, needs_fixtures

URL = "http://portal.test/data/catalog"
DCAT = FIXTURES / "dcat"
TURTLE = "text/turtle"
RDFXML = "application/rdf+xml"
JSONLD = "application/ld+json"
PREFIXES = """@prefix dcat: <http://www.w3.org/ns/dcat#> .
@prefix dct: <http://purl.org/dc/terms/> .
@prefix hydra: <http://www.w3.org/ns/hydra/core#> .
@prefix spdx: <http://spdx.org/rdf/terms#> .
"""


def turtle(statements: str, **limits: Any) -> Document:
    return read((PREFIXES + statements).encode(), content_type=TURTLE, url=URL, limits=Limits(**limits))


def plain(document: Document) -> list[dict[str, Any]]:
    return [json.loads(bytes(record.body)) for record in document.records]


def fixture(path: str) -> Document:
    types = {".ttl": TURTLE, ".rdf": RDFXML, ".xml": RDFXML, ".jsonld": JSONLD, ".trig": "application/trig"}
    file = DCAT / path
    body = gzip.decompress(file.read_bytes()) if file.suffix == ".gz" else file.read_bytes()
    return read(body, content_type=types[Path(path.removesuffix(".gz")).suffix], url=URL)


def counts(document: Document) -> tuple[int, int]:
    """Records, and the distributions in them."""
    return len(document.records), sum(len(record.get("dcat:distribution", ())) for record in plain(document))


def refusal(body: bytes, content_type: str | None = TURTLE, **limits: Any) -> HarvestError:
    with pytest.raises(HarvestError) as caught:
        read(body, content_type=content_type, url=URL, limits=Limits(**limits))
    return caught.value


# What a plain record is


def test_literals_keep_language_and_datatype_and_nodes_stand_inside() -> None:
    [record] = plain(
        turtle(
            """<http://p.test/1> a dcat:Dataset ; dct:title "降水"@zh, "Rain"@en-GB ;
            dct:issued "2012-05-10T21:04"^^<http://www.w3.org/2001/XMLSchema#dateTime> ; dcat:keyword "007" ;
            dcat:distribution
                [ a dcat:Distribution ; dcat:byteSize 12 ; spdx:checksum [ spdx:checksumValue "ab" ] ] ."""
        )
    )
    assert record == {
        "@id": "http://p.test/1",
        "@type": ["dcat:Dataset"],
        "dcat:distribution": [
            {
                "@type": ["dcat:Distribution"],
                "dcat:byteSize": [{"@value": "12", "@type": "xsd:integer"}],
                "spdx:checksum": [{"spdx:checksumValue": [{"@value": "ab"}]}],
            }
        ],
        "dcat:keyword": [{"@value": "007"}],
        "dct:issued": [{"@value": "2012-05-10T21:04", "@type": "xsd:dateTime"}],
        "dct:title": [{"@value": "Rain", "@language": "en-GB"}, {"@value": "降水", "@language": "zh"}],
    }


def test_the_same_statements_in_any_order_give_the_same_bytes() -> None:
    lines = [
        "<http://p.test/1> a dcat:Dataset .",
        "<http://p.test/1> dcat:distribution _:LABELa .",
        "<http://p.test/1> dcat:distribution _:LABELb .",
        '_:LABELa dct:title "CSV" .',
        '_:LABELb dct:title "JSON" .',
        "_:LABELb dct:license _:LABELc .",
        '_:LABELc dct:title "by" .',
        '<http://p.test/2> a dcat:Dataset ; dct:title "x"@en, "x"@zh .',
    ]
    shuffled = random.Random(7).sample(lines, len(lines))
    first, second = (
        turtle("\n".join(some).replace("LABEL", label)) for some, label in ((lines, "x"), (shuffled, "other"))
    )
    assert [bytes(record.body) for record in first.records] == [bytes(record.body) for record in second.records]


def test_two_blank_distributions_that_say_the_same_are_two() -> None:
    same = '[ dct:title "a" ]'
    document = turtle(f"<http://p.test/1> a dcat:Dataset ; dcat:distribution {same}, {same} .")
    assert counts(document) == (1, 2)


def test_f40_cycles_of_nodes_end() -> None:
    [record] = plain(turtle("<http://p.test/1> a dcat:Dataset ; dct:relation _:a . _:a dct:relation _:b ."
                            '_:b dct:relation _:a ; dct:title "b" .'))
    assert json.dumps(record).count('"b"') == 2


def test_the_members_of_a_list_are_values() -> None:
    [record] = plain(turtle('<http://p.test/1> a dcat:Dataset ; dcat:keyword ( "b" "a" ), "c" .'))
    assert record["dcat:keyword"] == [{"@value": "a"}, {"@value": "b"}, {"@value": "c"}]


def test_other_records_and_catalogues_are_named_but_not_repeated_inside() -> None:
    [first, second] = plain(turtle(
        "<http://p.test/1> a dcat:Dataset ; dct:relation <http://p.test/2> ; dct:isPartOf <http://p.test> ."
        '<http://p.test/2> a dcat:Dataset ; dct:title "two" . <http://p.test> a dcat:Catalog ; dct:title "c" .'
    ))
    assert first["dct:relation"] == [{"@id": "http://p.test/2"}]
    assert first["dct:isPartOf"] == [{"@id": "http://p.test"}]
    assert second["@id"] == "http://p.test/2"


def test_d21_datasets_of_inner_catalogues_say_which() -> None:
    document = turtle(
        "<http://p.test/> a dcat:Catalog ; dcat:dataset <http://p.test/1> ; dct:hasPart <http://p.test/c> ;"
        "  dcat:catalog <http://p.test/d> ; dct:hasPart <http://p.test/1> ."
        '<http://p.test/c> a dcat:Catalog ; dct:title "Inner" ; dcat:dataset <http://p.test/2> .'
        "<http://p.test/1> a dcat:Dataset . <http://p.test/2> a dcat:Dataset ."
    )
    found = {json.loads(bytes(record.body))["@id"]: record.catalogue for record in document.records}
    assert found == {"http://p.test/1": None, "http://p.test/2": "Inner"}
    assert [link.url for link in document.catalogues] == ["http://p.test/d"]


def test_d13_both_spellings_of_the_next_page_are_read_also_as_text() -> None:
    document = turtle(
        f'<{URL}> a hydra:PagedCollection, hydra:PartialCollectionView ; hydra:totalItems 4 ; hydra:next "?page=2" ;'
        f"  hydra:nextPage <{URL}?page=2> . <http://p.test/1> a dcat:Dataset ."
    )
    assert document.next_pages == (f"{URL}?page=2",)
    assert document.declared == 4


# Syntaxes


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        ("application/n-triples", b"<http://p.test/1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
                                  b"<http://www.w3.org/ns/dcat#Dataset> ."),
        (TURTLE, b"<http://p.test/1> a <http://www.w3.org/ns/dcat#Dataset> ."),
        ("application/trig", b"<http://g.test> { <http://p.test/1> a <http://www.w3.org/ns/dcat#Dataset> }"),
        ("application/n-quads", b"<http://p.test/1> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> "
                                b"<http://www.w3.org/ns/dcat#Dataset> <http://g.test> .\n"),
        (RDFXML, b'<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
                 b'<d:Dataset xmlns:d="http://www.w3.org/ns/dcat#" rdf:about="http://p.test/1"/></rdf:RDF>'),
        (JSONLD, b'{"@id": "http://p.test/1", "@type": "http://www.w3.org/ns/dcat#Dataset"}'),
    ],
)
@pytest.mark.parametrize("declared", [True, False])
def test_every_syntax_gives_the_same_record_declared_or_not(content_type: str, body: bytes, declared: bool) -> None:
    said = content_type if declared else "text/plain; charset=utf-8"
    [record] = read(body, content_type=said, url=URL).records
    assert bytes(record.body) == b'{"@id":"http://p.test/1","@type":["dcat:Dataset"]}'


@pytest.mark.parametrize(
    ("start", "found"),
    [
        (b"\xef\xbb\xbf \n@prefix a: <http://a> .", Syntax.TRIG),
        (b"# a comment\nPREFIX a: <http://a>", Syntax.TRIG),
        (b"[] a <http://a> .", Syntax.TRIG),
        (b'[ {"@id": "x"} ]', Syntax.JSONLD),
        (b"<?xml version='1.0'?><rdf:RDF/>", Syntax.RDFXML),
        (b"<rdf:RDF xmlns:rdf='x'>", Syntax.RDFXML),
        (b'<http://a> <http://b> "c\\"d"@en <http://g> .\n', Syntax.NQUADS),
        (b'<http://a> <http://b> "c" .\n', Syntax.TRIG),
    ],
)
def test_the_first_bytes_show_the_syntax(start: bytes, found: Syntax) -> None:
    assert syntax(start, None, URL) is found


def test_u18_html_and_what_cannot_be_told_are_refused_in_words() -> None:
    assert refusal(b"<html>", "text/html").detail == 'Unsupported mime type "text/html"'
    assert refusal(b"hello", None).detail == f"Unable to detect format of {URL}"
    assert refusal(b"  <!DOCTYPE html><html>", None).detail == f"Unable to detect format of {URL}"
    assert refusal(b"hello", "image/png").detail == 'Unsupported mime type "image/png"'


@pytest.mark.parametrize(
    ("content_type", "body", "line"),
    [
        (TURTLE, "<http://a> a <http://b> .\n\n<http://a> b:c 1 .", 3),
        (TURTLE, '<http://a> <http://b> "never closed', 1),
        (RDFXML, '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n<a></rdf:RDF>', 2),
        (JSONLD, '{"@id":\n,}', 2),
        ("application/n-quads", "<http://a> <http://b> <http://c> <http://d> .\n<http://a> oops .\n", 2),
    ],
)
def test_d16_a_malformed_document_is_refused_with_its_line(content_type: str, body: str, line: int) -> None:
    error = refusal(body.encode(), content_type)
    assert isinstance(error, PortalNotUnderstood)
    assert error.detail.startswith(f"line {line}: ")
    assert error.url == URL


def test_a_document_without_any_dataset_or_catalogue_is_no_catalogue() -> None:
    assert "no dcat:Catalog" in refusal(b"<http://a> <http://b> <http://c> .").detail


_TITLED = '<http://p.test/1> a <http://www.w3.org/ns/dcat#Dataset> ; <http://purl.org/dc/terms/title> "降水量数据" .'
_TITLED_XML = (
    '<?xml version="1.0" encoding="GB2312"?><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
    '<d:Dataset xmlns:d="http://www.w3.org/ns/dcat#" rdf:about="http://p.test/1">'
    '<t:title xmlns:t="http://purl.org/dc/terms/">降水量数据</t:title></d:Dataset></rdf:RDF>'
)


@pytest.mark.parametrize(
    ("content_type", "text", "encoding"),
    [
        (TURTLE, _TITLED, "gb18030"),
        (TURTLE, _TITLED, "utf-16"),
        (TURTLE, _TITLED, "utf-8-sig"),
        (RDFXML, _TITLED_XML, "gb2312"),
        (RDFXML, _TITLED_XML, "utf-8"),
    ],
)
def test_chinese_encodings_are_read_by_mark_by_validity_and_by_header(
    content_type: str, text: str, encoding: str
) -> None:
    [record] = plain(read(text.encode(encoding), content_type=content_type, url=URL))
    assert record["dct:title"] == [{"@value": "降水量数据"}]


# Addresses and languages that are not


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (TURTLE,
         "<http://p.test/a b> a <http://www.w3.org/ns/dcat#Dataset> ; <http://x.test/p> <http://p.test/数据 1|2> ."),
        ("application/n-quads",
         "<http://p.test/a b> <http://www.w3.org/1999/02/22-rdf-syntax-ns#type> <http://www.w3.org/ns/dcat#Dataset> .\n"
         "<http://p.test/a b> <http://x.test/p> <http://p.test/数据 1|2> .\n"),
        (RDFXML,
         '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="http://www.w3.org/ns/dcat#">'
         '<d:Dataset rdf:about="http://p.test/a b"><p xmlns="http://x.test/" rdf:resource="http://p.test/数据 1|2"/>'
         "</d:Dataset></rdf:RDF>"),
        (JSONLD,
         '{"@context": {"p": {"@id": "http://x.test/p", "@type": "@id"}}, "@id": "http://p.test/a b",'
         ' "@type": "http://www.w3.org/ns/dcat#Dataset", "p": "http://p.test/数据 1|2"}'),
    ],
)
def test_f41_addresses_with_spaces_and_chinese_are_percent_encoded(content_type: str, body: str) -> None:
    [record] = plain(read(body.encode(), content_type=content_type, url=URL))
    assert record["@id"] == "http://p.test/a%20b"
    assert record["http://x.test/p"] == [{"@id": "http://p.test/%E6%95%B0%E6%8D%AE%201%7C2"}]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (TURTLE, "<http://p.test/1> a <http://www.w3.org/ns/dcat#Dataset> ; <http://x.test/p> <http://[host]/x> ."),
        (RDFXML,
         '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:d="http://www.w3.org/ns/dcat#">'
         '<d:Dataset rdf:about="http://p.test/1"><p xmlns="http://x.test/" rdf:resource="http://[host]/x"/></d:Dataset>'
         "</rdf:RDF>"),
        (JSONLD,
         '{"@id": "http://p.test/1", "@type": "http://www.w3.org/ns/dcat#Dataset",'
         ' "http://x.test/p": {"@id": "http://[host]/x"}}'),
    ],
)
def test_f41_an_address_that_is_none_costs_no_document(content_type: str, body: str) -> None:
    [record] = plain(read(body.encode(), content_type=content_type, url=URL))
    assert record["@id"] == "http://p.test/1"
    assert record["http://x.test/p"][0]["@id"] in ("http://[host]/x", "http://%5Bhost%5D/x")


def test_f41_a_next_page_or_catalogue_that_is_no_address_is_left_out() -> None:
    document = turtle("<> a dcat:Catalog ; hydra:next <http://[host]/x>, </2> ; dcat:catalog <http://[host]/c>, </c> .")
    assert document.next_pages == ("http://portal.test/2",)
    assert [link.url for link in document.catalogues] == ["http://portal.test/c"]


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (RDFXML,
         '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:t="http://purl.org/dc/terms/">'
         '<d:Dataset xmlns:d="http://www.w3.org/ns/dcat#" rdf:about="http://p.test/1">'
         '<t:title xml:lang="zh_CN">一</t:title><t:title xml:lang="not a tag">x</t:title></d:Dataset></rdf:RDF>'),
        (JSONLD,
         '{"@id": "http://p.test/1", "@type": "http://www.w3.org/ns/dcat#Dataset", "http://purl.org/dc/terms/title":'
         ' [{"@value": "一", "@language": "zh_CN"}, {"@value": "x", "@language": "not a tag"}]}'),
        (JSONLD,
         '{"@context": {"t": {"@id": "http://purl.org/dc/terms/title", "@container": ["@set", "@language"]}},'
         ' "@id": "http://p.test/1", "@type": "http://www.w3.org/ns/dcat#Dataset",'
         ' "t": {"zh_CN": ["一"], "not a tag": "x"}}'),
    ],
)
def test_a_language_tag_that_is_none_costs_the_tag_and_not_the_document(content_type: str, body: str) -> None:
    [record] = plain(read(body.encode(), content_type=content_type, url=URL))
    assert record["dct:title"] == [{"@value": "x"}, {"@value": "一", "@language": "zh-CN"}]


# Hostile documents


def _xml(declarations: str, content: str = "test") -> bytes:
    return (
        f"<?xml version='1.0'?><!DOCTYPE rdf [{declarations}]>"
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">'
        '<d:Dataset xmlns:d="http://www.w3.org/ns/dcat#" rdf:about="http://p.test/1">'
        f'<t:title xmlns:t="http://purl.org/dc/terms/">{content}</t:title></d:Dataset></rdf:RDF>'
    ).encode()


def test_f37_an_entity_bomb_is_refused_before_it_is_expanded() -> None:
    bomb = '<!ENTITY a0 "ha">' + "".join(f'<!ENTITY a{n} "{f"&a{n - 1};" * 10}">' for n in range(1, 10))
    long = f'<!ENTITY a "{"x" * 100_000}">'
    for declarations, content in ((bomb, "&a9;"), (long, "&a;" * 1000)):
        before = time.process_time()
        assert "is refused" in refusal(_xml(declarations, content), RDFXML).detail
        assert time.process_time() - before < 1


def test_f38_entities_that_lead_out_of_the_document_are_refused(portal: Portal, tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("secret")
    for declaration in (
        f'<!ENTITY a SYSTEM "{secret.as_uri()}">',
        f'<!ENTITY a SYSTEM "{portal.url}/x">',
        f'<!ENTITY % a SYSTEM "{portal.url}/x"> %a;',
    ):
        assert "is refused" in refusal(_xml(declaration, "&a;"), RDFXML).detail
    assert portal.asked == []


def test_u20_an_external_dtd_is_not_fetched_and_short_inner_entities_are_read(portal: Portal) -> None:
    dtd = _xml("").replace(b"<!DOCTYPE rdf []>", f'<!DOCTYPE rdf SYSTEM "{portal.url}/x.dtd">'.encode())
    assert plain(read(dtd, content_type=RDFXML, url=URL))[0]["dct:title"] == [{"@value": "test"}]
    short = _xml('<!ENTITY ns "http://x.test/">', "&ns;a<!-- no -->b")
    assert plain(read(short, content_type=RDFXML, url=URL))[0]["dct:title"] == [{"@value": "http://x.test/ab"}]
    assert portal.asked == []


class Portal:
    """A local server that notes what it is asked for."""

    def __init__(self) -> None:
        asked: list[str] = []

        class Answer(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'{"@context": {}}')

            def log_message(self, *args: object) -> None:
                """Tests are quiet."""

        self.asked = asked
        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, args=(0.01,), daemon=True).start()


@pytest.fixture
def portal() -> Any:
    portal = Portal()
    yield portal
    portal.server.shutdown()
    portal.server.server_close()


@pytest.mark.parametrize("scheme", ["http", "file", "path", "private"])
def test_f39_contexts_are_refused_unless_packaged_wherever_they_stand(
    scheme: str, portal: Portal, tmp_path: Path
) -> None:
    file = tmp_path / "context.jsonld"
    file.write_text('{"@context": {"title": "http://purl.org/dc/terms/title"}}')
    address = {
        "http": f"{portal.url}/c.jsonld",
        "file": file.as_uri(),
        "path": str(file),
        "private": "http://10.0.0.1/c.jsonld",
    }[scheme]
    dataset = {"@id": "http://p.test/1", "@type": "http://www.w3.org/ns/dcat#Dataset"}
    for context in (
        address,
        [{}, address],
        {"@import": address},
        {"t": {"@id": "http://x.test/t", "@context": address}},
        {"t": {"@id": "http://x.test/t", "@context": {"u": {"@id": "http://x.test/u", "@context": [address]}}}},
    ):
        for document in ({"@context": context, **dataset}, [{"http://x.test/p": {"@context": context, **dataset}}]):
            with pytest.raises(ContextRefused, match="is not one of the packaged ones"):
                without_remote_contexts(document)
    body = json.dumps({"@context": address, **dataset}).encode()
    assert "is not one of the packaged ones" in refusal(body, JSONLD).detail
    assert portal.asked == []


def test_f39_the_reader_can_open_neither_a_file_nor_a_connection(portal: Portal, tmp_path: Path) -> None:
    """The second wall, behind the screens: whatever a parser might still try, the kernel refuses."""
    import subprocess
    import sys

    secret = tmp_path / "secret"
    secret.write_text("secret")
    attempt = (
        "import socket, sys\n"
        "from harvester.rdf import Limits\n"
        "from harvester.rdf.child import shut_in\n"
        "shut_in(Limits())\n"
        f"for attempt in (lambda: open({str(secret)!r}), lambda: socket.create_connection(('127.0.0.1', 80))):\n"
        "    try:\n        attempt()\n    except OSError as error:\n        print(error.errno)\n"
    )
    said = subprocess.run([sys.executable, "-c", attempt], capture_output=True, text=True, check=True,
                          env={"PYTHONPATH": ":".join(filter(None, sys.path))})
    assert said.stdout.split() == ["24", "24"]


def test_f39_packaged_contexts_stand_in_for_their_addresses() -> None:
    document = {
        "@context": "https://project-open-data.cio.gov/v1.1/schema/catalog.jsonld",
        "@type": "dcat:Catalog",
        "dataset": [{
            "@type": "dcat:Dataset", "identifier": "a", "title": "A",
            "distribution": [{"@type": "dcat:Distribution", "downloadURL": "http://p.test/a b.csv"}],
        }],
    }
    [record] = plain(read(json.dumps(document).encode(), content_type="application/json", url=URL))
    assert record["dct:identifier"] == [{"@value": "a"}]
    assert record["dcat:distribution"][0]["dcat:downloadURL"] == [{"@id": "http://p.test/a%20b.csv"}]


def test_f40_more_statements_than_allowed_are_too_large() -> None:
    body = "".join(f"<http://p.test/{n}> a dcat:Dataset .\n" for n in range(200))
    assert len(turtle(body).records) == 200
    error = refusal((PREFIXES + body).encode(), statements=199)
    assert isinstance(error, AnswerTooLarge)
    assert error.detail == "more than 199 statements"


@pytest.mark.slow
@pytest.mark.parametrize(
    "limits", [{"memory_bytes": 100 * 2**20}, {"cpu_s": 1}, {"output_bytes": 100_000}, {"wall_s": 0.5}]
)
def test_f40_f91_a_child_that_runs_out_of_memory_time_or_room_fails_alone(limits: dict[str, Any]) -> None:
    statements = "".join(f'<http://p.test/{n}> a dcat:Dataset ; dct:title "{n}" .\n' for n in range(50_000))
    assert isinstance(refusal((PREFIXES + statements).encode(), **limits), AnswerTooLarge)
    assert counts(turtle("<http://p.test/1> a dcat:Dataset .")) == (1, 0)


def children(process: int) -> list[int]:
    """The processes that a process began and that still run."""
    try:
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    except FileNotFoundError:
        return []


def begun() -> dict[int, list[int]]:
    """The parents of readers of this process, whichever of its threads began them, and the readers of each."""
    ours = [int(task.name) for task in Path("/proc/self/task").iterdir()]
    found = [int(one) for task in ours for one in Path(f"/proc/self/task/{task}/children").read_text().split()]
    return {parent: children(parent) for parent in found}


needs_proc = pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="processes are found by /proc")


@contextmanager
def killing(whom: str, times: int) -> Iterator[list[int]]:
    """Kills so many readers, or parents of readers, as soon as each reads, as a system does that is short of memory."""
    killed: list[int] = []
    done = Event()

    def kill() -> None:
        while len(killed) < times and not done.wait(0.002):
            for parent, readers in begun().items():
                victim = parent if whom == "parent" else readers[0] if readers else None
                if readers and victim not in (None, *killed):
                    killed.append(victim)
                    os.kill(victim, signal.SIGKILL)

    killer = Thread(target=kill)
    killer.start()
    try:
        yield killed
    finally:
        done.set()
        killer.join()


LONG = (PREFIXES + "".join(f'<http://p.test/{n}> a dcat:Dataset ; dct:title "{n}" .\n' for n in range(3_000))).encode()


@needs_proc
@pytest.mark.slow
@pytest.mark.parametrize(("whom", "times"), [("reader", 1), ("parent", nursery.STARTS)])
def test_k91_a_reader_that_the_system_kills_costs_its_document_alone(whom: str, times: int) -> None:
    with killing(whom, times) as killed:
        error = refusal(LONG)
    assert len(killed) == times and isinstance(error, AnswerTooLarge)
    assert counts(turtle("<http://p.test/1> a dcat:Dataset .")) == (1, 0)


@needs_proc
@pytest.mark.slow
def test_k91_a_document_whose_readers_lost_their_parent_is_read_by_others() -> None:
    with killing("parent", 1) as killed:
        assert counts(read(LONG, content_type=TURTLE, url=URL)) == (3_000, 0)
    assert len(killed) == 1


def test_k91_where_no_reader_can_be_begun_the_document_is_refused_and_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(nursery, "_parents", cache(lambda owner: LifoQueue()))
    monkeypatch.setattr(sys, "executable", "/bin/false")
    assert isinstance(refusal(PREFIXES.encode() + b"<http://p.test/1> a dcat:Dataset ."), AnswerTooLarge)


def test_f40_blank_nodes_that_double_with_every_level_cost_their_record_alone() -> None:
    statements = "<http://p.test/good> a dcat:Dataset . <http://p.test/bad> a dcat:Dataset ; dct:relation _:n0 .\n"
    for level in range(5):
        statements += "".join(f"_:n{level} dct:relation _:m{level}x{n} . _:m{level}x{n} dct:relation _:n{level + 1} .\n"
                              for n in range(60))
    statements += '_:n2 dct:title "' + "x" * 1000 + '" .'
    document = turtle(statements, record_bytes=50_000)
    assert [record["@id"] for record in plain(document)] == ["http://p.test/good"]
    assert [(issue.code, issue.source_key) for issue in document.issues] == [("record.too-large", "http://p.test/bad")]


def test_f29_deep_nesting_is_refused() -> None:
    for body in (b'{"a":' * 100_000 + b"1" + b"}" * 100_000, b"[" * 100_000 + b"]" * 100_000):
        assert refusal(body, JSONLD).detail == "the document is nested too deeply"


def test_half_a_surrogate_pair_does_not_cost_the_record() -> None:
    body = (rb'{"@id": "http://p.test/1", "@type": "http://www.w3.org/ns/dcat#Dataset",'
            rb' "http://purl.org/dc/terms/title": "a\ud800b"}')
    assert plain(read(body, content_type=JSONLD, url=URL))[0]["dct:title"] == [{"@value": "a?b"}]


# Real documents


@needs_fixtures
@pytest.mark.parametrize(
    ("path", "types", "distributions"),
    [
        ("ckanext_dcat_examples/dataset.rdf", {"dcat:Dataset": 1}, 1),  # D1
        ("ckanext_dcat_examples/catalog.rdf", {"dcat:Dataset": 2}, 5),  # D2
        ("ckanext_dcat_examples/dataset_deri.ttl", {"dcat:Dataset": 1}, 1),  # D3
        ("ckanext_dcat_examples/catalog_pod.jsonld", {"dcat:Dataset": 1}, 4),  # D4
        ("ckanext_dcat_examples/dataset_gob_es.ttl", {"dcat:Dataset": 1}, 1),
        ("udata/flat.jsonld", {"dcat:Dataset": 3}, 5),  # U12
        ("udata/bnodes.jsonld", {"dcat:Dataset": 3}, 5),  # U13
        ("udata/bnodes.xml", {"dcat:Dataset": 3, "dcat:DataService": 1}, 5),  # U13
        ("udata/catalog.xml", {"dcat:Dataset": 4}, 8),  # U14
        ("udata/nested.jsonld", {"dcat:Dataset": 1}, 1),  # U15
        ("udata/udata.xml", {"dcat:Dataset": 2, "dcat:DataService": 1}, 6),  # U17
        ("be/ldes_pages/page_1.trig", {"dcat:Dataset": 100}, 0),  # R17
        ("be/sources/metadata.dcjm.be.ttl", {"dcat:Dataset": 37}, 36),  # R15
        ("it/uni_teramo_catalog.rdf", {"dcat:Dataset": 11, "dcatapit:Dataset": 11}, 11),  # R18
    ],
)
def test_real_documents_hold_as_many_records_as_their_publishers_say(
    path: str, types: dict[str, int], distributions: int
) -> None:
    document = fixture(path)
    assert Counter(name for record in plain(document) for name in record["@type"]) == types
    assert counts(document)[1] == distributions


@needs_fixtures
@pytest.mark.slow
@pytest.mark.parametrize(
    ("portal_name", "expected"),
    [
        ("data.stad.gent.ttl.gz", (261, 846)),
        ("ipt.inbo.be.ttl.gz", (144, 144)),
        ("opendata.fluvius.be.ttl", (48, 258)),
        ("opendata.infrabel.be.ttl.gz", (94, 995)),
        ("publish4.geo.be.ttl.gz", (176, 188)),
        ("statbel.fgov.be.ttl.gz", (443, 974)),
        ("walstat.iweps.be.ttl.gz", (733, 1466)),
        ("www.odwb.be.ttl.gz", (976, 12621)),
    ],
)
def test_r15_belgian_portals_hold_the_datasets_and_distributions_of_the_manifest(
    portal_name: str, expected: tuple[int, int]
) -> None:
    assert counts(fixture(f"be/sources/{portal_name}")) == expected


@needs_fixtures
def test_r22_an_unbound_prefix_is_named_with_its_line() -> None:
    """rdflib counts to 158, as it counts the lines of nested nodes twice; the prefix stands in line 149."""
    with pytest.raises(PortalNotUnderstood) as caught:
        fixture("ckanext_dcat_examples/dataset.ttl")
    assert caught.value.detail == 'line 149: Prefix "healthdcatap:" not bound (line 158 as rdflib counts)'
    assert (caught.value.seen or "").startswith("healthdcatap:")


@needs_fixtures
def test_f39_a_real_document_with_a_context_elsewhere_is_refused() -> None:
    with pytest.raises(PortalNotUnderstood, match="is not one of the packaged ones"):
        fixture("semic_examples/3.0.1/example-bee-population.jsonld")


def test_readers_are_forked_from_one_process_until_it_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    """The next document is read by a new one: whoever kills it, or its own leaving, costs nothing."""
    nursery._parents.cache_clear()
    for _ in range(2):
        assert len(turtle("<http://p.test/1> a dcat:Dataset .").records) == 1
    idle = nursery._parents(os.getpid())
    assert idle.qsize() == 1
    parent = idle.get()
    parent._process.kill()
    parent._process.wait()
    idle.put(parent)
    assert len(turtle("<http://p.test/1> a dcat:Dataset .").records) == 1
    assert idle.qsize() == 1
