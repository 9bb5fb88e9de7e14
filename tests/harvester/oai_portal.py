"""An OAI-PMH repository on loopback that answers as DSpace, Dataverse and Invenio do, and misbehaves as they do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from msgspec import Struct

from tests.hostile import HostileServer, Script, Talk, answer

XML = {"Content-Type": "text/xml;charset=UTF-8"}

DC = "http://www.openarchives.org/OAI/2.0/oai_dc/"
DATACITE = "http://datacite.org/schema/kernel-4"


class Record(Struct, frozen=True, kw_only=True):
    """One record as the repository holds it; ``metadata`` is None for one that was deleted."""

    id: str
    metadata: str | None
    datestamp: str = "2026-01-01T00:00:00Z"


def dc(id: str, said: str = "", type: str = "Dataset", datestamp: str = "2026-01-01T00:00:00Z") -> Record:
    """A record in Dublin Core."""
    typed = f"<dc:type>{type}</dc:type>" if type else ""
    metadata = (
        f'<oai_dc:dc xmlns:oai_dc="{DC}" xmlns:dc="http://purl.org/dc/elements/1.1/"'
        f' xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="{DC} oai_dc.xsd">'
        f"<dc:title>Title of {id}</dc:title>{typed}{said}</oai_dc:dc>"
    )
    return Record(id=f"oai:lib.test:{id}", metadata=metadata, datestamp=datestamp)


def deleted(id: str, datestamp: str) -> Record:
    """What is left of a record."""
    return Record(id=f"oai:lib.test:{id}", metadata=None, datestamp=datestamp)


class OaiPortal:
    """The repository. Its members may be changed while it runs."""

    def __init__(self, *records: Record) -> None:
        self.records = list(records)
        self.page_size = 10
        self.granularity = "YYYY-MM-DDThh:mm:ssZ"
        self.deleted = "persistent"
        self.formats = {"oai_dc": DC}
        self.states_size = True
        self.surplus = 0
        """Records it counts and does not have."""
        self.error_status = 200
        """With which errors of the protocol are sent; Invenio sends 422."""
        self.expires: list[int] = []
        """Numbers of questions at which the token is said to have expired."""
        self.instead: dict[int, Script] = {}
        """By number of the question for records, from 1: what is answered in place of the page."""
        self.takes_from = True
        self.stuck = False
        """Every token leads to the first page."""
        self.questions: list[Mapping[str, str]] = []
        """What ListRecords was asked, in order."""
        self.url = ""

    @contextmanager
    def running(self) -> Iterator[OaiPortal]:
        """The repository while it answers."""
        with HostileServer(self._play) as server:
            self.url = f"{server.url}/oai/request"
            yield self

    def _play(self, talk: Talk) -> None:
        asked = dict(parse_qsl(urlsplit(talk.seen.target).query))
        verb = asked.get("verb", "")
        if urlsplit(talk.seen.target).path != "/oai/request":
            answer("not here", status=404)(talk)
        elif verb == "Identify":
            self._answer(talk, self._identify())
        elif verb == "ListMetadataFormats":
            self._answer(talk, self._formats())
        elif verb in ("ListRecords", "ListIdentifiers"):
            self._list(talk, asked, verb)
        else:
            self._refuse(talk, "badVerb", "no such verb")

    def _answer(self, talk: Talk, inner: str, status: int = 200) -> None:
        answer(wrapped(inner, talk.seen.target), status=status, headers=XML)(talk)

    def _refuse(self, talk: Talk, code: str, words: str) -> None:
        self._answer(talk, f'<error code="{code}">{words}</error>', self.error_status)

    def _identify(self) -> str:
        return (
            "<Identify><repositoryName>大学图书馆</repositoryName><protocolVersion>2.0</protocolVersion>"
            f"<deletedRecord>{self.deleted}</deletedRecord><granularity>{self.granularity}</granularity></Identify>"
        )

    def _formats(self) -> str:
        return "<ListMetadataFormats>" + "".join(
            f"<metadataFormat><metadataPrefix>{prefix}</metadataPrefix><schema>x</schema>"
            f"<metadataNamespace>{namespace}</metadataNamespace></metadataFormat>"
            for prefix, namespace in self.formats.items()
        ) + "</ListMetadataFormats>"

    def _list(self, talk: Talk, asked: Mapping[str, str], verb: str) -> None:
        self.questions.append(asked)
        number = len(self.questions)
        since, start = asked.get("from", ""), 0
        if "resumptionToken" in asked:
            since, _, at = asked["resumptionToken"].partition("|")
            start = 0 if self.stuck else int(at)
        found = [record for record in self.records if record.datestamp >= since]
        if number in self.instead:
            self.instead[number](talk)
        elif number in self.expires:
            self._refuse(talk, "badResumptionToken", "the token has expired")
        elif since and not self.takes_from:
            self._refuse(talk, "badArgument", "from")
        elif not found:
            self._refuse(talk, "noRecordsMatch", "nothing")
        else:
            self._answer(talk, self.page(found, since, start, verb, number))

    def page(self, found: list[Record], since: str, start: int, verb: str, number: int) -> str:
        """One page of records or of their headers."""
        shown = found[start:start + self.page_size]
        following = start + len(shown)
        stated = f' completeListSize="{len(found) + self.surplus}" cursor="{start}"' if self.states_size else ""
        token = f"{since}|{following}|{number}" if self.stuck else f"{since}|{following}"
        given = f"<resumptionToken{stated}>{token if following < len(found) or self.stuck else ''}</resumptionToken>"
        whole = len(found) <= self.page_size and not self.stuck
        records = "".join(map(_record if verb == "ListRecords" else _header, shown))
        return f"<{verb}>{records}{'' if whole else given}</{verb}>"


def wrapped(inner: str, asked: str = "") -> str:
    """An answer of the protocol; its date changes with every question."""
    request = asked.replace("&", "&amp;")
    return (
        '<?xml version="1.0" encoding="UTF-8"?><?xml-stylesheet type="text/xsl" href="oai.xsl"?>'
        '<OAI-PMH xmlns="http://www.openarchives.org/OAI/2.0/"><responseDate>2026-11-22T00:00:00Z</responseDate>'
        f"<request>{request}</request>{inner}</OAI-PMH>"
    )


def _header(record: Record) -> str:
    status = ' status="deleted"' if record.metadata is None else ""
    return (
        f"<header{status}><identifier>{record.id}</identifier><datestamp>{record.datestamp}</datestamp>"
        "<setSpec>com_1</setSpec></header>"
    )


def _record(record: Record) -> str:
    within = "" if record.metadata is None else f"<metadata>{record.metadata}</metadata>"
    return f"<record>{_header(record)}{within}</record>"
