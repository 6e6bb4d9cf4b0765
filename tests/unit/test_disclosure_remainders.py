"""Who falls out between two stages is a count like any other: how few they are is not told."""

from __future__ import annotations

from dataclasses import replace

import polars as pl
import pytest
from linked_tables import YEAR

from governance.disclosure.catalogue import (
    Dimension,
    Population,
    Row,
    Table,
    as_document,
    from_document,
    where,
)
from governance.disclosure.certificate import NOBODY, Contents, fingerprint, pack, unpack
from governance.disclosure.certify import Certified, Submission, certify
from governance.disclosure.checker import check
from governance.disclosure.rules import MASKED, DisclosureError
from governance.disclosure.work import PROTECTS
from warehouse.publish.indexes import Line, one_within_another

STAGES = ("first", "second", "third")


def funnel(*, within: bool) -> Population:
    """Each stage has all who reached it; only the first is a total."""
    everyone = where()
    later = [where(reached=STAGES[n:]) for n in (1, 2)]
    rows = (
        Row(("1",), everyone),
        Row(("2",), later[0], (everyone,)),
        Row(("3",), later[1], (everyone,), (later[0],) if within else ()),
    )
    reached = Dimension("reached", STAGES)
    return Population("funnel", "people", "apart", (reached,), (Table("f", ("stage",), rows),))


def made(second: int, third: int, *, within: bool = True) -> Certified:
    """100 people, of whom so many stop at the second stage and so many reach the third."""
    reached = ["first"] * (100 - second - third) + ["second"] * second + ["third"] * third
    people = pl.DataFrame({"reached": reached})
    return certify("r", [Submission(funnel(within=within), YEAR, people)])


def shown(one: Certified) -> tuple[str, ...]:
    return one.release.populations[0].shown


def test_what_rounding_hides_stays_shown() -> None:
    """35 and 30 say that one to nine fell out, 35 and 35 that up to four did: as a mask does."""
    assert shown(made(1, 32)) == ("100", "35", "30")
    assert shown(made(2, 33)) == ("100", "35", "35")


def test_what_rounding_does_not_hide_is_masked() -> None:
    """5 and 5 say that no more than two fell out."""
    assert shown(made(2, 5, within=False)) == ("100", "5", "5")
    kept = made(2, 5)
    assert MASKED in shown(kept)
    assert PROTECTS in kept.findings[0].reasons


def test_the_checker_asks_for_it_too() -> None:
    naive = made(2, 5, within=False)
    (told,) = naive.release.populations
    declared = replace(told, population=funnel(within=True))
    release = replace(naive.release, populations=(declared,), certificate="")
    certificate = pack(Contents(release.digest, unpack(naive.certificate).evidence, NOBODY))
    with pytest.raises(DisclosureError, match="cannot be narrowed"):
        check(replace(release, certificate=fingerprint(certificate)), [], certificate)


def test_it_is_declared_in_the_release() -> None:
    for within in (True, False):
        declared = funnel(within=within)
        document = as_document(declared)
        assert from_document(document) == declared
        assert ("within" in str(document)) is within


def test_each_line_is_within_those_that_hold_it() -> None:
    everyone, some, few = (frozenset(STAGES[n:]) for n in range(3))
    lines = [Line(("1",), everyone), Line(("2",), some, everyone), Line(("3",), few, everyone)]
    assert [one.within for one in one_within_another(lines)] == [(), (), (some,)]
