"""What populations tell of each other, checked without a solver and beside the gate's own way."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import date
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from governance.disclosure.catalogue import Dimension, Population, cross
from governance.disclosure.certificate import NOBODY, Contents, People, fingerprint, pack, unpack
from governance.disclosure.certify import Certified, Submission, certify
from governance.disclosure.checker import ALONE, COMPARED, NOT_LINKED, check
from governance.disclosure.overlap import Overlaps, Side, who_is_where
from governance.disclosure.release import Published
from governance.disclosure.rules import MASKED, DisclosureError, Rule
from governance.disclosure.timeline import Period
from governance.disclosure.together import _Inside, check_together

SPRING = Period(date(2026, 4, 1), date(2026, 6, 30))
RULE = Rule()


def side(name: str, *groups: set[int], twice: int | None = None) -> Side:
    """People by number, in groups that share nobody; of one group each is counted twice."""
    dimension = Dimension("group", tuple(f"g{n}" for n in range(len(groups))), known=True)
    unit = "people" if twice is None else "arrests"
    declared = Population(name, unit, "apart", (dimension,), (cross(f"{name} t", dimension),))
    rows = [
        (str(one), f"g{n}")
        for n, group in enumerate(groups)
        for one in sorted(group)
        for _ in range(2 if n == twice else 1)
    ]
    frame = pl.DataFrame(rows, schema={"person": pl.String, "group": pl.String}, orient="row")
    return Side(declared, SPRING, frame)


def naive(one: Side) -> list[str]:
    """Small counts masked and the others rounded."""
    counts = [
        one.rows.filter(*(pl.col(name).is_in(list(chosen)) for name, chosen in cell)).height
        for cell in one.population.cells
    ]
    return [MASKED if n < RULE.threshold else RULE.rounded(n) for n in counts]


def passes(sides: list[Side], shown: list[list[str]]) -> bool:
    people = People(
        tuple(one.population.name for one in sides),
        (SPRING,) * len(sides),
        (False,) * len(sides),
        who_is_where(sides),
    )
    published = [
        Published(one.population, SPRING, tuple(values))
        for one, values in zip(sides, shown, strict=True)
    ]
    try:
        check_together(people, published, [], RULE)
    except DisclosureError:
        return False
    return True


@given(st.lists(st.lists(st.integers(0, 2), min_size=30, max_size=30), min_size=2, max_size=4))
@settings(deadline=None, max_examples=60)
def test_the_checker_and_the_gate_agree(put: list[list[int]]) -> None:
    """Everyone is in the first or the second group of a population, or not in it.

    The last of four counts arrests, of whom those of the second group have two.
    """
    sides = [
        side(
            f"p{n}",
            *({one for one, at in enumerate(places) if at == g} for g in (0, 1)),
            twice=1 if n == 3 else None,
        )
        for n, places in enumerate(put)
    ]
    shown = [naive(one) for one in sides]
    overlaps = Overlaps(sides, RULE)
    assert passes(sides, shown) is not bool(Overlaps(sides, RULE).told(shown))
    while told := overlaps.told(shown):
        for one in told:
            shown[one.side][one.cell] = MASKED
    assert passes(sides, shown)


def telling(counts: int, left: int) -> float:
    """The share of sums of so many counts, each rounded, that tell of so many who are left."""
    edge, base = RULE.most_masked, RULE.base
    errors: NDArray[np.float64] = np.zeros(4 * counts + 1)  # of all together, from -2 to 2 a count
    errors[0] = 1
    for _ in range(counts):
        errors = np.sum([np.roll(errors, error) for error in range(base)], axis=0)
    at = np.arange(-2 * counts, 2 * counts + 1) + left
    tells = (at > 2 * counts) | (at + 2 * counts < edge)
    return float(errors[tells & (at % base == 0)].sum() / errors[at % base == 0].sum())


def test_what_more_than_four_counts_tell_of_the_few_is_next_to_nothing() -> None:
    most = [max(telling(counts, left) for left in (1, 2, 3, 4)) for counts in range(2, 12)]
    assert most[0] == pytest.approx(0.8) and max(most[1:3]) < 1 / 12
    assert most[3] == 0 and max(most[4:]) < 1 / 180


@pytest.fixture(scope="module")
def made() -> Certified:
    """Twelve, twelve others, and all of these with four more: one of them is masked."""
    groups = {"treated": range(12), "tested": range(12, 24), "arrested": range(28)}
    sides = [side(name, set(people)) for name, people in groups.items()]
    return certify("r", [Submission(s.population, s.period, s.rows) for s in sides])


def test_a_certificate_says_who_is_where(made: Certified) -> None:
    assert check(made.release, [], made.certificate).sums == 1
    assert [MASKED in one.shown for one in made.release.populations].count(True) == 1


def refused(made: Certified, people: People, **shown: tuple[str, ...]) -> str:
    """What the checker says of a certificate and a release that were made anew."""
    populations = tuple(
        replace(one, shown=shown.get(one.population.name, one.shown))
        for one in made.release.populations
    )
    release = replace(made.release, populations=populations, certificate="")
    evidence = unpack(made.certificate).evidence
    if shown:  # nothing is masked, so the truth is table enough
        evidence = {name: replace(one, changes=()) for name, one in evidence.items()}
    certificate = pack(Contents(release.digest, evidence, people))
    with pytest.raises(DisclosureError) as error:
        check(replace(release, certificate=fingerprint(certificate)), [], certificate)
    return str(error.value)


def test_what_would_tell_of_the_few_is_refused(made: Certified) -> None:
    people = unpack(made.certificate).people
    all_shown = {"treated": ("10", "10"), "tested": ("10", "10"), "arrested": ("30", "30")}
    assert "left between them" in refused(made, people, **all_shown)
    fewer = replace(people, rows=(people.rows[0][1:], *people.rows[1:]))
    assert "not what its tables count" in refused(made, fewer)
    gone = People(*(getattr(people, one.name)[1:] for one in fields(People)))
    assert "each population of the same days" in refused(made, gone)
    assert "each population of the same days" in refused(made, NOBODY)
    twice = People(*(getattr(people, one.name) * 2 for one in fields(People)))
    assert "who is behind" in refused(made, twice)
    one_person = people.rows[0] * (0, 1) + (1, 0)
    repeated = replace(people, rows=(one_person, *people.rows[1:]))
    assert "more than once" in refused(made, repeated)
    beyond = replace(people, rows=(np.array([[0, 7]]), *people.rows[1:]))
    assert "not what its tables count" in refused(made, beyond)


def test_what_is_masked_for_another_is_not_shown_elsewhere() -> None:
    sides = [side("treated", set(range(40)), set(range(40, 80))), side("cohort", set(range(40)))]
    assert passes(sides, [["80", "40", "40"], ["40", "40"]])
    assert not passes(sides, [["80", MASKED, "40"], ["40", "40"]])
    assert passes(sides, [["80", MASKED, "40"], [MASKED, MASKED]])


def meaning(one: Side, what: str) -> Side:
    """The same, with what each of its counts means by definition."""
    tables = tuple(
        replace(
            table,
            rows=tuple(replace(row, meaning=f"{what} {row.labels}") for row in table.rows),
        )
        for table in one.population.tables
    )
    return replace(one, population=replace(one.population, tables=tables))


def test_who_is_in_one_alone_by_chance_is_not_said_to_be_nobody() -> None:
    sides = [side(name, set(range(6))) for name in ("arrested", "treated")]
    assert not passes(sides, [["5", "5"], ["5", "5"]])
    assert passes(sides, [["5", "5"], [MASKED, MASKED]])
    assert passes([meaning(one, "treated") for one in sides], [["5", "5"], ["5", "5"]])
    more = [side(name, set(range(10))) for name in ("arrested", "treated")]
    assert passes(more, [["10", "10"], ["10", "10"]])


def test_counts_that_are_declared_to_be_the_same_and_are_not_are_refused() -> None:
    sides = [meaning(side(name, set(range(6 + n))), "x") for n, name in enumerate("ab")]
    assert not passes(sides, [["5", "5"], ["5", "5"]])


@pytest.mark.parametrize("whole", [15, 30])
def test_what_leaves_a_few_is_found_by_size_as_by_trying_all(whole: int) -> None:
    """Runs of units that leave few, or nobody, and some that are any."""
    random = np.random.default_rng(whole)
    sizes = (whole // 5, whole // 3, whole // 2 - 1)
    runs = [
        set(range(a, a + n))
        for n in sizes
        for a in range(0, whole, whole // 15)
        if n >= RULE.threshold and a + n <= whole
    ]
    others = [set(random.choice(whole, n, replace=False).tolist()) for n in range(5, whole // 2)]
    sets = sorted([*runs, *others], key=len)
    size = np.array([len(one) for one in sets])
    ends = [RULE.says(RULE.rounded(n)) for n in size.tolist()]
    shared = np.array([[len(a & b) for b in sets] for a in sets])
    most = int(RULE.says(RULE.rounded(whole))[1])
    inside = _Inside(size, np.array([least for least, _ in ends]), shared, whole, RULE)

    def tells(some: tuple[int, ...]) -> bool:
        left = whole - sum(len(sets[one]) for one in some)
        narrow = most - sum(ends[one][0] for one in some) < RULE.most_masked
        apart = all(not sets[a] & sets[b] for a, b in combinations(some, 2))
        return apart and (0 < left < RULE.threshold or (left == 0 and narrow))

    tried = {some for n in (2, 3) for some in combinations(range(len(sets)), n) if tells(some)}
    assert len(tried) > 10 and {len(some) for some in tried} == {2, 3}
    assert sorted(inside.left_by(most)) == sorted(tried)
    assert set(inside.filled()) == {
        (a, b)
        for a, b in combinations(range(len(sets)), 2)
        if 0 < len(sets[a] & sets[b]) < RULE.threshold and len(sets[a] | sets[b]) == whole
    }


def test_what_is_public_of_the_same_days_is_in_the_certificate() -> None:
    """Left out of it, it would be compared with nothing."""
    before, after = (
        Submission(one.population, one.period, one.rows)
        for one in (side("treated", set(range(12))), side("arrested", set(range(13, 40))))
    )
    public = certify("first", [before]).release
    beside = {"earlier": [public], "still_public": [public.digest], "public": [before]}
    second = certify("second", [after], **beside)
    assert check(second.release, [public], second.certificate).comparison == COMPARED

    def forget(document: dict[str, Any]) -> None:
        document["people"] = [one for one in document["people"] if one["name"] != "treated"]
        (left,) = document["people"]
        left["rows"] = [[number, atom] for number, (_, atom) in enumerate(left["rows"])]

    forged = forge(second, forget)
    with pytest.raises(DisclosureError, match="each population of the same days"):
        check(replace(second.release, certificate=fingerprint(forged)), [public], forged)


def test_a_certificate_says_which_comparison_was_made() -> None:
    submissions = [
        Submission(one.population, one.period, one.rows)
        for one in (side("treated", set(range(12))), side("arrested", set(range(12))))
    ]
    alone = certify("r", submissions[:1])
    assert check(alone.release, [], alone.certificate).comparison == ALONE
    nameless = [replace(one, rows=one.rows.drop("person")) for one in submissions]
    for given_rows in (submissions, nameless):
        apart = certify("r", given_rows, linked=False)
        assert check(apart.release, [], apart.certificate).comparison == NOT_LINKED

    def claim(document: dict[str, Any]) -> None:
        document["linked"] = True

    forged = forge(apart, claim)
    with pytest.raises(DisclosureError, match="each population of the same days"):
        check(replace(apart.release, certificate=fingerprint(forged)), [], forged)


def forge(made: Certified, change: Callable[[dict[str, Any]], None]) -> bytes:
    document = json.loads(made.certificate)
    change(document)
    return json.dumps(document).encode()


def test_many_units_of_few_people_are_not_shown() -> None:
    """Twelve arrests of two people: the gate masks them, and the checker sees to it."""
    one = side("arrests", set(range(20)), {90, 91}, twice=0)
    twelve = pl.DataFrame({"person": ["90", "91"] * 6, "group": ["g1"] * 12})
    rows = pl.concat([one.rows.filter(group="g0"), twelve])
    made = certify("r", [Submission(one.population, SPRING, rows)])
    (told,) = made.release.populations
    assert told.shown[2] == MASKED
    naive = replace(told, shown=("50", "40", "10"))
    release = replace(made.release, populations=(naive,), certificate="")
    contents = unpack(made.certificate)
    evidence = {"arrests": replace(contents.evidence["arrests"], changes=())}
    forged = pack(replace(contents, release=release.digest, evidence=evidence))
    with pytest.raises(DisclosureError, match="fewer people than the threshold"):
        check(replace(release, certificate=fingerprint(forged)), [], forged)


def test_many_units_of_few_people_may_be_nought() -> None:
    """Eight arrests of two people: who adds up the others must not find that there are some."""
    one = side("arrests", set(range(20)), set(range(20, 40)), {90, 91})
    one = replace(one, population=replace(one.population, unit="arrests"))
    eight = pl.DataFrame({"person": ["90", "91"] * 4, "group": ["g2"] * 8})
    rows = pl.concat([one.rows.filter(pl.col("group") != "g2"), eight])
    made = certify("r", [Submission(one.population, SPRING, rows)])
    (told,) = made.release.populations
    assert told.shown[-1] == MASKED and told.shown.count(MASKED) > 1
    naive = replace(told, shown=("50", "20", "20", MASKED))
    release = replace(made.release, populations=(naive,), certificate="")
    contents = unpack(made.certificate)
    wide = ({(0, 2): 4},)  # as wide as a mask, and never nought
    evidence = {"arrests": replace(contents.evidence["arrests"], changes=wide)}
    forged = pack(replace(contents, release=release.digest, evidence=evidence))
    with pytest.raises(DisclosureError, match="nought and the edge"):
        check(replace(release, certificate=fingerprint(forged)), [], forged)


def test_only_the_rows_of_its_days_are_compared() -> None:
    """Rows of other days would make a population look larger beside another than it is."""
    summer = Period(date(2026, 7, 1), date(2026, 9, 30))

    def dated(one: Side, later: range) -> Submission:
        rows = one.rows.with_columns(day=pl.lit(SPRING.first))
        more = pl.DataFrame({"person": [str(n) for n in later], "group": ["g0"] * len(later)})
        return Submission(
            one.population,
            SPRING,
            pl.concat([rows, more.with_columns(day=pl.lit(summer.first))]),
        )

    treated, arrested = side("treated", set(range(12))), side("arrested", set(range(13)))
    made = certify("r", [dated(treated, range(50, 90)), dated(arrested, range(90, 95))])
    assert [MASKED in one.shown for one in made.release.populations].count(True) == 1


def test_a_population_is_compared_with_what_is_public_of_its_own_days() -> None:
    """Of one name it may be public for several periods."""
    summer = Period(date(2026, 7, 1), date(2026, 9, 30))
    one, other = side("treated", set(range(30))), side("treated", set(range(12)))
    spring = Submission(one.population, SPRING, one.rows)
    later = Submission(other.population, summer, other.rows)
    first = certify("first", [spring]).release
    second = certify("second", [later], earlier=[first], still_public=[first.digest]).release
    arrested = side("arrested", set(range(13)))
    third = certify(
        "third",
        [Submission(arrested.population, summer, arrested.rows)],
        earlier=[first, second],
        still_public=[first.digest, second.digest],
        public=[spring, later],
    )
    assert third.release.populations[0].shown == (MASKED, MASKED)


@pytest.mark.parametrize(
    "people",
    [
        [[10**18, 0]],
        [["1", 0]],
        [[-1, 0]],
    ],
)
def test_people_who_cannot_be_are_refused(made: Certified, people: list[list[object]]) -> None:
    def change(document: dict[str, Any]) -> None:
        document["people"][0]["rows"] = people

    with pytest.raises(DisclosureError, match="cannot be read"):
        unpack(forge(made, change))


def test_a_certificate_too_large_or_too_deep_to_be_one_is_refused(made: Certified) -> None:
    def change(document: dict[str, Any]) -> None:
        document["populations"]["treated"]["shape"] = [10**6, 10**6]

    for certificate in (forge(made, change), b"[" * 100_000):
        with pytest.raises(DisclosureError, match="cannot be read"):
            unpack(certificate)


def test_a_row_of_nobody_is_refused() -> None:
    one = side("treated", set(range(12)))
    rows = one.rows.with_columns(
        person=pl.when(pl.col("person") == "3").then(None).otherwise("person")
    )
    with pytest.raises(DisclosureError, match="have no person"):
        certify("r", [Submission(one.population, SPRING, rows)])
