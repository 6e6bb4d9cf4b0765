"""The synthetic partners: repeatable, in the agreed layout, and wrong only as often as they say."""

import re
from datetime import date
from hashlib import sha256
from itertools import pairwise

import numpy as np
import polars as pl
import pytest

from schemas.errors import ConfigError
from schemas.tables import TABLES
from synthetic import identifiers, make_world, write_extracts
from synthetic.extracts import (
    EXTRAS_NAME_A_PERSON,
    LOCAL_ONLY,
    MOST_PEOPLE,
    NAMES_A_PERSON,
    truth_records,
)
from synthetic.identifiers import cro_numbers, nhs_numbers, ninos, pnc_ids
from synthetic.mistakes import misspell, shorten_double
from synthetic.names import composed_surnames
from synthetic.places import LOCAL_DISTRICTS, local_districts, make_places
from synthetic.population import make_population
from synthetic.rates import ErrorRates, Filled, Pairs
from synthetic.streams import Streams

AS_AT = date(2026, 6, 30)
LETTERS = "ZABCDEFGHJKLMNPQRTUVWXY"
NINO = re.compile(
    r"(?!BG|GB|KN|NK|NT|TN|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z]\d{6}[A-D]", re.ASCII
)
EXTRAS = {*EXTRAS_NAME_A_PERSON, ("treatment", "transfer"), ("treatment", "cj_caseload")}
STRONG = {
    "custody": ("pnc_id", "cro_number"),
    "sentence": ("pnc_id", "cro_number", "nino", "noms_number"),
    "episode": ("NHSNO",),
    "person": ("nino",),
}


@pytest.fixture(scope="module")
def world():
    return make_world(4_000, 5, AS_AT)


@pytest.fixture(scope="module")
def fuller():
    """A world with the extracts that few partners send."""
    return make_world(4_000, 5, AS_AT, extras=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    out = tmp_path_factory.mktemp("extracts")
    write_extracts(600, 3, out, AS_AT)
    return out


def days(frame, column):
    return frame[column].str.to_date(strict=False)


def pnc_is_valid(text):
    year, rest = text.split("/")
    return LETTERS[int(year[-2:] + rest[:-1].zfill(7)) % 23] == rest[-1]


def cro_is_valid(text):
    if text.startswith("SF"):
        year, rest = text[2:].split("/")
        return LETTERS[int(year + rest[:-1]) % 23] == rest[-1]
    serial, rest = text.split("/")
    return LETTERS[int(rest[:2] + serial.zfill(6)) % 23] == rest[-1]


def nhs_is_valid(text):
    total = sum(int(digit) * weight for digit, weight in zip(text, range(10, 1, -1), strict=False))
    return len(text) == 10 and (11 - total % 11) % 11 == int(text[9])


def digests(folder):
    return {
        str(path.relative_to(folder)): sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_one_seed_gives_the_same_bytes_and_another_does_not(folder, tmp_path):
    write_extracts(600, 3, tmp_path / "again", AS_AT)
    write_extracts(600, 4, tmp_path / "other", AS_AT)
    assert digests(tmp_path / "again") == digests(folder)
    assert digests(tmp_path / "other") != digests(folder)


def test_the_files_are_those_of_the_contract_and_nothing_is_left_over(folder):
    for partner, tables in TABLES.items():
        sent = [table for table in tables if (partner, table.name) not in EXTRAS]
        present = {path.name for path in (folder / "inbox" / partner).iterdir()}
        assert present == {f"{table.name}.csv" for table in sent}
        for table in sent:
            header = pl.read_csv(
                folder / "inbox" / partner / f"{table.name}.csv", infer_schema=False, n_rows=1
            ).columns
            assert [name.lower() for name in header] == list(table.columns)
    assert {path.name for path in (folder / "truth").iterdir()} == {"record.csv", "person.csv"}


def test_the_summary_counts_the_rows_written(tmp_path):
    summary = write_extracts(100, 1, tmp_path, AS_AT)
    for name, rows in summary.tables.items():
        written = pl.read_csv(tmp_path / "inbox" / f"{name}.csv", infer_schema=False)
        assert written.height == rows > 0


@pytest.mark.parametrize(("people", "seed"), [(0, 1), (49, 1), (MOST_PEOPLE + 1, 1), (100, -1)])
def test_a_population_that_cannot_be_made_is_refused(people, seed, tmp_path):
    with pytest.raises(ConfigError):
        write_extracts(people, seed, tmp_path, AS_AT)
    assert not list(tmp_path.iterdir())


def test_the_smallest_population_can_be_made(tmp_path):
    for seed in range(5):
        made = write_extracts(50, seed, tmp_path, AS_AT, extras=True).tables
        extras = {f"{partner}/{table}" for partner, table in EXTRAS}
        assert {name for name, rows in made.items() if rows == 0} <= extras


def test_keys_are_unique(fuller):
    for partner, tables in TABLES.items():
        for table in tables:
            frame = fuller.tables[partner][table.name].rename(str.lower)
            assert frame.height > 0
            keyed = frame.select(table.key)
            if table.consent:  # who refuses consent has bare rows
                keyed = keyed.drop_nulls()
            assert keyed.null_count().sum_horizontal().item() == 0
            assert keyed.n_unique() == keyed.height


def test_every_record_belongs_to_one_that_exists(fuller):
    for partner, tables in TABLES.items():
        frames = {name: frame.rename(str.lower) for name, frame in fuller.tables[partner].items()}
        for table in tables:
            for columns, parent in table.parents.items():
                orphans = frames[table.name].join(frames[parent], on=columns, how="anti")
                assert orphans.is_empty(), table.name


def test_truth_covers_every_row_that_names_a_person(folder):
    truth = pl.read_csv(folder / "truth" / "record.csv", infer_schema=False)
    people = pl.read_csv(folder / "truth" / "person.csv", infer_schema=False)
    keys = []
    for (partner, table), parts in NAMES_A_PERSON.items():
        rows = pl.read_csv(folder / "inbox" / partner / f"{table}.csv", infer_schema=False)
        joined = rows.select(pl.concat_str(pl.col(parts).fill_null(""), separator="|")).to_series()
        keys += [(partner, table, key) for key in joined]
    assert sorted(truth.select("partner", "table", "record_key").rows()) == sorted(keys)
    assert set(truth["person"]) <= set(people["person"])


def test_each_partner_sees_its_own_people_and_no_others(world, fuller):
    for one in (world, fuller):
        records = truth_records(one.tables)
        for partner in TABLES:
            seen = set(records.filter(partner=partner)["person"])
            assert seen == set(one.population.known_to(partner).tolist())


def test_extracts_that_few_partners_send_move_nothing_else(world, fuller):
    for partner, frames in world.tables.items():
        for table, frame in frames.items():
            assert frame.equals(fuller.tables[partner][table]), table
    more = {
        (partner, table)
        for partner, frames in fuller.tables.items()
        for table in frames
        if table not in world.tables[partner]
    }
    assert more == EXTRAS


def test_the_ndtms_shape_has_initials_and_no_names():
    local = make_world(300, 2, AS_AT).tables["treatment"]["episode"]
    initials = make_world(300, 2, AS_AT, shape="ndtms").tables["treatment"]["episode"]
    assert local.drop(LOCAL_ONLY).equals(initials)
    assert initials["FINITIAL"].drop_nulls().str.len_chars().eq(1).all()
    with pytest.raises(ConfigError):
        make_world(300, 2, AS_AT, shape="other")


def test_every_column_of_every_table_says_something(fuller):
    """A column that the generator forgets would leave its rules untried."""
    silent = {
        (table.name, name)
        for partner, tables in TABLES.items()
        for table in tables
        for name, values in fuller.tables[partner][table.name].rename(str.lower).to_dict().items()
        if values.null_count() == len(values)
    }
    assert not silent


def test_profiles_show_less_use_at_exit_than_at_the_start(world):
    profiles = world.tables["treatment"]["outcomes_profile"]
    used = profiles.group_by("TRSTAGE").agg(pl.col("OPIUSE", "ALCUSE").cast(pl.Int32).mean())
    by_stage = {stage: (opiates, alcohol) for stage, opiates, alcohol in used.iter_rows()}
    assert by_stage["S"][0] > 1.5 * by_stage["E"][0] and by_stage["S"][1] > 1.5 * by_stage["E"][1]
    assert (profiles["IVDRGUSE"].cast(pl.Int32) == 0).mean() > 0.5


def test_nobody_who_died_is_recorded_afterwards(fuller):
    died = fuller.tables["police"]["suspected_drug_death"]
    assert died.height > 0
    arrests = fuller.tables["police"]["custody"].join(died, on="person")
    assert (days(arrests, "arrest_date") < days(arrests, "death_date")).drop_nulls().all()
    referred = fuller.tables["treatment"]["episode"].join(died, on="person")
    assert (days(referred, "REFLD") < days(referred, "death_date")).drop_nulls().all()


def test_about_half_of_people_are_known_to_two_partners_or_more(world):
    share = (world.population.known[: world.population.adults].sum(axis=1) >= 2).mean()
    assert 0.40 < share < 0.52


@pytest.mark.parametrize("size", [1, 500, 60_000])
def test_identifiers_pass_their_checks_and_are_all_different(size):
    rng = Streams(1)("test")
    year = np.arange(size) % 40 + 1987
    made = {
        pnc_is_valid: pnc_ids(rng, year),
        cro_is_valid: cro_numbers(rng, year, small_files=0.3),
        nhs_is_valid: nhs_numbers(rng, size),
        NINO.fullmatch: ninos(rng, size),
    }
    for valid, values in made.items():
        assert len(set(values)) == size
        assert all(valid(value) for value in values)


def test_the_largest_population_has_postcodes_for_everybody():
    places = make_places(Streams(1)("places"), MOST_PEOPLE)
    everywhere = [places.local, places.hostels, places.outside, places.streetless]
    assert np.concatenate(everywhere).tolist() == list(range(len(places.postcodes)))
    assert len(set(places.postcodes)) == len(places.postcodes)
    assert local_districts(400_000) == LOCAL_DISTRICTS


def test_more_people_than_serials_have_different_identifiers_or_none(monkeypatch):
    for serials in ("PNC_SERIALS", "CRO_SERIALS", "NINO_SERIALS"):
        monkeypatch.setattr(identifiers, serials, 400)
    rng, size = Streams(1)("test"), 1_000
    year = np.arange(size) % 3 + 1987
    for valid, values in {
        pnc_is_valid: pnc_ids(rng, year),
        cro_is_valid: cro_numbers(rng, year, small_files=0.3),
        NINO.fullmatch: ninos(rng, size),
    }.items():
        borne = [value for value in values if value is not None]
        assert len(set(borne)) == len(borne) > 400
        assert all(valid(value) for value in borne)


def test_more_people_than_the_nhs_test_range_holds_are_refused():
    with pytest.raises(ConfigError):
        nhs_numbers(Streams(1)("test"), 950_000)


def test_nhs_numbers_are_of_the_test_range(world):
    numbers = world.tables["treatment"]["episode"]["NHSNO"].drop_nulls()
    assert numbers.str.starts_with("9").mean() > 0.98
    assert {len(number) for number in numbers} == {10}


def full_pnc(text):
    return text if text[4] == "/" else ("20" if int(text[:2]) <= 26 else "19") + text


def test_strong_identifiers_of_two_people_are_shared_only_at_the_named_rate(world):
    valid = {
        "pnc_id": lambda text: pnc_is_valid(full_pnc(text)),
        "cro_number": cro_is_valid,
        "nino": NINO.fullmatch,
        "NHSNO": nhs_is_valid,
    }
    for (partner, table), _ in NAMES_A_PERSON.items():
        frame = world.tables[partner][table]
        for column in set(STRONG[table]) & set(valid):
            held = frame.drop_nulls(column).select(column, "person").unique()
            good = held.filter(pl.Series([bool(valid[column](text)) for text in held[column]]))
            owners = good.group_by(column).agg(pl.col("person").n_unique())["person"]
            assert (owners > 1).mean() <= 3 * ErrorRates().identifier_of_another + 0.001


def test_identifiers_mistyped_fail_their_check_about_as_often_as_named(world):
    held = world.tables["police"]["custody"].drop_nulls("pnc_id").unique(["person", "pnc_id"])
    wrong = 1 - np.mean([pnc_is_valid(text) for text in held["pnc_id"]])
    assert 0.4 * ErrorRates().identifier_mistyped < wrong < 3 * ErrorRates().identifier_mistyped


def test_partners_hold_only_the_strong_identifiers_that_they_do_in_life(world):
    found = {
        table: {
            column
            for column in ("pnc_id", "cro_number", "noms_number", "nino", "NHSNO")
            if column in world.tables[partner][table].columns
        }
        for partner, table in NAMES_A_PERSON
    }
    assert found == {table: set(columns) for table, columns in STRONG.items()}
    assert not found["custody"] & found["episode"]


@pytest.mark.parametrize(
    ("partner", "table", "column", "share"),
    [
        ("police", "custody", "pnc_id", Filled().police_pnc),
        ("probation", "sentence", "pnc_id", Filled().probation_pnc),
        ("probation", "sentence", "nino", Filled().probation_nino),
        ("housing", "person", "nino", Filled().housing_nino),
        ("treatment", "episode", "NHSNO", Filled().treatment_nhs),
    ],
)
def test_strong_identifiers_are_filled_as_often_as_named(world, partner, table, column, share):
    frame = world.tables[partner][table].filter(pl.col("person") < world.population.adults)
    frame = frame.unique("person")
    assert abs(frame[column].is_not_null().mean() - share) < 0.05


def test_nothing_happens_after_the_day_of_the_extract_or_before_eighteen(world):
    births = world.population.birth.astype("datetime64[D]")
    starts = {
        ("police", "custody"): "arrest_date",
        ("probation", "sentence"): "sentence_date",
        ("treatment", "episode"): "REFLD",
        ("housing", "application"): "application_date",
    }
    for (partner, table), column in starts.items():
        frame = world.tables[partner][table].with_columns(
            day=days(world.tables[partner][table], column)
        )
        frame = frame.drop_nulls("day")
        day = frame["day"].to_numpy()
        assert day.max() <= np.datetime64(AS_AT)
        assert day.min() >= np.datetime64("2021-06-29")
        age = (day - births[frame["person"].to_numpy()]).astype(int) / 365.25
        assert age.min() >= 18


@pytest.mark.parametrize(
    ("partner", "table", "order"),
    [
        ("probation", "sentence", ("sentence_date", "sentence_end_date")),
        ("probation", "requirement", ("start_date", "end_date")),
        ("probation", "release", ("release_date", "recall_date")),
        ("treatment", "episode", ("REFLD", "TRIAGED", "CPLANDT")),
        ("treatment", "episode", ("TRIAGED", "DISD")),
        ("treatment", "intervention", ("REFMODDT", "FAOMODDT", "MODST", "MODEND")),
        ("housing", "duty", ("start_date", "end_date")),
        ("housing", "tenancy", ("start_date", "end_date")),
        ("police", "custody", ("arrest_date", "release_date")),
        ("police", "custody", ("arrest_date", "outcome_date")),
        ("probation", "release", ("release_date", "recall_date", "licence_expiry_date")),
        ("probation", "accommodation", ("start_date", "end_date")),
        ("housing", "temporary_accommodation", ("start_date", "end_date")),
    ],
)
def test_dates_are_in_order_but_for_the_rows_broken_on_purpose(world, partner, table, order):
    frame = world.tables[partner][table]
    for first, second in pairwise(order):
        wrong = (days(frame, first) > days(frame, second)).sum()
        assert wrong <= 3 + 3 * ErrorRates().broken_rows * frame.height


def test_drug_and_alcohol_requirements_are_never_on_a_custodial_sentence(world):
    tables = world.tables["probation"]
    joined = tables["requirement"].join(tables["sentence"], on="sentence_ref")
    treatment = joined.filter(pl.col("description").str.contains("(?i)drug|DRR|alcohol treatment"))
    assert treatment.height > 100
    assert set(treatment["sentence_type"]) <= {"COEW", "SSO", "XX"}
    released = tables["release"].join(tables["sentence"], on="sentence_ref")
    assert set(released["sentence_type"]) <= {"SC", "NC", "XX"}


def test_drug_tests_are_of_arrests_and_soon_after_them(world):
    tables = world.tables["police"]
    joined = tables["drug_test"].join(tables["custody"], on="custody_ref")
    gap = (days(joined, "test_date") - days(joined, "arrest_date")).dt.total_days().drop_nulls()
    assert gap.is_between(0, 1).all()


def test_some_people_reach_treatment_from_arrest_sentence_and_prison(world):
    routes = world.tables["treatment"]["episode"]["RFLS"].value_counts()
    counts = dict(routes.iter_rows())
    assert min(counts["5"], counts["6"], counts["13"], counts["4"]) > 20


def test_who_refuses_consent_has_one_bare_row_and_no_interventions(world):
    tables = world.tables["treatment"]
    refused = tables["episode"].filter(CONSENT="N")
    assert 0.005 < refused.height / tables["episode"].height < 0.04
    others = refused.drop("AGNCY", "CLIENTID", "CONSENT", "person")
    assert others.null_count().sum_horizontal().item() == others.height * others.width
    assert not tables["intervention"].join(refused, on=["AGNCY", "CLIENTID"], how="semi").height


@pytest.fixture(scope="module")
def population():
    return make_population(20_000, Streams(9), AS_AT, ErrorRates(), Pairs())


def test_twins_share_all_but_their_forename(population):
    people = pl.DataFrame(
        {
            "birth": population.birth,
            "surname": population.surname,
            "home": population.address[:, 0],
            "forename": population.forename,
        }
    )
    twins = (
        people.group_by("birth", "surname", "home")
        .agg(pl.len(), different=pl.col("forename").n_unique())
        .filter(pl.col("len") == 2)
    )
    assert abs(twins.height - Pairs().twins * 20_000) < 10
    assert (twins["different"] == 2).all()


def test_fathers_and_sons_of_one_name_live_together(population):
    people = pl.DataFrame(
        {
            "name": population.forename + " " + population.surname,
            "home": population.address[:, 0],
            "birth": population.birth,
        }
    )
    same = people.group_by("name", "home").agg(
        pl.len(), gap=(pl.col("birth").max() - pl.col("birth").min()) / 365.25
    )
    assert same.filter((pl.col("len") == 2) & pl.col("gap").is_between(17, 60)).height > 80


def test_names_are_skewed_as_in_life_with_a_long_tail(population):
    counts = pl.Series(population.surname).value_counts(sort=True)
    assert counts.row(0)[0] == "Smith"
    assert 0.006 < counts.row(0)[1] / 20_000 < 0.016
    assert counts.height > 4_000
    assert len(composed_surnames()[0]) > 5_000
    for sex in "MF":
        assert len(set(population.forename[population.sex == sex])) > 400


def test_forenames_follow_sex_and_generation(population):
    jordan = population.forename == "Jordan"
    keith = population.forename == "Keith"
    assert population.birth[jordan].mean() > population.birth[keith].mean() + 20 * 365
    assert (population.sex[keith] == "M").all()


def test_hostels_are_shared_by_many(population):
    crowd = np.bincount(population.address[:, 0]).max()
    assert crowd > 40


def identity_errors(world):
    """Return each police identity beside the person it is of."""
    population = world.population
    custody = world.tables["police"]["custody"].unique("person", keep="first", maintain_order=True)
    person = custody["person"].to_numpy()
    return custody.with_columns(
        true_dob=pl.Series(population.birth[person].astype("datetime64[D]").astype(str)),
        true_surname=pl.Series(population.surname[person].tolist()).str.to_uppercase(),
        true_sex=pl.Series(population.sex[person].tolist()),
    )


def test_mistakes_are_about_as_common_as_named(world):
    rates = ErrorRates()
    held = identity_errors(world)
    lied = 1.7 * rates.false_identity
    slips = rates.day_month_exchanged + rates.birth_year_slip + rates.dob_digit_typed_wrong
    known = held.filter(~pl.col("dob").is_in(["1900-01-01", "1970-01-01"]))
    wrong = (known["dob"] != known["true_dob"]).mean()
    assert 0.6 * (slips + lied) < wrong < 1.3 * (slips + lied)
    dummy = held["dob"].is_in(["1900-01-01", "1970-01-01"]).mean()
    assert 0.4 * rates.dob_dummy < dummy < 2 * rates.dob_dummy
    assert 0.5 * rates.dob_missing < held["dob"].is_null().mean() < 1.8 * rates.dob_missing
    other = (held["surname"] != held["true_surname"]).mean()
    named = rates.surname_misspelt + rates.surname_alias + lied + rates.surname_changed_male
    assert 0.6 * named < other < 1.5 * named
    assert (held["sex"] == "N").mean() < 3 * rates.sex_missing
    missing = held["postcode"].is_null().mean()
    assert 0.5 * rates.postcode_missing < missing < 1.6 * rates.postcode_missing


def test_a_world_without_mistakes_has_none():
    none = ErrorRates(**dict.fromkeys(vars(ErrorRates()), 0.0))
    world = make_world(300, 1, AS_AT, rates=none)
    held = identity_errors(world)
    assert (held["dob"] == held["true_dob"]).all()
    assert (held["surname"] == held["true_surname"]).all()
    assert (held["sex"] == held["true_sex"]).all()
    assert held["postcode"].is_not_null().all()


def test_people_are_in_a_partner_twice_as_often_as_named(world):
    sentences = world.tables["probation"]["sentence"]
    crns = sentences.group_by("person").agg(pl.col("crn").n_unique())["crn"]
    assert crns.max() > 1
    assert (crns > 1).mean() < 0.05
    assert sentences.group_by("crn").agg(pl.col("person").n_unique())["person"].max() == 1


def test_a_partner_mostly_copies_what_it_wrote_before(world):
    custody = world.tables["police"]["custody"]
    often = (
        custody.group_by("person")
        .agg(pl.len(), names=pl.struct("forename", "surname", "dob").n_unique())
        .filter(pl.col("len") >= 4)
    )
    assert often["names"].sum() < 0.5 * often["len"].sum()


def test_no_postcode_is_a_real_address(world):
    for partner, table in NAMES_A_PERSON:
        column = "POSTCODE" if table == "episode" else "postcode"
        written = world.tables[partner][table][column].drop_nulls()
        fictional = written.str.contains(r"^[A-Z]{1,2}\d[A-Z\d]? \d[CIKMOV][A-Z]$")
        pseudo = written.str.contains(r"^(ZZ\d\d \d(VZ)|NF\d \dNF)$")
        assert (fictional | pseudo).all()


def test_one_more_mistake_moves_no_other():
    """The same seed with another rate leaves everything else as it was."""
    usual = make_world(300, 2, AS_AT)
    other = make_world(300, 2, AS_AT, rates=ErrorRates(sex_wrong=0.5))
    left, right = (world.tables["police"]["custody"] for world in (usual, other))
    assert left.drop("sex").equals(right.drop("sex"))
    assert not left["sex"].equals(right["sex"])


@pytest.mark.parametrize("name", ["Jo", "Li", "Smith", "O'Brien", "Ann-Marie", "MacDonald"])
def test_a_misspelt_name_is_another_name_that_is_not_empty(name):
    rng = Streams(1)("misspell")
    for kind, where, how in rng.random((300, 3)):
        assert misspell(name, kind, where, how)


def test_a_double_name_is_shortened_or_run_together():
    assert {shorten_double("Hall-Price", u) for u in (0.1, 0.3, 0.6, 0.9)} == {
        "Hall",
        "Price",
        "Hall Price",
        "Hallprice",
    }
    assert shorten_double("Hall", 0.9) == "Hall"
