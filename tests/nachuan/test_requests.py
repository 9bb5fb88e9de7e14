"""``nachuan requests``: what the public asks for, decided about and answered without the site."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nachuan.errors import EXPECTED
from portal.catalog.audit import COMMAND, Action
from portal.catalog.requests import Asker, RequestRefused, State, UnknownRequest, Wish
from portal.catalog.store import Catalog
from tests.catalogs import filled, record
from tests.nachuan.test_user import home, ran

__all__ = ["home"]


@pytest.fixture
def asked(home: Path) -> Path:
    """Three requests that wait, and a dataset."""
    catalog = catalogue(home)
    for title in ("公交到站数据", "公共汽车时刻", "饮用水水质"):
        catalog.requests.ask(
            Wish(title=title, description="具体说明和用途写在这里。", region="330100"), Asker(None, f"203.0.113.{len(title)}")
        )
    filled(catalog, record("1"))
    catalog.close()
    return home


def catalogue(home: Path) -> Catalog:
    return Catalog(f"sqlite:///{home / 'nachuan.db'}")


def test_requests_are_looked_at_decided_about_and_answered(asked: Path) -> None:
    waiting = json.loads(ran("requests", "list", "--state", "waiting", "--json").output)
    assert [one["number"] for one in waiting] == [1, 2, 3] and "standing" not in waiting[0]
    assert json.loads(ran("requests", "list", "--json").output) == []
    published = ran("requests", "publish", "1", "--department", "330100.transport", "--theme", "transport")
    assert (published.exit_code, published.output) == (0, "Request 1 is public.\n")
    assert ran("requests", "merge", "2", "1").output == "Request 2 is merged into 1.\n"
    assert ran("requests", "unmerge", "2").output == "Request 2 counts for itself.\n"
    assert ran("requests", "merge", "2", "1").exit_code == 0
    assert ran("requests", "refuse", "3", "--reason", "含手机号码。").output == "Request 3 is not public.\n"
    assert ran("requests", "answer", "1", "planned", "--text", "年内开放。").output == "Request 1 is answered: planned.\n"
    there = ran("requests", "answer", "1", "already-there", "--dataset", "hang000000000001")
    assert there.output == "Request 1 is answered: already-there.\n"
    shown = json.loads(ran("requests", "show", "1", "--json").output)
    assert (shown["state"], shown["standing"], shown["merged"], shown["wanted"]) == ("public", "already-there", [2], 1)
    assert shown["wish"]["region"] == "330100" and shown["wish"]["theme"] == "transport", "what no option says stays"
    assert [one["reply"]["verdict"] for one in shown["answers"]] == ["planned", "already-there"]
    text = ran("requests", "show", "1").output
    assert "公交到站数据" in text and "merged into it: 2" in text and f"{COMMAND}: planned 年内开放。" in text
    assert "含手机号码。" in ran("requests", "show", "3").output
    rows = ran("requests", "list").output
    assert "already-there" in rows and "330100.transport" in rows and "饮用水水质" not in rows
    assert "饮用水水质" in ran("requests", "list", "--state", "refused").output
    assert "公交到站数据" in ran("requests", "list", "--state", "already-there", "--department", "330100.transport").output
    assert "公交到站数据" not in ran("requests", "list", "--state", "planned").output
    catalog = catalogue(asked)
    assert {line.what for line in catalog.audit.recent(who=COMMAND)} == {
        Action.REQUEST_PUBLISHED, Action.REQUEST_MERGED, Action.REQUEST_UNMERGED, Action.REQUEST_REFUSED,
        Action.REQUEST_ANSWERED,
    }  # fmt: skip
    assert catalog.requests.get(3).state is State.REFUSED
    catalog.close()


def test_what_cannot_be_is_one_line(asked: Path) -> None:
    for arguments, kind in (
        (("publish", "9"), UnknownRequest), (("merge", "1", "2"), RequestRefused), (("unmerge", "1"), RequestRefused),
        (("refuse", "1", "--reason", " "), RequestRefused), (("publish", "1", "--department", "nobody"), RequestRefused),
        (("answer", "1", "planned", "--text", "年内开放。"), RequestRefused), (("show", "0"), UnknownRequest),
    ):
        found = ran("requests", *arguments)
        assert isinstance(found.exception, kind) and isinstance(found.exception, EXPECTED), arguments
    for usage in (
        ("refuse", "1"), ("answer", "1", "perhaps"), ("list", "--state", "open"), ("show", "x"),
        ("list", "--state", "waiting", "--department", "330100.market"),
    ):
        assert ran("requests", *usage).exit_code == 2, usage
