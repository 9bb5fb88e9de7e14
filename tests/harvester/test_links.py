"""The link checker as a whole, against servers that misbehave; politeness is measured at the server."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_network
from pathlib import Path

import msgspec
import pytest
import time_machine

from harvester.errors import PortalResting
from harvester.http import Http, Limits
from harvester.link_answers import LIMITS, Answer, ask
from harvester.links import SILENT_HOSTS, End, Plan, Round, check
from portal.catalog.links import Address
from portal.catalog.model import Distribution, LinkState, Source
from portal.catalog.store import Catalog
from tests.catalogs import SOURCE, empty_catalog, filled, record
from tests.harvester.test_killed import Died, dying_at
from tests.hostile import HostileServer, Script, Talk, answer, latency, raw, redirect

LOOPBACK = (ip_network("127.0.0.0/8"),)
CSV = {"Content-Type": "text/csv"}
FILE = answer(b"a,b\n1,2\n", headers=CSV)
ROOT = Path(__file__).resolve().parents[2]


def giving(catalog: Catalog, urls: Sequence[str], source: Source = SOURCE) -> None:
    """A dataset with a CSV file at each address."""
    files = [Distribution(id=str(number), download_url=url, format="csv") for number, url in enumerate(urls)]
    filled(catalog, record(f"{len(urls)}", source=source, distributions=tuple(files)), source=source)
    catalog.links.catch_up()


def paths(server: HostileServer, count: int, prefix: str = "/") -> list[str]:
    return [f"{server.url}{prefix}{number}.csv" for number in range(count)]


def checked(catalog: Catalog, plan: Plan = Plan(), *, rate: float = 0.0, limits: Limits = LIMITS) -> Round:
    """One round over loopback, without pauses unless a rate is given."""
    plan = msgspec.structs.replace(plan, gap_s=lambda host: 1.0 / rate if rate else 0.0)
    with Http(requests_per_second=rate, allow_private=LOOPBACK, limits=limits) as http:
        return check(catalog.links, lambda address: ask(address, http, set()), plan)


def states(catalog: Catalog, urls: Sequence[str]) -> Counter[LinkState]:
    return Counter(link.state for link in catalog.links.known(urls).values())


@contextmanager
def hosts(count: int, script: Script = FILE) -> Iterator[list[HostileServer]]:
    with ExitStack() as stack:
        yield [stack.enter_context(HostileServer(script)) for _ in range(count)]


def by_host(answers: Mapping[str, Answer], default: Answer = Answer(status=200)) -> tuple[list[str], object]:
    """A make-believe way of asking that answers by host, and the addresses it was asked for."""
    seen: list[str] = []

    def asking(address: Address) -> Answer:
        seen.append(address.url)
        return answers.get(address.host, default)

    return seen, asking


SILENT = Answer(cause="link.silent", is_silence=True)
NO_HOST = Answer(cause="link.host-not-found", is_silence=True, is_unreached=True)


def test_every_address_is_asked_for_once_and_its_answer_kept(any_catalog: Catalog) -> None:
    catalog = any_catalog
    scripts = {
        "/0.csv": FILE,
        "/1.csv": answer("no", status=404),
        "/2.csv": answer(status=403),
        "/3.csv": answer("<html>404</html>", headers={"Content-Type": "text/html"}),
        "/4.csv": redirect("/0.csv"),
    }
    with HostileServer(scripts) as server:
        urls = paths(server, 5)
        giving(catalog, urls)
        done = checked(catalog)
        assert Counter(server.paths) == {"/0.csv": 2, "/1.csv": 2, "/2.csv": 2, "/3.csv": 2, "/4.csv": 1}
        assert checked(catalog).asked == 0
    assert (done.asked, done.changed, done.end) == (5, 5, End.DONE)
    assert done.states == {LinkState.AVAILABLE: 2, LinkState.UNKNOWN: 2, LinkState.REFUSED: 1}
    known = catalog.links.known(urls)
    assert [known[url].cause for url in urls] == [None, "link.not-found", "link.refused", "link.page-not-file", None]
    assert known[urls[3]].is_error_page
    assert known[urls[0]].size_bytes == 8


def test_a_header_that_no_database_keeps_ends_no_round(any_catalog: Catalog) -> None:
    """PostgreSQL refuses NUL: one such file ended every round, for good."""
    odd = answer(b"a,b\n", headers={"Content-Type": "text/c\x00sv"})
    with HostileServer({"/0.csv": odd, "/1.csv": raw(b"HTTP/1.1 200 \x00\r\nX\x00: \x00\r\n\x00"), "/2.csv": FILE}) as server:
        urls = paths(server, 3)
        giving(any_catalog, urls)
        assert checked(any_catalog).asked == 3
    assert any_catalog.links.known(urls)[urls[0]].media_type == "text/csv"


def test_a_host_hears_one_question_at_a_time_and_no_faster_than_allowed(catalog: Catalog) -> None:
    slow = latency(FILE, 0.02)
    with hosts(3, slow) as servers:
        giving(catalog, [url for server in servers for url in paths(server, 6)])
        assert checked(catalog, rate=20.0).asked == 18
        for server in servers:
            assert list(server.most_at_once.values()) == [1]
            assert len(server.seen) == 6
            assert min(server.gaps_s()) >= 0.05 - 0.002


def test_a_second_checker_beside_the_first_asks_neither_a_host_nor_an_address_twice(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'links.db'}"
    catalog = empty_catalog(url)
    with hosts(2, latency(FILE, 0.01)) as servers:
        giving(catalog, [url for server in servers for url in paths(server, 15)])
        seconds = [Catalog(url) for _ in range(3)]
        threads = [threading.Thread(target=checked, args=(one,)) for one in seconds]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for server in servers:
            assert list(server.most_at_once.values()) == [1]
            assert set(Counter(server.paths).values()) == {1} and len(server.paths) == 15
    for one in (*seconds, catalog):
        one.close()


def test_a_busy_host_is_left_alone_for_as_long_as_it_says_while_others_go_on(catalog: Catalog) -> None:
    busy = answer(status=429, headers={"Retry-After": "600"})
    with HostileServer(busy) as server, HostileServer(FILE) as other:
        giving(catalog, [*paths(server, 5), *paths(other, 5)])
        now = datetime.now(UTC)
        with time_machine.travel(now, tick=True):
            done = checked(catalog)
        assert done.states == {LinkState.UNKNOWN: 1, LinkState.AVAILABLE: 5}
        assert len(server.seen) == 1
        with time_machine.travel(now + timedelta(seconds=590), tick=True):
            assert checked(catalog).asked == 0
        with time_machine.travel(now + timedelta(seconds=610), tick=True):
            assert checked(catalog).asked == 1
        assert len(server.seen) == 2


@pytest.mark.slow
def test_a_host_that_dies_midway_makes_nothing_gone_and_is_asked_less_and_less(catalog: Catalog) -> None:
    left = [3]

    def dying(talk: Talk) -> None:
        left[0] -= 1
        (FILE if left[0] >= 0 else raw(b""))(talk)

    with HostileServer(dying) as server, HostileServer(latency(FILE, 0.02)) as other:
        urls = paths(server, 10)
        giving(catalog, [*urls, *paths(other, 20)])
        now = datetime.now(UTC)
        with time_machine.travel(now, tick=True):
            done = checked(catalog)
        assert done.end is End.DONE
        assert states(catalog, urls) == {LinkState.AVAILABLE: 3, LinkState.UNKNOWN: 1}
        for minutes, unknown in ((1, 2), (1.5, 2), (3, 3), (4, 3), (6, 4), (8, 4)):
            with time_machine.travel(now + timedelta(minutes=minutes), tick=True):
                giving(catalog, [*urls, *paths(other, 20), *paths(other, 1, f"/{minutes}-")])
                checked(catalog)
            assert states(catalog, urls) == {LinkState.AVAILABLE: 3, LinkState.UNKNOWN: unknown}


def test_when_nobody_answers_the_silence_is_ours_and_nothing_moves(catalog: Catalog) -> None:
    urls = [f"http://host-{number}.example/x.csv" for number in range(20)]
    giving(catalog, urls)
    now = datetime.now(UTC)
    with time_machine.travel(now, tick=True):
        _, asking = by_host({})
        check(catalog.links, asking)
    before = catalog.links.known(urls)
    assert states(catalog, urls) == {LinkState.AVAILABLE: 20}
    for answered in (NO_HOST, SILENT):
        with time_machine.travel(now + timedelta(days=20), tick=True):
            seen, asking = by_host({}, answered)
            done = check(catalog.links, asking, Plan(workers=1))
        assert (done.end, done.asked) == (End.OFFLINE, 0)
        assert 0 < done.void <= SILENT_HOSTS + 1
        # Some were asked, then those that answered last: and with nobody there, nobody else.
        assert len(seen) <= done.void + 3
        assert catalog.links.known(urls) == before


def test_silence_counts_when_another_host_answers(catalog: Catalog) -> None:
    away, well = "http://away.example/x.csv", "http://well.example/x.csv"
    giving(catalog, [away, well])
    _, asking = by_host({"away.example": NO_HOST})
    done = check(catalog.links, asking, Plan(workers=1))
    assert (done.states, done.void) == ({LinkState.UNKNOWN: 1, LinkState.AVAILABLE: 1}, 0)
    assert catalog.links.known([away])[away].cause == "link.host-not-found"


def test_where_only_silent_hosts_are_due_one_that_answered_lately_is_asked(catalog: Catalog) -> None:
    dead = [f"http://dead-{number}.example/x.csv" for number in range(SILENT_HOSTS * 2)]
    giving(catalog, [*dead, "http://well.example/x.csv"])
    now = datetime.now(UTC)
    answers = {f"dead-{number}.example": NO_HOST for number in range(SILENT_HOSTS * 2)}
    with time_machine.travel(now, tick=True):
        _, asking = by_host(answers)
        check(catalog.links, asking)
    with time_machine.travel(now + timedelta(days=10), tick=True):
        seen, asking = by_host(answers)
        done = check(catalog.links, asking)
    assert done.asked == SILENT_HOSTS * 2
    assert "http://well.example/x.csv" in seen


def test_a_dead_host_is_gone_after_weeks_and_five_answers(catalog: Catalog) -> None:
    away, well = "http://away.example/x.csv", "http://well.example/x.csv"
    giving(catalog, [away, well])
    now, seen_states = datetime.now(UTC), []
    for day in range(0, 60):
        with time_machine.travel(now + timedelta(days=day), tick=True):
            seen, asking = by_host({"away.example": NO_HOST})
            check(catalog.links, asking)
            seen_states.append((day, catalog.links.known([away])[away].state))
    gone = [day for day, state in seen_states if state is LinkState.GONE]
    assert gone and 28 <= gone[0] <= 45
    assert {state for _, state in seen_states[: gone[0]]} == {LinkState.UNKNOWN}


def test_a_missing_file_is_gone_after_three_answers_over_days(catalog: Catalog) -> None:
    with HostileServer(answer("no", status=404)) as server:
        [url] = paths(server, 1)
        giving(catalog, [url])
        now = datetime.now(UTC)
        for day in range(12):
            with time_machine.travel(now + timedelta(days=day), tick=True):
                checked(catalog)
                gone = catalog.links.known([url])[url].state is LinkState.GONE
                assert gone == (len(server.seen) == 6)
        # Each answer is a HEAD that is not believed and the GET that is.
        assert len(server.seen) == 6


def test_a_host_that_is_left_alone_is_put_off_without_being_asked(catalog: Catalog) -> None:
    giving(catalog, ["http://a.example/x.csv", "http://b.example/x.csv"])

    def asking(address: Address) -> Answer:
        if address.host == "a.example":
            raise PortalResting("left alone")
        return Answer(status=200)

    done = check(catalog.links, asking)
    assert (done.asked, done.void) == (1, 0)
    assert catalog.links.known(["http://a.example/x.csv"]) == {}


def test_a_round_keeps_to_its_limit_its_time_and_its_source(catalog: Catalog) -> None:
    other = Source(id="ningbo", title="宁波", kind="ckan", url="http://127.0.0.2/")
    giving(catalog, [f"http://h{number}.example/x.csv" for number in range(30)])
    giving(catalog, ["http://h1.example/own.csv", "http://own.example/x.csv"], other)
    seen, asking = by_host({})
    done = check(catalog.links, asking, Plan(source_id=other.id, gap_s=lambda host: 0.0))
    assert (sorted(seen), done.end) == (["http://h1.example/own.csv", "http://own.example/x.csv"], End.DONE)
    seen, asking = by_host({})
    done = check(catalog.links, asking, Plan(limit=7))
    assert (len(seen), done.asked, done.end) == (7, 7, End.LIMIT)
    assert check(catalog.links, asking, Plan(budget_s=0.0)).end is End.TIME
    stop = threading.Event()
    stop.set()
    assert check(catalog.links, asking, stop=stop).end is End.STOPPED
    assert len(seen) == 7


def test_a_stop_lets_what_is_under_way_be_written_down(catalog: Catalog) -> None:
    giving(catalog, [f"http://h{number}.example/x.csv" for number in range(30)])
    stop, begun = threading.Event(), threading.Event()

    def asking(address: Address) -> Answer:
        begun.set()
        stop.wait(10)
        return Answer(status=200)

    threading.Thread(target=lambda: (begun.wait(10), stop.set())).start()
    done = check(catalog.links, asking, Plan(workers=4), stop=stop)
    assert (done.end, done.asked) == (End.STOPPED, 4)
    assert sum(catalog.links.counts().states.values()) - catalog.links.counts().states[None] == 4


@pytest.mark.slow
def test_whichever_statement_a_checker_dies_at_the_next_asks_for_the_rest_and_nothing_twice(tmp_path: Path) -> None:
    """Only what was asked for and not written down is asked for again, and that when its claim is over."""
    template = tmp_path / "template.db"
    catalog = empty_catalog(f"sqlite:///{template}")
    urls = [f"http://{host}.example/{number}.csv" for host in "ab" for number in range(3)]
    giving(catalog, urls)
    catalog.close()
    plan, now = Plan(workers=2, gap_s=lambda host: 0.0), datetime.now(UTC)
    died, statement = True, 0
    while died:
        for leftover in tmp_path.glob("copy.db*"):
            leftover.unlink()
        shutil.copy(template, tmp_path / "copy.db")
        catalog = Catalog(f"sqlite:///{tmp_path / 'copy.db'}")
        seen, asking = by_host({})
        with time_machine.travel(now, tick=True), dying_at(catalog, statement), contextlib.suppress(Died):
            check(catalog.links, asking, plan)
            died = False
        written, before = set(catalog.links.known(urls)), set(seen)
        with time_machine.travel(now + timedelta(minutes=3), tick=True):
            check(catalog.links, asking, plan)
        assert len(seen) == len(set(seen)), f"died at statement {statement}"
        with time_machine.travel(now + timedelta(minutes=65), tick=True):
            check(catalog.links, asking, plan)
        assert {url for url, times in Counter(seen).items() if times > 1} == before - written
        assert states(catalog, urls) == {LinkState.AVAILABLE: 6}
        catalog.close()
        statement += 1
    assert statement > 20


CHECKER = """
    import sys
    from ipaddress import ip_network
    from harvester.http import Http
    from harvester.link_answers import ask
    from harvester.links import Plan, check
    from portal.catalog.store import Catalog

    catalog = Catalog(sys.argv[1])
    with Http(requests_per_second=0, allow_private=(ip_network("127.0.0.0/8"),)) as http:
        check(catalog.links, lambda address: ask(address, http, set()), Plan(gap_s=lambda host: 0.0))
"""


@pytest.mark.slow
@pytest.mark.parametrize("killed_after", [1, 7, 23])
def test_a_checker_that_is_killed_is_followed_by_one_that_asks_nothing_twice(
    tmp_path: Path, killed_after: int
) -> None:
    """Killed with SIGKILL while four servers answer; counted at the servers."""
    database = f"sqlite:///{tmp_path / 'links.db'}"
    catalog = empty_catalog(database)
    with hosts(4, latency(FILE, 0.03)) as servers:
        urls = [url for server in servers for url in paths(server, 12)]
        giving(catalog, urls)
        command = [sys.executable, "-c", textwrap.dedent(CHECKER), database]
        process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": str(ROOT)})
        try:
            while sum(len(server.seen) for server in servers) < killed_after:
                assert process.poll() is None
                time.sleep(0.005)
        finally:
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
        time.sleep(0.1)
        asked_before = sum(len(server.seen) for server in servers)
        written = sum(states(catalog, urls).values())
        in_flight = asked_before - written
        assert 0 <= in_flight <= len(servers)
        now = datetime.now(UTC)
        with time_machine.travel(now + timedelta(minutes=3), tick=True):
            checked(catalog)
        assert max(Counter(seen.host + seen.target for server in servers for seen in server.seen).values()) == 1
        lost = len(urls) - sum(states(catalog, urls).values())
        assert lost <= len(servers)
        # What was asked and not written down is nobody's knowledge: it alone is asked again, when its claim is over.
        with time_machine.travel(now + timedelta(minutes=65), tick=True):
            assert checked(catalog).asked == lost
        assert states(catalog, urls) == {LinkState.AVAILABLE: len(urls)}
        assert sum(len(server.seen) for server in servers) == len(urls) + in_flight
    catalog.close()
