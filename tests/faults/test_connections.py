"""A connection to a database that is dropped, and a control database that somebody else holds.

The control database is on a PostgreSQL server, or the extracts of the police are; each request to
it is dropped before it arrives, or after it was carried out and before that is known.
"""

from __future__ import annotations

import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from disk import copied
from dropping import Dropper, How, dropping
from scenes import Ground, differing, places_of, well
from servers import PostgresServer
from wholeness import faults, untidy

MOST = 10
"""At how many requests of a run each way of dropping is tried; after one in so many a run follows:
"""
FOLLOWED = 3


@pytest.fixture(scope="module")
def dropper(postgres_server: PostgresServer) -> Iterator[Dropper]:
    with dropping(postgres_server.port) as one:
        yield one


def through(dropper: Dropper, url: str) -> str:
    """The address of a database behind the proxy."""
    before, _, name = url.rpartition("/")
    return f"{before.rpartition(':')[0]}:{dropper.port}/{name}"


class OnAServer:
    """A partnership that has run, with its control database on a server; both are copied."""

    def __init__(self, ground: Ground, server: PostgresServer, dropper: Dropper) -> None:
        self.ground, self.server = ground, server
        self.url = server.new_database()
        self.name = self.url.rpartition("/")[2]
        home = ground.live("ran")
        well(ground.plug.do("move_control", home, url=through(dropper, self.url)))
        self.start = copied(home, ground.folder / "on a server")
        server.execute(f"CREATE DATABASE {self.name}_kept TEMPLATE {self.name}")

    def live(self) -> Path:
        name = self.name
        self.server.execute(
            f"DROP DATABASE {name} WITH (FORCE)", f"CREATE DATABASE {name} TEMPLATE {name}_kept"
        )
        return copied(self.start, self.ground.folder / "live")


@pytest.fixture(scope="module")
def on_a_server(ground: Ground, postgres_server: PostgresServer, dropper: Dropper) -> OnAServer:
    return OnAServer(ground, postgres_server, dropper)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize(
    ("how", "away"), [("unsent", True), ("unanswered", True), ("unanswered", False)]
)
def test_a_control_database_that_is_lost_in_mid_run(
    ground: Ground, on_a_server: OnAServer, dropper: Dropper, how: How, away: bool
) -> None:
    dropper.let()
    home = on_a_server.live()
    before = ground.look(home)
    dropper.let()
    well(ground.plug.do("run", home))
    count, wanted = dropper.taken, ground.rows(home)
    found, wrong = Counter[str](), dict[int, list[str]]()
    for turn, number in enumerate(places_of(count, MOST, seed=len(how))):
        home = on_a_server.live()
        dropper.let(number, how, away=away)
        done = ground.plug.do("run", home)
        dropper.let()
        said = [done.crashed] * bool(done.crashed)
        said += faults(before, after := ground.look(home))
        found["told" if done.problem else "went on"] += 1
        found["committed"] += len(after["runs"]) - len(before["runs"])
        # What the last requests leave is always followed up: they are those of the commit.
        if turn % FOLLOWED == 0 or number > 0.8 * count:
            said += differing(wanted, ground.next_run(home)) + untidy(ground.look(home))
            found["followed by a run"] += 1
        if said:
            wrong[number] = said
    print(f"the control database, {how}, away {away}: {count} requests, {dict(found)}")
    assert not wrong, wrong


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("how", ["unsent", "unanswered"])
def test_a_source_that_is_lost_in_mid_pull(
    ground: Ground, postgres_server: PostgresServer, dropper: Dropper, how: How
) -> None:
    url = postgres_server.new_database()
    dropper.let()
    home = ground.live("ran")
    before = ground.look(home)
    given = {"source": through(dropper, url)}
    well(ground.plug.do("share_database", home, url=url))
    start = copied(home, ground.folder / "a database")
    dropper.let()
    well(ground.plug.do("run", home, **given))
    count, wanted = dropper.taken, ground.rows(home)
    assert count > 5
    found, wrong = Counter[str](), dict[int, list[str]]()
    for number in places_of(count, MOST // 2, seed=2):
        home = copied(start, ground.folder / "live")
        dropper.let(number, how, away=True)
        done = ground.plug.do("run", home, **given)
        dropper.let()
        said = [done.crashed] * bool(done.crashed) + faults(before, ground.look(home))
        found["told" if done.problem else "went on"] += 1
        well(ground.plug.do("run", home, **given))
        said += differing(wanted, ground.rows(home)) + untidy(ground.look(home))
        if said:
            wrong[number] = said
    print(f"a source, {how}: {count} requests, {dict(found)}")
    assert not wrong, wrong


@contextmanager
def held(path: Path, after: float, seconds: float) -> Iterator[None]:
    """Somebody's own program holds a SQLite database for so long, from then on."""
    stop = threading.Event()

    def hold() -> None:
        time.sleep(after)
        with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as one:
            one.execute("BEGIN EXCLUSIVE")
            stop.wait(seconds)
            one.execute("ROLLBACK")

    holding = threading.Thread(target=hold)
    holding.start()
    try:
        yield
    finally:
        stop.set()
        holding.join()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("after", [0.0, 0.3, 0.8, 1.5])
@pytest.mark.parametrize("seconds", [1, 30])
def test_a_control_database_that_another_program_holds(
    ground: Ground, after: float, seconds: float
) -> None:
    home = ground.live("ran")
    before: Mapping[str, Any] = ground.look(home)
    wanted = ground.rows(home)
    with held(home / "p" / "control.db", after, seconds):
        done = ground.plug.do("run", home, patience=5)
    assert not done.crashed, done
    print(f"held after {after} s for {seconds} s: {done.problem or 'went on'}")
    assert done.problem is None or ("holds the control database" in done.problem and seconds > 5)
    assert not faults(before, ground.look(home))
    assert not differing(wanted, ground.next_run(home))
    assert not untidy(ground.look(home))
