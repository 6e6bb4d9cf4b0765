"""What is held of one person, for who answers the person: all of it, and nobody else's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import polars as pl
from asking import current_run, someone, write_rows

from flows.committed import changed_store
from flows.context import open_control
from flows.keys.rings import store_keys
from flows.rights import status as rights_status
from warehouse.connect import open_release, open_store
from warehouse.erasure import rows_about, staged_keys

if TYPE_CHECKING:
    from conftest import Partnership
    from typer.testing import Result

NOBODY = {"custody_ref": "CU9999999"}


def asked(ran: Partnership, *rows: Mapping[str, str], words: tuple[str, ...] = ()) -> Result:
    file = write_rows(ran.folder.parent / "request.csv", rows)
    out = ran.folder.parent / "answer.duckdb"
    return ran.journeys(
        "rights", "access", "--partner", "police", "--file", str(file), "--to", "A. Officer",
        "--out", str(out), *words,
    )  # fmt: skip


def opened(ran: Partnership) -> dict[str, pl.DataFrame]:
    """Every table of the answer."""
    out = ran.folder.parent / "answer.duckdb"
    con = open_release(out, out.with_name(f"{out.name}.key").read_text().strip())
    names = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
    found = {name: con.execute(f"SELECT * FROM {name}").pl() for name in names}
    con.close()
    return found


def staged(ran: Partnership) -> Any:
    run = current_run(ran)
    key = store_keys(ran.settings, run)["staging"]
    return open_store(ran.settings.stores / run / "staging.duckdb", key, read_only=True)


def test_an_answer_holds_what_is_held_of_the_person_and_of_nobody_else(ran: Partnership) -> None:
    one = someone(ran)
    beside = {path.name for path in ran.folder.parent.iterdir()}
    row = {"custody_ref": one.row["custody_ref"]}
    by_initials = sorted(one.records)[:2]
    with changed_store(ran.settings, current_run(ran), "identity") as store:
        store.execute("INSERT INTO attached_link VALUES (?, ?, 9.5)", by_initials)
    done = asked(ran, row)
    assert done.exit_code == 0, done.output
    made = {path.name for path in ran.folder.parent.iterdir()} - beside
    assert made == {"request.csv", "answer.duckdb", "answer.duckdb.key"}
    found = opened(ran)
    of_records = [f["record_id"] for f in found.values() if "record_id" in f.columns]
    records = set(pl.concat(of_records).drop_nulls())
    assert records == one.records
    assert {"police_custody", "link", "about", "source"} <= found.keys()
    assert set(found["link"]["record_id_l"]) | set(found["link"]["record_id_r"]) <= one.records
    assert (found["link"]["odds_to_one"] > 1).all()
    initials = found["link"].filter(pl.col("found_by").str.starts_with("initials"))
    assert initials.select("record_id_l", "record_id_r").rows() == [tuple(by_initials)]
    assert set(found["source"]["partner"]) == set(ran.settings.partners)
    # It is encrypted, and the screen says nothing of the person or of who knows them.
    content = (ran.folder.parent / "answer.duckdb").read_bytes()
    assert not any(n.to_bytes(8, "little", signed=True) in content for n in records)
    assert one.person not in done.output and "housing" not in done.output
    with open_control(ran.settings) as control:
        (told,) = [e for e in control.audit_entries("disclosure") if e.detail["right"] == "access"]
        (case,) = control.rights_cases().values()
    assert told.recipients == "A. Officer" and told.detail["file"].startswith("sha256:")
    assert case.due_on > case.received_on and rights_status.status(ran.settings)["requests"]
    # Again, at the same place, nothing is overwritten.
    assert asked(ran, row).exit_code == 1


def test_what_is_withheld_is_left_out_on_a_ground_of_that_part_of_the_law(ran: Partnership) -> None:
    row = {"custody_ref": someone(ran).row["custody_ref"]}
    for wrong in ("police=rights-of-others", "police", "nobody=s45-crime", "housing=s45-crime"):
        assert asked(ran, row, words=("--withhold", wrong)).exit_code == 2
    words = ("--withhold", "police=s45-inquiry", "--withhold", "housing=rights-of-others")
    assert asked(ran, row, words=words).exit_code == 0
    # In a folder an answer has its request's id for a name, so that two never meet.
    folder = ran.folder.parent / "answers"
    folder.mkdir()
    for number in (1, 2):
        assert asked(ran, row, words=("--out", str(folder))).exit_code == 0
        assert len(list(folder.glob("answer-????????.duckdb"))) == number
    found = opened(ran)
    assert not [name for name in found if name.startswith(("police", "housing"))]
    links = found["link"]
    assert {*links["partner_l"], *links["partner_r"]} <= {"probation", "treatment"}
    assert dict(found["withheld"].select("partner", "provision").iter_rows()) == {
        "police": "DPA 2018 section 45(4)(a)",
        "housing": "UK GDPR Article 15(4); DPA 2018 Schedule 2 paragraph 16",
    }


def test_nobody_else_is_answered_for(ran: Partnership) -> None:
    one = someone(ran)
    both = [{"custody_ref": ref["custody_ref"]} for ref in (one.row, one.other)]
    for rows, said in (([NOBODY], "is known by line 1"), (both, "of one person")):
        refused = asked(ran, *rows)
        assert refused.exit_code == 1 and said in refused.stderr
    assert not (ran.folder.parent / "answer.duckdb").exists()
    with open_control(ran.settings) as control:
        said = [e.detail["said"] for e in control.audit_entries("consultation")]
        assert said == ["refused", "refused"] and control.rights_cases() == {}


def test_of_a_household_only_the_persons_own_rows_are_told(ran: Partnership) -> None:
    con = staged(ran)
    people = con.execute(
        "SELECT case_key, list(record_id) FROM housing_person GROUP BY 1 HAVING count(*) > 1"
    ).fetchall()
    keys = staged_keys(con, "housing")
    application, (first, *others) = people[0]
    about = rows_about("housing", keys, pl.Series([first]))
    told = keys["housing_person"].filter(
        pl.col("person_key").is_in(about["housing_person"].implode())
    )
    con.close()
    assert first in set(told["record_id"]) and not set(told["record_id"]) & set(others)
    assert application in set(about["housing_application"])
    theirs = keys["housing_duty"].filter(
        pl.col("case_key").is_in(about["housing_application"].implode())
    )
    assert set(about["housing_duty"]) == set(theirs["duty_key"])
