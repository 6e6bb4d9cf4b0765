"""The insider who asks who has kin: by what two people share, and by what they must and do not.

Two values of one person that cannot both be what was sent show that one is a stand-in.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import polars as pl
import pytest

from flows.cli.attack import made_up_partnership, made_up_people
from governance.attacks import contradictions, in_groups, insider, kin, weak_targets
from governance.attacks.budgets import RECORDS
from governance.attacks.scenario import (
    Scenario,
    as_stored,
    like_stored,
    make_scenario,
    own_encoding,
)
from governance.attacks.scoring import score_beyond
from governance.encoding.anchored import COMPOSITES
from governance.encoding.kept import kept_by_delivery
from schemas.encoded import (
    FILTERS,
    SEX_MASKS,
    encoded_schema,
    filter_columns,
    sex_column,
    token_column,
)

SIZE = 800
HOME, SAME_SECTOR, ELSEWHERE = "NR11CC", "NR11CD", "NR25EF"
STORED = list(encoded_schema())


def of_one_person(**second: object) -> pl.DataFrame:
    """Two records of one person, the second with other values, and one of a stranger."""
    first = {
        "forename": "AMAL", "surname": "HUSSEIN", "dob": date(1980, 5, 17), "postcode": HOME,
        "sex": "F",
    }  # fmt: skip
    stranger = {
        "forename": "JO", "surname": "BLOGGS", "dob": date(1971, 2, 3), "postcode": ELSEWHERE,
        "sex": "M",
    }  # fmt: skip
    made = pl.DataFrame([first, first | second, stranger])
    return own_encoding(sample().with_columns(made))


@cache
def sample() -> pl.DataFrame:
    """Three people, none of whom has an id."""
    return made_up_people(100, 1).head(3)


def replaced(encoded: pl.DataFrame, *columns: str, row: int = 1) -> pl.DataFrame:
    """Stand-ins in the place of some values of one record."""
    here = pl.int_range(pl.len()) == row
    return encoded.with_columns(
        pl.when(here).then(pl.lit(at + 1, pl.Int64)).otherwise(name).alias(name)
        for at, name in enumerate(columns)
    )


def told(encoded: pl.DataFrame, rules: contradictions.Rules = contradictions.CERTAIN) -> set[str]:
    """What is told of both records, and nothing of the stranger's."""
    found = contradictions.told_replaced(encoded.select(STORED), np.array([0, 0, 1]), rules)
    assert found.row(0) == found.row(1)
    assert not any(found.row(2))
    return {name for name in found.columns if found[name].any()}


def all_but(*kept: str) -> list[str]:
    """The columns of all composites and what hangs on them, but those of a few."""
    others = [name for name in COMPOSITES if name not in kept]
    words = [c for pair in FILTERS if pair[1] in others for c in filter_columns(*pair)]
    return [*map(token_column, others), *words]


def test_a_composite_that_others_imply_is_told_and_no_other():
    """All but of lone names, which one delivery says otherwise than another."""
    names = [name for name in COMPOSITES if name != "names_lone"]
    each = own_encoding(made_up_people(100, 1, 0.0).head(len(names)))
    second = pl.concat(
        replaced(each[[at]], token_column(name), row=0) for at, name in enumerate(names)
    )
    encoded = pl.concat([each, second]).select(STORED)
    persons = np.tile(np.arange(len(names)), 2)
    found = contradictions.told_replaced(encoded, persons)
    assert [[name for name in names if row[name]] for row in found.rows(named=True)] == [
        [name] for name in names
    ] * 2
    unlike = contradictions.told_replaced(pl.concat([each, each]).select(STORED), persons)
    assert not unlike.select(pl.any_horizontal(pl.all()).any()).item()


DATES = {"date_surname", "initials_date_either", "initials_either_date"}


@pytest.mark.parametrize(
    ("kept", "implied"),
    [
        (("postcode_forename", "surname_initial_sector"), {
            "postcode_surname", "postcode_initials", "names_either_sector",
            "forename_initial_sector",
        }),
        (("names_year", "names_daymonth"), DATES | {"date_names_either"}),
        (("names_daymonth", "initials_date_either"), DATES | {"date_names_either", "names_year"}),
        (("date_names_either", "postcode_forename"), DATES | {
            "date_sector", "postcode_initials", "names_either_sector", "names_year",
            "names_daymonth", "postcode_surname", "surname_initial_sector",
            "forename_initial_sector", "initials_date_sector",
        }),
        (("date_names_either", "postcode_surname"), DATES | {
            "date_sector", "postcode_initials", "names_either_sector", "names_year",
            "names_daymonth", "postcode_forename", "surname_initial_sector",
            "forename_initial_sector", "initials_date_sector",
        }),
        (("date_names_either",), {"initials_either_date"}),
        (("initials_either_date", "postcode_forename"), {
            "date_sector", "postcode_initials", "forename_initial_sector",
            "initials_date_sector", "initials_date_either",
        }),
        (("initials_either_date", "forename_initial_sector"), {
            "date_sector", "initials_date_sector", "initials_date_either",
        }),
        (("initials_either_date", "surname_initial_sector"), {
            "date_surname", "date_sector", "initials_date_sector", "initials_date_either",
        }),
    ],
)  # fmt: skip
def test_composites_imply_what_is_made_of_no_more(kept, implied):
    """Nothing hangs on them here, so that only what they are made of is shared."""
    words = [c for pair in FILTERS for c in filter_columns(*pair)]
    hanging = [*words, *map(sex_column, SEX_MASKS)]
    encoded = replaced(of_one_person(), *all_but(*kept)).with_columns(
        pl.lit(None, pl.Int64).alias(name) for name in hanging
    )
    assert told(encoded) == implied - set(kept)


def test_a_sex_bit_tells_who_is_of_one_sex():
    encoded = replaced(of_one_person(), *all_but("date_surname"))
    bit, sexed = sex_column("date_surname"), {"date_initial_sex", "initials_date_sex"}
    assert sexed <= told(encoded)
    assert not sexed & told(encoded.with_columns(pl.lit(None, pl.Int8).alias(bit)))
    turned = pl.when(pl.int_range(pl.len()) == 1).then(1 - pl.col(bit)).otherwise(bit)
    assert not sexed & told(encoded.with_columns(turned.alias(bit)))


def test_equal_filters_imply_their_values_and_unlike_ones_do_not():
    encoded = replaced(of_one_person(), *all_but("date_sector"))
    postcodes = {"postcode_surname", "postcode_forename", "postcode_initials"}
    assert postcodes <= told(encoded)
    moved = replaced(of_one_person(postcode=SAME_SECTOR), *all_but("date_sector"))
    assert not postcodes & told(moved)
    assert {"names_year", "date_names_either"} <= told(moved)


@pytest.mark.parametrize(
    ("second", "composites"),
    [
        ({"surname": "HUSEIN"}, {"date_surname", "postcode_surname", "names_year"}),
        ({"dob": date(1980, 5, 18)}, {"date_sector", "date_surname", "names_daymonth"}),
        ({"postcode": ELSEWHERE}, {"postcode_surname", "date_sector"}),
        ({"forename": "HUSSEIN", "surname": "AMAL"}, {"date_surname", "postcode_initials"}),
    ],
)
def test_values_that_are_unlike_imply_nothing(second, composites):
    encoded = of_one_person(**second)
    for name in composites:
        assert (encoded[token_column(name)][:2]).n_unique() == 2
    assert told(encoded) == set()


def test_a_filter_that_cannot_be_the_values_tells_of_its_composite():
    """Its anchor is shared and so is the value: whoever replaces the one has to replace both."""
    assert told(replaced(of_one_person(), *filter_columns("forename", "date_sector"))) == {
        "date_sector"
    }


def test_what_is_shared_with_a_third_record_is_shared():
    """The first has the second's postcode and surname, and the second the third's date."""
    encoded = of_one_person()[[0, 1, 1]]
    first = all_but("postcode_surname", "names_year")
    third = all_but("date_names_either", "names_year")
    both = replaced(replaced(encoded, *first, row=0), *third, row=2)
    found = contradictions.told_replaced(both.select(STORED), np.arange(3))
    assert found["date_surname"].to_list() == [True] * 3
    assert found["names_year"].to_list() == [False] * 3


def test_one_sector_of_one_person_is_mostly_one_postcode():
    encoded = of_one_person(postcode=SAME_SECTOR)
    assert told(encoded) == set()
    postcodes = {"postcode_surname", "postcode_forename", "postcode_initials"}
    assert postcodes <= told(encoded, contradictions.PROBABLE)
    moved = of_one_person(postcode=ELSEWHERE)
    assert told(moved, contradictions.PROBABLE) == set()


def test_kin_share_a_composite_in_the_store_and_nobody_does_alone():
    encoded = of_one_person(forename="NADIA", sex="M").select(STORED)
    of_two = kin.shared_in_store(encoded, np.array([0, 1, 2]))
    both = {"date_surname", "date_sector", "postcode_surname"}
    assert {name for name in of_two.columns if of_two[name].any()} == both
    assert of_two["date_surname"].to_list() == [True, True, False]
    of_one = kin.shared_in_store(encoded, np.array([0, 0, 2]))
    assert not of_one.select(pl.any_horizontal(pl.all()).any()).item()


def test_guessed_is_who_shares_what_is_told_if_they_are_few_of_the_class():
    store = pl.DataFrame({"told_a": [True, False, True, True, False], "told_b": [False] * 5})
    persons = np.array([0, 0, 1, 2, 3])
    shared = pl.DataFrame(
        {"told_a": [False, True, True, True, True, False], "told_b": [True] * 5 + [False]}
    )
    staging = (
        pl.DataFrame({"district": ["A", "A", "B", "C", "A"]}),
        pl.DataFrame({"district": ["A", "A", "B", "B", "D", "A"]}),
    )
    rows = kin.name_by_kin(store, persons, shared, staging)
    # Both records of the first person; of B half do not suffice, of C nobody is listed.
    assert rows.to_list() == [1, 1, None, None, None]


def test_shared_on_the_list_is_what_two_of_it_have():
    listed = sample().with_columns(
        forename=pl.Series(["AMAL", "JO", "SAM"]),
        surname=pl.Series(["HUSSEIN", "HUSSEIN", None], dtype=pl.String),
        postcode=pl.Series([HOME, HOME, HOME]),
        lone=pl.lit(None, pl.String),
    )
    shared = kin.shared_on_list(listed)
    assert shared["postcode_surname"].to_list() == [True, True, False]
    assert not shared["postcode_forename"].any()


def test_staging_is_taken_from_most_of_a_persons_records():
    staged = pl.DataFrame({"district": ["A", "B", "B", None], "sex": ["F", None, None, "M"]})
    by_person = kin.staged_by_person(staged, np.array([4, 4, 4, 2]))
    assert by_person.rows() == [("B", "F")] * 3 + [(None, "M")]


@pytest.fixture(scope="module")
def several() -> Scenario:
    people, records = made_up_partnership(SIZE, 1)
    others = (made_up_people(SIZE * 2, seed) for seed in (2, 3))
    return replace(make_scenario(people, *others, 0.5, 1, by_area=True), target=records)


def test_it_names_people_where_each_delivery_is_looked_at_by_itself(several):
    result = weak_targets.contradict(several, "several records, by area")
    assert result.weak and not result.passed
    assert result.score.reidentified > 2 * RECORDS
    assert result.attack == "insider, contradictions, several records, by area"


def test_who_shares_all_that_was_sent_with_kin_is_named(several):
    stored = own_encoding(as_stored(several.target))
    persons = in_groups.persons(stored)
    known = like_stored(several.known, several.target)
    staging = insider.staged(several.target), insider.staged(several.known)
    of_two = kin.shared_in_store(stored, persons)
    (rows,), staged = kin.name_by_each([of_two], persons, known, staging)
    assert score_beyond(several, rows, staged).reidentified > 2 * RECORDS


def test_what_is_told_is_hardly_ever_wrong_and_dealt_out_at_random_names_nobody(several):
    stored = own_encoding(as_stored(several.target))
    kept = kept_by_delivery(stored)
    persons = in_groups.persons(kept)
    found = contradictions.told_replaced(kept, persons)
    names = found.columns
    both = stored.select(map(token_column, names)).with_columns(
        pl.Series("true", several.target["person"]), seeming=persons
    )
    for name in names:
        of_two = pl.any_horizontal(
            pl.col(who).n_unique().over(token_column(name)) > 1 for who in ("true", "seeming")
        )
        right = both.select(of_two).to_series().filter(found[name])
        assert right.mean() is None or right.mean() > 0.9
    assert found.select(pl.any_horizontal(names).mean()).item() > 0.02
    dealt = [found.sample(fraction=1, shuffle=True, seed=seed) for seed in range(10)]
    staging = insider.staged(several.target), insider.staged(several.known)
    known = like_stored(several.known, several.target)
    rows, staged = kin.name_by_each(dealt, persons, known, staging)
    scores = [score_beyond(several, guesses, staged) for guesses in rows]
    beyond = [(score.correct - score.chance) / score.of for score in scores]
    assert abs(np.mean(beyond)) < RECORDS
