"""What the hub believes of a sealed file that its partner signed: no more than it can check."""

from __future__ import annotations

import io
import json
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from at_source import PARTNERS, Desk, deliver, hand_in, to_source
from forging import part_of, refused, resealed, with_encodings, with_events, with_facts, with_part
from made_once import made_once

from flows.clock import local_day, utc_now
from flows.context import open_control
from flows.intake.at_source import encode_at_source
from flows.intake.encoding import Encoded
from flows.intake.inside import _are_stand_in_words
from flows.intake.payload import packed, unpack
from flows.intake.records import _claimed_before
from flows.keys.bundles import read_issued
from flows.keys.rings import ring_of, store_keys
from flows.refresh import run_refresh
from flows.safe_errors import Rejected
from flows.settings import load_settings
from governance.agreements import load_agreement
from governance.sealing import unseal
from schemas.encoded import STAND_IN
from schemas.errors import ExtractRejected

if TYPE_CHECKING:
    from conftest import Partnership

NAME = "Zyxforena Qwcanaryson"
TODAY = local_day(utc_now())
Change = Callable[[Encoded], Encoded]


# Through a whole run: refused at intake, the partner named, and nothing of the value told


def in_custody(column: str, value: object) -> Change:
    return lambda e: with_events(
        e, "police_custody", lambda f: f.with_columns(pl.lit(value).alias(column))
    )


def everywhere_a_name(encoded: Encoded) -> Encoded:
    """A name in every text column of every table of events."""
    events = {
        table: frame.with_columns(pl.col(pl.String).map_elements(lambda _: NAME, pl.String))
        for table, frame in part_of(encoded).events.items()
    }
    return with_part(encoded, events=events)


FOUND_LATE: dict[str, tuple[Change, str]] = {
    "names in code columns": (everywhere_a_name, "custody.outcome ("),
    "a year of birth that no store holds": (in_custody("birth_year", 2**40), "custody.birth_year"),
    "a day that Python has not": (
        in_custody("arrest_date", date(2999, 1, 1)), "custody.arrest_date"),
    "a data day of year 1": (lambda e: with_facts(e, data_as_at=date(1, 1, 1)), "in the form"),
    "more columns than there are numbers": (
        lambda e: with_facts(e, over_shared=10**30), "in the form"),
}  # fmt: skip


@pytest.mark.parametrize("name", FOUND_LATE)
def test_it_is_refused_at_intake_and_the_partner_is_named(police_apart, name: str) -> None:
    hub, desks = police_apart
    desk = desks["police"]
    change, said = FOUND_LATE[name]
    resealed(hub, desk, change=change)
    refused(hub, said)
    assert "Zyxforena" not in str(hub.last_problem())


def test_what_a_manifest_says_is_not_echoed(police_apart) -> None:
    hub, desks = police_apart
    desk = desks["police"]
    resealed(hub, desk, encoding_version="Jane Doe 1980\x1b[2J")
    refused(hub, "a manifest that does not read")
    said = str(hub.last_problem()) + hub.journeys("status").output
    assert "Jane" not in said and "\x1b[2J" not in said


def test_nobody_brings_the_record_of_another_partner(police_apart) -> None:
    from warehouse.connect import open_store

    hub, desks = police_apart
    desk = desks["police"]
    with open_control(hub.settings) as control:
        current = control.current_run()
    assert current is not None
    key = store_keys(hub.settings, current.run_id)["identity"]
    path = hub.settings.stores / current.run_id / "identity.duckdb"
    store = open_store(path, key, read_only=True)
    of_housing = "SELECT min(record_id) FROM encoded_record WHERE partner = 'housing'"
    stolen = (store.execute(of_housing).fetchone() or (0,))[0]
    store.close()

    def stealing(encoded: Encoded) -> Encoded:
        own = part_of(encoded).encoded["record_id"][0]
        swapped = pl.col("record_id").replace(own, stolen)
        events = {
            name: frame.with_columns(swapped) if "record_id" in frame.columns else frame
            for name, frame in part_of(encoded).events.items()
        }
        changed = part_of(encoded).encoded.with_columns(swapped)
        return with_part(encoded, encoded=changed, events=events)

    resealed(hub, desk, change=stealing)
    refused(hub, "1 record(s) in the sealed file of police are of another partner")


def test_a_record_claimed_before_its_owner_had_it_is_the_owners() -> None:
    """All partners hold the purpose's key, so one can name a record that is still to come."""
    staged = pl.DataFrame({"partner": ["police", "police", "housing"], "record_id": [1, 2, 3]})
    fresh = {"housing": pl.Series([2, 3, 4]), "probation": pl.Series([5])}
    wrong = _claimed_before(fresh, staged, {"police"}, {"housing", "probation"})
    assert list(wrong) == ["police"]
    assert "1 record(s) that police sealed before are of housing" in str(wrong["police"])
    assert _claimed_before(fresh, staged, set(), {"housing"}) == {}


def test_what_the_hub_would_not_take_is_told_at_the_source(
    tmp_path: Path, ran: Partnership
) -> None:
    desk = to_source(ran.folder, tmp_path / "desks", ["treatment"])["treatment"]
    episodes = next(desk.extract.glob("episode*.csv"))
    table = pl.read_csv(episodes, infer_schema=False)
    first = pl.int_range(pl.len()) == 5
    named = {c for c in table.columns if c.lower() == "agncy"}
    table.with_columns(
        pl.when(first).then(pl.lit(NAME)).otherwise(c).alias(c) for c in named
    ).write_csv(episodes)
    out = tmp_path / "out.sealed"
    done = desk.encode(out)
    assert done.exit_code == 1
    assert "episode.agncy (1)" in done.output.replace("\n", " ")
    assert NAME not in done.output and not out.exists()


def test_a_hub_without_an_identifier_key_knows_which_epochs_it_gave_out(at_source) -> None:
    hub, desks = at_source
    for desk in desks.values():
        hand_in(hub.folder, desk)
    known = read_issued(hub.folder / "keys" / "partners" / "police.pub").epochs

    def both(encoded: Encoded) -> Encoded:
        return replace(encoded, parts={1: part_of(encoded), 5: part_of(encoded)})

    resealed(hub, desks["police"], change=both, epochs={**known, 5: "f" * 16})
    refused(hub, "other than those of the bundle")


@pytest.mark.usefixtures("slight")
def test_a_wrong_clock_does_not_shut_an_honest_partner_out(police_apart) -> None:
    hub, desks = police_apart
    desk = desks["police"]
    resealed(hub, desk, made_at=utc_now() + timedelta(hours=23))
    refused(hub, "has not come")
    deliver(hub.folder, desk)
    assert run_refresh(hub.settings)["partners"]["police"]["extract"] == "new"


# What is inside, by itself


def encode_at_source_of(desk: Desk) -> Any:
    return encode_at_source(desk.bundle, desk.partner, [desk.extract], now=utc_now())


@pytest.fixture(scope="session")
def taken_apart(tmp_path_factory: pytest.TempPathFactory, fresh_original: Path) -> Path:
    def make(folder: Path) -> None:
        shutil.copytree(fresh_original, folder / "hub")
        to_source(folder / "hub", folder / "desks")

    return made_once(tmp_path_factory, "taken-apart", make)


@pytest.fixture(scope="session")
def given(taken_apart: Path) -> Callable[[str], tuple[Any, ...]]:
    """By partner what `check_inside` takes: an honest file's inside, manifest, terms."""
    from functools import cache

    from schemas.events import HeldTo
    from schemas.policy import packaged_policy

    settings = load_settings(taken_apart / "hub" / "partnership.yaml")

    @cache
    def given_by(partner: str) -> tuple[Any, ...]:
        made = encode_at_source_of(Desk(taken_apart / "desks" / partner, partner))
        encoded = unpack(unseal(made.content, made.manifest, ring_of(settings, "seal")))
        agreement = load_agreement(settings.partner(partner).agreement)
        return encoded, made.manifest, agreement, HeldTo(packaged_policy(), None, TODAY)

    return given_by


def check(given: Any, partner: str, change: Change) -> None:
    from flows.intake.inside import check_inside

    encoded, manifest, *terms = given(partner)
    changed = change(encoded)
    rows = {name: dict(counts) for name, counts in changed.facts.rows.items()}
    said = replace(manifest, rows=rows, data_as_at=changed.facts.data_as_at)
    check_inside(changed, said, *terms)


@pytest.mark.parametrize("partner", PARTNERS)
def test_an_honest_file_is_believed(given, partner: str) -> None:
    check(given, partner, lambda encoded: encoded)


TEXTS = (NAME, "NR3 1AB", "\x1b[2J", "a\0", "1\n", "", "Zyxforena", "1980-05-06")
LIKE_AN_AGENCY = ("ZYXFORENA", "19800506")
AGENCIES = ("agncy", "receiving_agency")
"""Of an agency no list is held; its code has three to ten capitals and digits."""


@pytest.mark.parametrize("token", ["t_date_surname", "t_nino"])
def test_records_are_not_all_alike(given, token: str) -> None:
    """A broken program's, or one that would have the hub compare every record with every other."""
    first = pl.int_range(pl.len())

    def alike(share: float) -> Change:
        same = pl.when(first < share * pl.len()).then(1).otherwise(first + 2).cast(pl.Int64)
        return lambda e: with_encodings(e, lambda f: f.with_columns(same.alias(token)))

    check(given, "police", alike(0.4))
    with pytest.raises(ExtractRejected, match="In 1 of the tokens in the sealed file of police"):
        check(given, "police", alike(0.6))


@pytest.mark.parametrize("partner", PARTNERS)
def test_no_text_column_takes_a_name(given, partner: str) -> None:
    """One row of every text column of every table."""
    for text in (*TEXTS, *LIKE_AN_AGENCY):
        told = {
            f"{table.removeprefix(partner + '_')}.{column} (1)"
            for table, frame in part_of(given(partner)[0]).events.items()
            for column in frame.select(pl.col(pl.String)).columns
            if not frame.is_empty() and not (text in LIKE_AN_AGENCY and column in AGENCIES)
        }
        with pytest.raises(ExtractRejected) as caught:
            check(given, partner, lambda e, said=text: in_the_first_row(e, said))
        # A text in the place of no outcome also makes a planned day one that has come.
        assert told <= set(caught.value.problem.rstrip(".").split(": ")[1].split(", "))
        assert len(told) > 5 and "Zyx" not in str(caught.value)


def in_the_first_row(encoded: Encoded, text: str) -> Encoded:
    first = pl.when(pl.int_range(pl.len()) == 0)
    events = part_of(encoded).events
    return with_part(
        encoded,
        events={
            table: frame.with_columns(
                first.then(pl.lit(text)).otherwise(pl.col(name)).alias(name)
                for name in frame.select(pl.col(pl.String)).columns
            )
            for table, frame in events.items()
        },
    )


@pytest.mark.parametrize("partner", PARTNERS)
@pytest.mark.parametrize("day", [date(2999, 1, 1), date(1066, 1, 1), date.max, date.min])
def test_no_day_is_out_of_this_world(given, partner: str, day: date) -> None:
    for table, frame in part_of(given(partner)[0]).events.items():
        for column in frame.select(pl.col(pl.Date)).columns:
            if not frame.is_empty():
                with pytest.raises(ExtractRejected, match=rf"[.]{column} "):
                    check(given, partner, days_of(table, column, pl.lit(day)))


def test_days_before_python_are_counted_too(given) -> None:
    long_ago = pl.lit(-4_000_000, pl.Int32).cast(pl.Date)
    with pytest.raises(ExtractRejected, match=r"custody[.]arrest_date"):
        check(given, "police", days_of("police_custody", "arrest_date", long_ago))


def days_of(table: str, column: str, day: pl.Expr) -> Change:
    return lambda e: with_events(e, table, lambda f: f.with_columns(day.alias(column)))


def test_what_has_happened_is_not_of_a_day_to_come_and_what_is_planned_may_be(given) -> None:
    to_come = pl.lit(TODAY + timedelta(days=40))
    with pytest.raises(ExtractRejected, match=r"custody[.]release_date"):
        check(given, "police", days_of("police_custody", "release_date", to_come))
    check(given, "probation", days_of("probation_sentence", "sentence_end_date", to_come))
    # A requirement that has an outcome has ended; one that has none is only planned to.
    table = "probation_requirement"
    with pytest.raises(ExtractRejected, match=r"requirement[.]end_date"):
        check(given, "probation", days_of(table, "end_date", to_come))
    open_ended = pl.when(pl.col("outcome").is_null()).then(to_come).otherwise("end_date")
    check(given, "probation", days_of(table, "end_date", open_ended))


NUMBERS = [("birth_year", value) for value in (-5, 0, 1850, 1902, TODAY.year + 1, 2**31, 2**40)]


@pytest.mark.parametrize(("column", "value"), NUMBERS)
def test_a_year_of_birth_is_a_year_somebody_was_born_in(given, column: str, value: int) -> None:
    with pytest.raises(ExtractRejected, match=r"custody[.]birth_year"):
        check(given, "police", in_custody(column, value))


@pytest.mark.parametrize(("column", "most"), [("alcuse", 28), ("quallife", 20)])
def test_numbers_keep_their_range(given, column: str, most: int) -> None:
    def change(value: int) -> Change:
        name = "treatment_outcomes_profile"
        return lambda e: with_events(
            e, name, lambda f: f.with_columns(pl.lit(value, pl.Int64).alias(column))
        )

    check(given, "treatment", change(most))
    for value in (most + 1, -1, 2**40):
        with pytest.raises(ExtractRejected, match=rf"outcomes_profile[.]{column}"):
            check(given, "treatment", change(value))


def test_a_value_that_must_be_there_is(given) -> None:
    with pytest.raises(ExtractRejected, match=r"custody[.]arrest_date"):
        check(given, "police", no_arrest_date)
    with pytest.raises(ExtractRejected, match=r"episode[.]consent"):
        check(given, "treatment", lambda e: with_events(
            e, "treatment_episode", lambda f: f.with_columns(consent=pl.lit("N"))))  # fmt: skip


def no_arrest_date(encoded: Encoded) -> Encoded:
    nothing = pl.lit(None, pl.Date).alias("arrest_date")
    return with_events(encoded, "police_custody", lambda f: f.with_columns(nothing))


def test_the_lists_are_the_hubs_with_the_partnerships_own(given, tmp_path: Path) -> None:
    from flows.intake.inside import check_inside

    own = "code,label,valid_from,valid_to,status,source\nown-1,Ours,,,confirmed,us\n"
    (tmp_path / "police_outcome.csv").write_text(own)
    encoded, manifest, agreement, held = given("police")
    changed = in_custody("outcome", "own-1")(encoded)
    counts = {"own-1": 1}
    with pytest.raises(ExtractRejected, match=r"custody[.]outcome"):
        check_inside(changed, manifest, agreement, held)
    profile = json.loads(json.dumps(encoded.facts.profile))
    rows = profile["custody"]["rows"]
    profile["custody"]["empty"]["outcome"], profile["custody"]["codes"]["outcome"] = (
        rows - 1,
        counts,
    )
    changed = with_facts(changed, profile=profile)
    check_inside(changed, manifest, agreement, replace(held, codes=tmp_path))


def test_a_code_that_the_policy_lets_pass_is_taken_where_it_looks_like_one(given) -> None:
    check(given, "police", in_test("authority", "Q99"))
    with pytest.raises(ExtractRejected, match=r"drug_test[.]result"):
        check(given, "police", in_test("result", "Q99"))


def in_test(column: str, value: str) -> Change:
    return lambda e: with_events(
        e, "police_drug_test", lambda f: f.with_columns(pl.lit(value).alias(column))
    )


def shifted(table: str, column: str) -> Change:
    return lambda e: with_events(e, table, lambda f: f.with_columns(pl.col(column) + 1))


def more_rows(encoded: Encoded, **counts: int) -> Encoded:
    rows = {name: dict(one) for name, one in encoded.facts.rows.items()}
    rows["custody"] |= counts
    # What is remembered of a table need not be told.
    profile = {name: one for name, one in encoded.facts.profile.items() if name != "custody"}
    return with_facts(encoded, rows=rows, profile=profile)


def with_profile(encoded: Encoded, change: Callable[[Any], None]) -> Encoded:
    profile = json.loads(json.dumps(encoded.facts.profile))
    change(profile)
    return with_facts(encoded, profile=profile)


def rule(table: str, column: str, name: str, count: int = 1) -> dict[str, str | int]:
    return {"table": table, "column": column, "rule": name, "count": count}


def six_rules(encoded: Encoded) -> Encoded:
    from schemas.rules import rules_of
    from schemas.tables import find_table

    found = list(rules_of(find_table("police", "custody")))[:6]
    return with_facts(encoded, top_rules=[rule("custody", c, name) for c, name, _ in found])


def worded(make: Callable[[pl.DataFrame], pl.DataFrame]) -> Change:
    """With other secret words of the records."""
    return lambda e: with_encodings(e, make)


FORGED: dict[str, Change] = {
    "one secret word for all": worded(lambda f: f.with_columns(stand_in_0=pl.lit(7, pl.Int64))),
    "a record without a secret word": worded(
        lambda f: f.with_columns(stand_in_1=pl.col("stand_in_1").replace(f["stand_in_1"][0], None))
    ),
    "one secret word for two records": worded(
        lambda f: f.with_columns(
            stand_in_1=pl.col("stand_in_1").replace(f["stand_in_1"][0], f["stand_in_1"][1])
        )
    ),
    "two secret words that are one": worded(
        lambda f: f.with_columns(stand_in_1=pl.col("stand_in_0"))
    ),
    "record ids for secret words": worded(
        lambda f: f.with_columns(stand_in_0=pl.col("record_id"))
    ),
    "secret words that count": worded(
        lambda f: f.with_columns(stand_in_1=pl.int_range(pl.len(), dtype=pl.Int64))
    ),
    "tests without a custody": shifted("police_drug_test", "custody_key"),
    "one key twice": lambda e: with_events(
        e, "police_drug_test", lambda f: f.with_columns(pl.lit(1, pl.Int64).alias("drug_test_key"))
    ),
    "a bit that is none": lambda e: with_encodings(
        e, lambda f: f.with_columns(pl.lit(77, kind).alias(name)
                                    for name, kind in f.schema.items() if kind == pl.Int8)
        if pl.Int8 in f.dtypes else f.clear()
    ),
    "no encoding at all": lambda e: with_encodings(
        e, lambda f: f.with_columns(pl.lit(None, kind).alias(name)
                                    for name, kind in f.schema.items()
                                    if name not in ("record_id", "partner"))
    ),
    "more received than accounted for": lambda e: more_rows(e, received=10**7),
    "withheld where nobody is asked": lambda e: more_rows(
        e, received=e.facts.rows["custody"]["received"] + 5, withheld=5
    ),
    "rows of a table that there is not": lambda e: with_facts(
        e, rows=dict(e.facts.rows) | {"zyxforena": dict.fromkeys(e.facts.rows["custody"], 0)}
    ),
    "no rows of a table": lambda e: with_facts(
        e, rows={name: one for name, one in e.facts.rows.items() if name != "drug_test"}
    ),
    "a name that is missing": lambda e: with_facts(
        e, missing=("zyxforena.qwcanaryson-1980-02-01",)
    ),
    "a column that is missing and not shared": lambda e: with_facts(
        e, missing=("suspected_drug_death.surname",)
    ),
    "a rule that there is not": lambda e: with_facts(
        e, top_rules=[rule("custody", "arrest_date", "zyxforena")]
    ),
    "a rule of another column": lambda e: with_facts(
        e, top_rules=[rule("custody", "outcome", "not_a_date")]
    ),
    "a rule broken oftener than rows": lambda e: with_facts(
        e, top_rules=[rule("custody", "arrest_date", "not_a_date", 10**8)]
    ),
    "a rule told twice": lambda e: with_facts(
        e, noted=[rule("custody", "arrest_date", "not_a_date")] * 2
    ),
    "more rules than are told": six_rules,
    "rows of a table that is not shared": lambda e: with_facts(
        e,
        rows=dict(e.facts.rows)
        | {
            "suspected_drug_death": {
                "received": 3,
                "kept": 0,
                "quarantined": 3,
                "withheld": 0,
            }
        },
    ),
    "a table that was not taken": lambda e: with_facts(e, not_taken={"zyxforena": 1}),
    "a disclosed table that was not taken": lambda e: with_facts(e, not_taken={"drug_test": 1}),
    "a profile of no table": lambda e: with_profile(
        e, lambda p: p.update(zyxforena=p["custody"])
    ),
    "a profile of other rows": lambda e: with_profile(e, lambda p: p["custody"].update(rows=1)),
    "a column in a profile": lambda e: with_profile(
        e, lambda p: p["custody"]["empty"].update(zyxforena=0)
    ),
    "a code in a profile": lambda e: with_profile(
        e, lambda p: p["custody"]["codes"]["outcome"].update({NAME: 0})
    ),
    "codes that do not add up": lambda e: with_profile(
        e, lambda p: p["custody"]["codes"]["outcome"].update({"": 10**6})
    ),
    "codes of a column that has none": lambda e: with_profile(
        e, lambda p: p["custody"]["codes"].update(arrest_date={})
    ),
    "more empty than rows": lambda e: with_profile(
        e, lambda p: p["custody"]["empty"].update(arrest_date=10**8)
    ),
    "data of before the events": lambda e: with_facts(e, data_as_at=date(1903, 1, 1)),
}  # fmt: skip


@pytest.mark.parametrize("name", FORGED)
def test_what_does_not_hold_together_is_refused(given, name: str) -> None:
    with pytest.raises(ExtractRejected, match="in the form agreed"):
        check(given, "police", FORGED[name])


def test_secret_words_are_others_in_every_epoch(given) -> None:
    words = part_of(given("police")[0]).encoded.select("record_id", *STAND_IN)
    other = words.with_columns(pl.all().hash(seed=1).reinterpret(signed=True))
    assert _are_stand_in_words([words, other])
    assert not _are_stand_in_words([words, other.with_columns(words["stand_in_1"])])
    assert not _are_stand_in_words([words, other.with_columns(stand_in_0=words["record_id"])])


def test_an_honest_file_may_tell_less(given) -> None:
    check(given, "police", lambda e: more_rows(e))


def test_the_manifest_says_what_is_inside(given) -> None:
    from flows.intake.inside import check_inside

    encoded, manifest, *terms = given("police")
    rows = {name: dict(counts) for name, counts in manifest.rows.items()}
    rows["custody"]["quarantined"] += 1
    for said in (
        {"data_as_at": manifest.data_as_at - timedelta(days=1)},
        {"epochs": {2: manifest.epochs[1]}},
        {"rows": rows},
    ):
        with pytest.raises(ExtractRejected, match="in the form agreed"):
            check_inside(encoded, replace(manifest, **said), *terms)


def test_tests_that_may_not_be_disclosed_are_not_there(given) -> None:
    from flows.intake.inside import check_inside

    encoded, manifest, agreement, held = given("police")
    undisclosed = agreement.model_copy(update={"pace_63b_purpose": None})
    assert undisclosed.undisclosed == ("drug_test",)
    keys = with_events(
        encoded, "police_drug_test", lambda f: f.select("drug_test_key", "custody_key")
    )
    assert part_of(keys).events["police_drug_test"].height > 0
    with pytest.raises(ExtractRejected, match="in the form agreed"):
        check_inside(keys, manifest, undisclosed, held)


@pytest.mark.parametrize("partner", PARTNERS)
def test_every_column_of_events_has_something_to_be_held_to(given, partner: str) -> None:
    from governance.pseudonymise import event_columns
    from schemas.events import allowed
    from schemas.tables import TABLES
    from warehouse.staging import tables_of

    everything = frozenset({"keep", "encode", "generalise"})
    for table in TABLES[partner]:
        columns = event_columns(table, dict.fromkeys(table.columns, everything))
        keys = {name for name in columns if name == "record_id" or name.endswith("_key")}
        assert columns - keys <= set(allowed(table, sorted(columns), given(partner)[-1]))
        assert keys <= set(tables_of(partner)[f"{partner}_{table.name}"])


# The files in it


@pytest.fixture(scope="session")
def payload(given) -> bytes:
    from flows.intake.payload import pack

    return pack(given("police")[0])


def members(payload: bytes) -> list[tuple[str, bytes]]:
    at = 4 + int.from_bytes(payload[:4], "big")
    found = []
    for name, size in json.loads(payload[4:at]):
        found.append((name, payload[at : at + size]))
        at += size
    return found


def with_member(name: str, content: bytes) -> Callable[[list[tuple[str, bytes]]], Any]:
    return lambda listed: [(n, content if n == name else c) for n, c in listed]


def arrow(frame: pl.DataFrame, how: Any = "uncompressed") -> bytes:
    made = io.BytesIO()
    frame.write_ipc(made, compression=how)
    return made.getvalue()


def facts_with(name: bytes, value: bytes) -> Callable[[list[tuple[str, bytes]]], Any]:
    def change(listed: list[tuple[str, bytes]]) -> list[tuple[str, bytes]]:
        (facts,) = [content for name, content in listed if name == "facts.json"]
        said = json.loads(facts) | {name.decode(): "HERE"}
        written = json.dumps(said).encode().replace(b'"HERE"', value)
        return [("facts.json", written), *(one for one in listed if one[0] != "facts.json")]

    return change


BROKEN: dict[str, Callable[[list[tuple[str, bytes]]], list[tuple[str, bytes]]]] = {
    "a file of no kind": lambda m: [*m, ("notes.txt", NAME.encode())],
    "two files for one table": lambda m: [*m, ("01/encoded.arrow", m[1][1])],
    "one file twice": lambda m: [*m, m[1]],
    "a table without its texts": lambda m: [one for one in m if one[0] != "1/encoded.json"],
    "texts without a table": lambda m: [*m, ("1/more.json", b"{}")],
    "a path": lambda m: [*m, ("1/../x.arrow", m[1][1])],
    "no facts": lambda m: [one for one in m if one[0] != "facts.json"],
    "an empty table": with_member("1/encoded.arrow", b""),
    "garbage": with_member("1/encoded.arrow", b"ARROW1\0\0" + b"\xff" * 400 + b"ARROW1"),
    "numbers beyond the texts": with_member("1/encoded.json", b'{"partner": []}'),
    "texts of no column": with_member("1/encoded.json", b'{"zyxforena": ["x"]}'),
    "a long text": with_member("1/encoded.json", json.dumps({"partner": ["x" * 101]}).encode()),
    "text in the table itself": with_member(
        "1/police_custody.arrow", arrow(pl.DataFrame({"outcome": [NAME]}))),
    "a nested column": with_member("1/police_custody.arrow", arrow(pl.DataFrame({"x": [[1]]}))),
    "facts without an end": lambda m: [
        (n, b" " * (1 << 23) + c if n == "facts.json" else c) for n, c in m
    ],
    "deep facts": with_member("facts.json", b"[" * 200_000),
    "NaN": facts_with(b"over_shared", b"NaN"),
    "a number too large": facts_with(b"other_files", b"1" + b"0" * 30),
    "a yes for a number": facts_with(b"other_files", b"true"),
    "a note": facts_with(b"note", b'"Zyxforena"'),
    "words among the rules": facts_with(
        b"top_rules", b'[{"table":"custody","column":"A B","rule":"x","count":1}]'),
    "a rule with more to it": facts_with(
        b"top_rules", b'[{"table":"custody","column":"a","rule":"x","count":1,"more":1}]'),
}  # fmt: skip


@pytest.mark.parametrize("name", BROKEN)
def test_files_that_are_not_as_they_should_be_are_refused(payload: bytes, name: str) -> None:
    with pytest.raises(ExtractRejected, match="in the form agreed"):
        unpack(packed(BROKEN[name](members(payload))))


LISTS = [
    b"",
    b"\0\0",
    b"\xff\xff\xff\xff[]",
    b"\0\0\0\2[]more",
    b"\0\0\0\2[",
    packed([])[:4] + b"{}",
    b"\0\0\0\x10" + b'[["a.json", -1]]',
    b"\0\0\0\x0f" + b'[["a.json", 9]]' + b"short",
    b"\0\1\0\0" + b"[" * (1 << 16),
    b"\0\2\0\0" + b"[]" + b" " * ((1 << 17) - 2),
]


@pytest.mark.parametrize("content", LISTS, ids=range(len(LISTS)))
def test_files_of_another_form_are_refused(content: bytes) -> None:
    with pytest.raises(ExtractRejected, match="in the form agreed"):
        unpack(content)


def test_one_byte_more_or_less_is_refused(payload: bytes) -> None:
    assert packed(members(payload)) == payload
    for content in (payload + b"\0", payload[:-1]):
        with pytest.raises(ExtractRejected):
            unpack(content)


@pytest.mark.parametrize("how", ["zstd", "lz4"])
def test_a_table_that_unpacks_to_more_is_not_unpacked(payload: bytes, how: str) -> None:
    rows = 20_000_000
    nothing = pl.DataFrame({"record_id": pl.repeat(0, rows, dtype=pl.Int64, eager=True)})
    bomb = arrow(nothing, how)
    del nothing
    assert len(bomb) < 1_500_000
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    bombs = [(f"1/b_{n}.arrow", bomb) for n in "abcdef"]
    texts = [(f"1/b_{n}.json", b"{}") for n in "abcdef"]
    content = packed([*members(payload), *bombs, *texts])
    with pytest.raises(ExtractRejected, match="in the form agreed"):
        unpack(content)
    # Kilobytes; the six tables would be a gigabyte.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 150_000


def test_the_largest_file_is_bounded(police_apart, monkeypatch) -> None:
    hub, desks = police_apart
    hand_in(hub.folder, desks["police"])
    monkeypatch.setattr("flows.intake.sealed.LARGEST", 1000)
    with pytest.raises(Rejected, match="larger than 1000 bytes"):
        run_refresh(hub.settings)
