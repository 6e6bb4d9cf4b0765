"""Only the gate makes a certified release, and a certificate shows what it says or is refused."""

from __future__ import annotations

import ast
import inspect
import json
from dataclasses import replace

import pytest
from linked_tables import YEAR, counted, quarters, two_ways

from governance.disclosure import checker
from governance.disclosure.catalogue import where
from governance.disclosure.certificate import fingerprint
from governance.disclosure.certify import Certified, Submission, certify
from governance.disclosure.checker import check
from governance.disclosure.release import Published, Release, read_release
from governance.disclosure.rules import MASKED, DisclosureError, Rule

COUNTS = [3, 12, 21, 14, 2, 30]


@pytest.fixture(scope="module")
def made() -> Certified:
    population = two_ways(3, 2)
    return certify("r1", [Submission(population, YEAR, counted(population, COUNTS).drop("day"))])


def follow(first: Certified, population, rows, **options) -> Certified:
    given = {"earlier": [first.release], "still_public": [first.release.digest], **options}
    return certify("r2", [Submission(population, quarters(0, 1), rows)], **given)


@pytest.fixture(scope="module")
def cumulative():
    population = two_ways(3, 2, relation="cumulative")
    rows = counted(population, COUNTS, [9, 1, 0, 14, 8, 30])
    return population, rows, certify("r1", [Submission(population, quarters(0, 0), rows)])


def test_a_certified_release_holds_its_tables_and_no_true_count(made):
    table = made.tables()["by_age_and_area"]
    assert table.columns == ["age", "area", "count"]
    assert set(table["count"]) <= {MASKED, *(str(5 * n) for n in range(1, 20))}
    shown = made.release.populations[0]
    assert shown.value(where()) == "80"
    with pytest.raises(DisclosureError, match="not in the catalogue"):
        shown.value(where(age=("a0", "a1")))
    assert made.certificate.decode() not in repr(made)
    assert made.findings[0].cells == 12


def test_nothing_but_the_gate_makes_one(made):
    with pytest.raises(DisclosureError, match="did not come from the gate"):
        Certified(made.release, made.certificate, ())
    with pytest.raises((DisclosureError, ValueError)):
        replace(made, release=made.release)


def test_a_release_survives_being_written_and_read(made):
    read = read_release(json.loads(json.dumps(made.release.document())))
    assert read == made.release
    assert check(read, [], made.certificate).values == 12


@pytest.mark.parametrize("spoilt", ["format", "shown", "more", "odd", "declared", "period"])
def test_a_release_that_was_touched_cannot_be_read(made, spoilt):
    document = made.release.document()
    one = document["populations"][0]
    if spoilt == "format":
        document["format"] = 2
    elif spoilt == "shown":
        one["shown"] = one["shown"][1:]
    elif spoilt == "more":
        document["populations"].append(one)
    elif spoilt == "odd":
        one["shown"][0] = "7"
    else:
        del one[spoilt]
    with pytest.raises(DisclosureError):
        read_release(document)


def test_the_checker_imports_no_solver():
    names = {
        node.module or ""
        for node in ast.walk(ast.parse(inspect.getsource(checker)))
        if isinstance(node, ast.ImportFrom)
    }
    assert not names & {"scipy", "governance.disclosure.solver", "governance.disclosure.audit"}


def forge(made: Certified, change) -> tuple[Release, bytes]:
    """A certificate that was changed, and a release that names it."""
    document = json.loads(made.certificate)
    change(document, document["populations"]["people"])
    certificate = json.dumps(document).encode()
    return replace(made.release, certificate=fingerprint(certificate)), certificate


def shrink(document, one):
    one["changes"] = one["changes"][:1]


def lie(document, one):
    one["changes"][1] = [[0, 0, 40]]


def below_nought(document, one):
    one["changes"][1] = [[0, 0, -40]]


def other_base(document, one):
    one["base"][0][2] += 20


def other_shape(document, one):
    one["shape"] = [1, 5]
    one["base"] = []
    one["changes"] = []


def beyond(document, one):
    one["changes"].append([[0, 99, 1]])


def halves(document, one):
    one["changes"].append([[0, 0, 0.5]])


def twice(document, one):
    one["changes"].append([[0, 0, 1], [0, 0, 1]])


def other_release(document, one):
    document["release"] = "0" * 64


def other_population(document, one):
    document["populations"] = {"others": one}


def no_salt(document, one):
    document["salt"] = ""


@pytest.mark.parametrize(
    "change",
    [
        shrink,
        lie,
        below_nought,
        other_base,
        other_shape,
        beyond,
        halves,
        twice,
        other_release,
        other_population,
        no_salt,
    ],
)
def test_a_certificate_that_was_tampered_with_is_refused(made, change):
    release, certificate = forge(made, change)
    with pytest.raises(DisclosureError):
        check(release, [], certificate)


def test_a_certificate_is_bound_to_its_release(made):
    with pytest.raises(DisclosureError, match="not the one that the release names"):
        check(made.release, [], made.certificate + b" ")
    one = made.release.populations[0]
    told = list(one.shown)
    told[0] = "85"
    changed = replace(
        made.release, populations=(Published(one.population, one.period, tuple(told)),)
    )
    with pytest.raises(DisclosureError, match="of another release"):
        check(changed, [], made.certificate)


def test_two_certificates_of_one_table_differ_so_that_none_can_be_guessed(made):
    population = two_ways(3, 2)
    again = certify("r1", [Submission(population, YEAR, counted(population, COUNTS).drop("day"))])
    assert again.release.digest == made.release.digest
    assert again.release.certificate != made.release.certificate


def test_a_second_release_is_certified_with_the_first(cumulative):
    population, rows, first = cumulative
    second = follow(first, population, rows)
    assert second.release.earlier == (first.release.digest,)
    check(second.release, [first.release], second.certificate)
    with pytest.raises(DisclosureError, match="not those that it names"):
        check(second.release, [], second.certificate)


def test_an_earlier_release_that_is_missing_or_changed_is_missed(cumulative):
    population, rows, first = cumulative
    with pytest.raises(DisclosureError, match="still public"):
        follow(first, population, rows, earlier=[])
    with pytest.raises(DisclosureError, match="still public"):
        follow(first, population, rows, earlier=[replace(first.release, release_id="r0")])
    second = follow(first, population, rows)
    third = [Submission(population, quarters(0, 2), rows)]
    with pytest.raises(DisclosureError, match="still public"):
        certify("r3", third, earlier=[second.release], still_public=[second.release.digest])
    certify(
        "r3",
        third,
        earlier=[second.release],
        still_public=[second.release.digest],
        withdrawn=[first.release.digest],
    )


def test_a_catalogue_that_changed_is_refused(cumulative):
    population, rows, first = cumulative
    wider = two_ways(4, 2, relation="cumulative")
    with pytest.raises(DisclosureError, match="not declared as it was"):
        follow(first, wider, rows)
    with pytest.raises(DisclosureError, match="not that of a release"):
        follow(first, population, rows, rule=Rule(8, 5))


def test_records_that_changed_since_are_refused(cumulative):
    population, _, first = cumulative
    with pytest.raises(DisclosureError, match="not those of the records as they now are") as told:
        follow(first, population, counted(population, [40] * 6, [1] * 6))
    assert "40" not in str(told.value)


def test_names_are_given_once(made):
    population = two_ways(3, 2)
    one = Submission(population, YEAR, counted(population, COUNTS).drop("day"))
    with pytest.raises(DisclosureError, match="one name"):
        certify("r", [one, one])


@pytest.mark.parametrize(("threshold", "base"), [(8, 5), (10, 10)])
def test_a_stricter_rule_is_certified_alike(threshold, base):
    population, rule = two_ways(3, 2), Rule(threshold, base)
    rows = counted(population, [3, 12, 21, 14, 7, 30]).drop("day")
    made = certify("r", [Submission(population, YEAR, rows)], rule=rule)
    assert made.release.populations[0].shown.count(MASKED) >= 2
    check(made.release, [], made.certificate)


def test_a_rolling_year_is_certified_quarter_by_quarter():
    population = two_ways(2, 2, relation="rolling")
    rows = counted(population, [9, 12, 7, 30], [2, 14, 9, 11], [8, 3, 12, 9])
    first = certify("r1", [Submission(population, quarters(0, 1), rows)])
    second = certify(
        "r2",
        [Submission(population, quarters(1, 2), rows)],
        earlier=[first.release],
        still_public=[first.release.digest],
    )
    check(second.release, [first.release], second.certificate)


def test_a_certificate_that_left_insiders_out_cannot_pass_for_one_that_did_not():
    population = two_ways(3, 2)
    rows = counted(population, COUNTS).drop("day")
    made = certify("r1", [Submission(population, YEAR, rows)], insiders=False)
    check(made.release, [], made.certificate)

    def claim(document, one):
        one["insiders"] = True

    release, certificate = forge(made, claim)
    with pytest.raises(DisclosureError, match="nought and the edge"):
        check(release, [], certificate)
