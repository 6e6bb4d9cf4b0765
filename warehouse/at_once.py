"""Pieces of work on one database, two of them at a time, each after what it needs.

Of two threads that share a query, one often waits for the other, and takes processor time for it.
Two queries, each on one thread, have nothing to wait for: a build of a hundred thousand records
takes a quarter less of it. Of a million records it takes the same either way.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, closing
from functools import partial
from graphlib import TopologicalSorter
from types import MappingProxyType
from typing import Final, TypeVar

import duckdb

AT_A_TIME: Final = 2
"""As many as the cores of the machine that a partnership is told to order (2026-11-22)."""

T = TypeVar("T")
Work = Callable[[duckdb.DuckDBPyConnection], T]


def at_once(
    con: duckdb.DuckDBPyConnection,
    works: Mapping[str, Work[T]],
    needs: Mapping[str, Collection[str]] = MappingProxyType({}),
) -> dict[str, T]:
    """Do some pieces of work, and return what each returned.

    Args:
        con: A connection; the work is done on others to the same database, with its search path.
        works: Name → the work, which is given the connection it is to use.
        needs: Name → the names of what has to be done before; names of no work are passed over.

    Raises:
        Exception: What the first piece to fail raised; no other is begun after it.
        graphlib.CycleError: Some need each other in a circle.
    """
    waiting = TopologicalSorter({name: works.keys() & {*needs.get(name, ())} for name in works})
    waiting.prepare()
    done: dict[str, T] = {}
    running: dict[Future[T], tuple[str, duckdb.DuckDBPyConnection]] = {}
    ready: list[str] = []
    with ExitStack() as opened:
        idle = [opened.enter_context(closing(_beside(con))) for _ in range(AT_A_TIME)]
        pool = opened.enter_context(ThreadPoolExecutor(AT_A_TIME))
        while waiting.is_active():
            ready += waiting.get_ready()
            while ready and idle:
                name, free = ready.pop(0), idle.pop()
                running[pool.submit(partial(works[name], free))] = (name, free)
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                name, free = running.pop(future)
                done[name] = future.result()
                waiting.done(name)
                idle.append(free)
    return done


def _beside(con: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same database, to which names mean the same."""
    (path,) = con.execute("SELECT current_setting('search_path')").fetchall()[0]
    beside = con.cursor()
    beside.execute(f"SET search_path = '{path}'")
    return beside
