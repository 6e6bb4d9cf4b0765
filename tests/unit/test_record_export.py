"""Entries given away with their proofs are checked by whoever kept a checkpoint, and only so."""

from __future__ import annotations

import json
import re
from contextlib import suppress
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from record_log import NOW, RECORDER, checkpoint, fill

from governance.control import Control
from governance.record.checkpoint import Checkpoint, as_file, read_checkpoints
from governance.record.export import Selection, check, lines
from governance.record.leaves import as_moment, moment
from governance.record.merkle import Tree
from governance.record.verify import Row
from schemas.errors import RecordProblem

COUNT, EARLIER = 23, 9


@pytest.fixture(scope="module")
def record(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Row], Checkpoint, Checkpoint]:
    """The rows of a record, a checkpoint of it and one of when it was smaller."""
    path = tmp_path_factory.mktemp("export") / "control.db"
    fill(path, EARLIER)
    earlier = checkpoint(path)
    fill(path, COUNT - EARLIER)
    with Control(f"sqlite:///{path}") as control, control.snapshot() as kept:
        return [tuple(row) for row in kept.rows()], checkpoint(path), earlier


def exported(rows: list[Row], now: Checkpoint, earlier: Checkpoint, chosen: Selection) -> list[str]:
    tree = Tree(row[1] for row in rows)
    wanted = [row for row in rows if chosen.takes(row)]
    return list(lines(now, tree, wanted, [earlier.size], chosen.everything))


SELECTIONS = st.builds(
    Selection,
    since=st.sampled_from([None, "2026-11-22", "2027-01-01"]),
    partner=st.sampled_from([None, "police", "housing"]),
    action=st.sampled_from([None, "disclosure", "combination"]),
)


@given(SELECTIONS)
def test_what_is_exported_is_checked_by_any_checkpoint(record, chosen: Selection) -> None:
    rows, now, earlier = record
    export = exported(rows, now, earlier, chosen)
    found = check(export, {"now": now, "earlier": earlier})
    assert found.faults == () and found.entries == len(export) - 1
    assert (found.of, found.whole) == (COUNT, chosen == Selection())


@given(SELECTIONS, st.data())
def test_a_character_changed_anywhere_is_told(record, chosen: Selection, data) -> None:
    rows, now, earlier = record
    export = exported(rows, now, earlier, chosen)
    at = data.draw(st.integers(0, len(export) - 1))
    said = json.loads(export[at])
    if at == 0:
        name = data.draw(st.sampled_from(["checkpoint", "begins"]))
        said[name] = (
            {
                size: proof[:-1] + ("0" if proof[-1] != "0" else "1")
                for size, proof in said[name].items()
            }
            if name == "begins"
            else re.sub(
                r"root: .", lambda old: "root: " + ("1" if old[0][-1] != "1" else "2"), said[name]
            )
        )
    else:
        name = data.draw(st.sampled_from(sorted(said)))
        said[name] = said[name] + 1 if name == "number" else f"{said[name]}0"
    changed = [*export[:at], json.dumps(said) + "\n", *export[at + 1 :]]
    with suppress(RecordProblem):
        assert check(changed, {"earlier": earlier}).faults


def test_a_partner_sees_nothing_of_the_others(record) -> None:
    rows, now, earlier = record
    export = "".join(exported(rows, now, earlier, Selection(partner="police")))
    assert '"partner": "police"' in export and '"partner": null' in export
    assert "housing" not in export
    others = [row for row in rows if row[10] == "housing"]
    assert others
    for row in others:
        assert row[2].hex() not in export and json.dumps(row[11]) not in export


def test_a_whole_export_lacks_nothing(record) -> None:
    rows, now, earlier = record
    export = exported(rows, now, earlier, Selection())
    for lacking in (export[:-1], [*export[:3], *export[4:]]):
        (fault,) = check(lacking, {"now": now}).faults
        assert f"all of {COUNT} entries" in fault
    twice = check([*export, export[1]], {"now": now}).faults
    assert "1 entries are not in the record" in twice[0]


def test_what_is_not_told_must_have_been_erased(record) -> None:
    rows, now, earlier = record
    export = exported(rows, now, earlier, Selection())
    proof = json.loads(export[4])["proof"]
    gone = {"number": 4, "erased": rows[3][1].hex(), "proof": proof}
    hidden = [*export[:4], json.dumps(gone) + "\n", *export[5:]]
    assert check(hidden, {"now": now}).faults == (
        "Entry 4 is not told and no entry here says it was erased.",
    )


def test_a_line_tells_nothing_that_is_not_checked(record) -> None:
    rows, now, earlier = record
    export = exported(rows, now, earlier, Selection())
    said = json.loads(export[4])
    for line in (
        json.dumps(said | {"actor": "another", "erased": rows[3][1].hex()}),
        json.dumps(said | {"remark": "done by another"}),
        '{"actor": "another", ' + export[4][1:-1],
    ):
        told = check([*export[:4], line + "\n", *export[5:]], {"now": now}).faults
        assert "1 entries are not in the record" in told[0]
    with pytest.raises(RecordProblem, match="not an export"):
        check(['{"whole": false, ' + export[0][1:], *export[1:]], {"now": now})


def test_an_export_of_an_honest_erasure_is_sound(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    fill(path, COUNT)
    with Control(f"sqlite:///{path}") as control:
        control.erase_entries([4, 7], RECORDER.entry("erasure", NOW + timedelta(days=1)))
        with control.snapshot() as kept:
            rows = [tuple(row) for row in kept.rows()]
    now = checkpoint(path)
    export = exported(rows, now, now, Selection())
    assert check(export, {"now": now}).faults == ()


def test_a_checkpoint_of_another_record_or_size_is_told(record, tmp_path: Path) -> None:
    rows, now, earlier = record
    export = exported(rows, now, earlier, Selection())
    fill(tmp_path / "control.db", COUNT)
    other = checkpoint(tmp_path / "control.db")
    grown = Checkpoint(now.log, COUNT + 1, now.root, NOW)
    between = Checkpoint(now.log, EARLIER + 1, now.root, NOW)
    told = check(export, {"other": other, "grown": grown, "between": between}).faults
    assert [one.split()[0] for one in told] == ["The", "grown", "between"]
    for wrong in ("", "{}", "[]", '{"format": "x"}'):
        with pytest.raises(RecordProblem, match="not an export"):
            check([wrong], {"now": now})


def test_a_checkpoint_survives_an_e_mail(record) -> None:
    _, now, earlier = record
    file = as_file(now, "Cambrian Partnership – Gwynedd & Ynys Môn")
    assert read_checkpoints(file) == [now]
    quoted = "".join(f"> > {line}\r\n\r\n" for line in file.splitlines())
    assert read_checkpoints(f"Hello,\r\n{quoted}Regards\r\n") == [now]
    assert read_checkpoints(file + as_file(earlier, "x")) == [now, earlier]
    assert all(len(line) <= 72 for line in file.splitlines()[1:])
    assert read_checkpoints(file.replace("entries: ", "entries: 0")) == []
    assert read_checkpoints(file.replace("made: 2026-11", "made: 2026-13")) == []
    assert as_moment(moment(NOW)) == NOW
