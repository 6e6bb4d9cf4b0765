"""The audit record is a log that nobody rewrites unseen, and from which entries can be erased."""

from __future__ import annotations

import json
import multiprocessing
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from record_log import ACTS, NOW, RECORDER, by_hand, checkpoint, faults, fill, make_anew
from servers import PostgresServer

from governance.control import ACTIONS, AuditEntry, Control
from governance.record.leaves import (
    CLOCK_BACK,
    CLOCK_RIGHT,
    CLOCK_TOLERANCE,
    as_ranges,
    commitment,
    content,
    ranges,
)
from schemas.errors import RecordProblem, StoreError

COUNT = 12


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("record") / "control.db"
    fill(path, COUNT)
    return path


@pytest.fixture
def path(filled: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(filled, tmp_path / "control.db"))


def url(path: Path) -> str:
    return f"sqlite:///{path}"


def entry(minute: int = COUNT, **detail: int | str) -> AuditEntry:
    return RECORDER.entry("oversight", NOW + timedelta(minutes=minute), detail=detail)


def test_an_honest_record_is_sound_and_stays_so_as_it_grows(path: Path) -> None:
    kept = checkpoint(path)
    assert kept.size == COUNT and faults(path, kept) == []
    with Control(url(path)) as control:
        for n in range(5):
            control.add_audit(entry(COUNT + n))
    assert faults(path, kept, checkpoint(path)) == []


def test_an_entry_is_recorded_with_what_it_tells_of_or_not_at_all(path: Path) -> None:
    before = checkpoint(path)
    with Control(url(path)) as control:
        with pytest.raises(StoreError):
            control.commit_run(
                "none", at=NOW, report={}, extracts=[], draft_digest=None, audit=[entry()]
            )
        assert control.head().size == COUNT
        control.add_audit(entry())
        assert len(control.audit_entries()) == COUNT + 1
    assert faults(path, before) == []


TAMPERED = {
    "an actor": "UPDATE audit_entry SET actor = 'another' WHERE entry_id = 4",
    "an empty partner": "UPDATE audit_entry SET partner = 'police' WHERE entry_id = 2",
    "a time": "UPDATE audit_entry SET at = '2026-11-21 02:00:00.000000' WHERE entry_id = 4",
    "white space": "UPDATE audit_entry SET detail = detail || ' ' WHERE entry_id = 4",
    "a type": "UPDATE audit_entry SET actor = x'00' WHERE entry_id = 4",
    "a salt": "UPDATE record_leaf SET salt = randomblob(32) WHERE number = 4",
    "a salt's length": "UPDATE record_leaf SET salt = x'00' WHERE number = 4",
    "a commitment": "UPDATE record_leaf SET commitment = randomblob(32) WHERE number = 4",
    "a commitment's type": "UPDATE record_leaf SET commitment = 'text' WHERE number = 4",
    "an entry gone": "DELETE FROM audit_entry WHERE entry_id = 4",
    "a salt gone": "UPDATE record_leaf SET salt = NULL WHERE number = 4",
    "a leaf gone": "DELETE FROM record_leaf WHERE number = 4",
    "the last leaf gone": f"DELETE FROM record_leaf WHERE number = {COUNT}",
    "all leaves gone": "DELETE FROM record_leaf",
    "an entry more": "INSERT INTO audit_entry SELECT 99, at, actor, action, purpose, recipients, "
    "run_id, partner, detail FROM audit_entry WHERE entry_id = 4",
    "a leaf more": "INSERT INTO record_leaf VALUES (99, randomblob(32), randomblob(32))",
    "the head": "UPDATE record_head SET peaks = randomblob(length(peaks))",
    "the head's size": "UPDATE record_head SET size = size - 1",
    "the head's size, no number": "UPDATE record_head SET size = 'many'",
    "the head's roots, no bytes": "UPDATE record_head SET peaks = 'many'",
    "no head": "DELETE FROM record_head",
    "two heads": "INSERT INTO record_head VALUES (2, 0, x'')",
}


@pytest.mark.parametrize("how", TAMPERED)
def test_what_was_done_behind_the_program_s_back_is_found_without_a_checkpoint(
    path: Path, how: str
) -> None:
    by_hand(path, TAMPERED[how])
    assert faults(path)


@pytest.mark.parametrize(
    "forged",
    [
        {"detail": '"erased_entries"'},
        {"detail": '["taken_in"]'},
        {"detail": '{"erased_entries"'},
        {"detail": "[" * 200_000 + '"taken_in"'},
        {"at": "soon"},
    ],
)
def test_what_the_program_would_not_have_written_is_told_though_a_leaf_commits_to_it(
    path: Path, forged: dict[str, object]
) -> None:
    make_anew(path, list(range(1, COUNT + 1)), {4: {"at": "2026-11-21", **forged}})
    assert "not say what was recorded" in faults(path)[0]


def test_numbers_that_are_none_are_told(path: Path) -> None:
    by_hand(
        path,
        "CREATE TABLE other (number, commitment, salt)",
        "INSERT INTO other SELECT iif(number = 4, 'four', number), commitment, salt "
        "FROM record_leaf",
        "DROP TABLE record_leaf",
        "ALTER TABLE other RENAME TO record_leaf",
    )
    assert "left out or come twice" in " ".join(faults(path))


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(data=st.data())
def test_a_record_that_its_operator_made_anew_is_not_what_a_witness_saw(
    filled: Path, path: Path, data: st.DataObject
) -> None:
    """The operator knows every salt and writes every leaf and the head as they ought to be."""
    witness, order = checkpoint(filled), list(range(1, COUNT + 1))
    match data.draw(st.sampled_from(["as it was", "swap", "leave out", "repeat", "cut", "mix"])):
        case "swap":
            one, other = data.draw(st.lists(st.integers(0, COUNT - 1), min_size=2, max_size=2))
            order[one], order[other] = order[other], order[one]
        case "leave out":
            order.pop(data.draw(st.integers(0, COUNT - 1)))
        case "repeat":
            order.insert(data.draw(st.integers(0, COUNT)), data.draw(st.sampled_from(order)))
        case "cut":
            order = order[: data.draw(st.integers(1, COUNT - 1))]
        case "mix":
            order = data.draw(st.permutations(order))
    changed = data.draw(st.one_of(st.none(), st.sampled_from(order)))
    column = data.draw(st.sampled_from(["actor", "action", "purpose", "recipients", "partner"]))
    shutil.copy(filled, path)
    make_anew(path, order, {} if changed is None else {changed: {column: "another"}})
    before = order[:COUNT] == list(range(1, COUNT + 1)) and changed not in order[:COUNT]
    told = " ".join(faults(path, witness))
    assert ("not those that" in told or "cut short" in told or "another one" in told) != before


def test_an_earlier_copy_is_not_what_a_checkpoint_saw_even_when_it_grew_again(path: Path) -> None:
    earlier = Path(shutil.copy(path, path.with_name("earlier.db")))
    with Control(url(path)) as control:
        control.add_audit(entry())
    newest = checkpoint(path)
    assert any("cut short or taken back" in one for one in faults(earlier, ours=[newest]))
    with Control(url(earlier)) as control:
        control.add_audit(entry())
        control.add_audit(entry(COUNT + 1))
    told = faults(earlier, ours=[checkpoint(path.with_name("earlier.db")), newest])
    assert len(told) == 1 and "are not those" in told[0]


def test_what_is_erased_leaves_the_proofs_whole_and_nothing_of_itself(path: Path) -> None:
    witness = checkpoint(path)
    secret = f"{3:064x}".encode()
    assert secret in path.read_bytes()
    with Control(url(path)) as control:
        assert control.erase_entries([4, 5, 9], entry(why="retention")) == 3
        assert control.erase_entries([4], entry()) == 0
        (told,) = control.audit_entries("erasure")
        assert told.detail == {"why": "retention", "entries": 3, "erased_entries": "4-5 9"}
        assert len(control.audit_entries()) == COUNT + 1 - 3
        with pytest.raises(RecordProblem, match="have to stay"):
            control.erase_entries([1, COUNT + 1], entry())
        later = NOW + timedelta(days=1)
        assert control.erasable_entries(later) == [1, 2, 3, 6, 7, 8, 10, 11, 12]
        assert control.erasable_entries(NOW + timedelta(minutes=2)) == [1, 2]
    assert secret not in path.read_bytes()
    assert faults(path, witness, checkpoint(path)) == []
    by_hand(path, "DELETE FROM audit_entry WHERE entry_id = 6",
            "UPDATE record_leaf SET salt = NULL WHERE number = 6")  # fmt: skip
    assert faults(path) == ["Entry 6 is gone and no entry says it was erased."]


def test_an_erasure_explains_only_what_came_before_it(path: Path) -> None:
    with Control(url(path)) as control:
        control.erase_entries([2], entry())
        control.add_audit(RECORDER.entry("erasure", NOW + timedelta(hours=1),
                                         detail={"erased_entries": f"{COUNT + 3}"}))  # fmt: skip
        control.add_audit(entry(61))
    by_hand(path, f"DELETE FROM audit_entry WHERE entry_id = {COUNT + 3}",
            f"UPDATE record_leaf SET salt = NULL WHERE number = {COUNT + 3}")  # fmt: skip
    assert faults(path) == [f"Entry {COUNT + 3} is gone and no entry says it was erased."]


def test_an_entry_before_the_one_before_it_says_so(path: Path) -> None:
    with Control(url(path)) as control:
        assert control.latest_moment() == NOW + timedelta(minutes=COUNT - 1)
        control.add_audit(entry(COUNT - 2))  # clocks are set by minutes
        for _ in range(2):
            control.add_audit(entry(-600))
        said = [one.detail.get(CLOCK_BACK) for one in control.audit_entries()[-3:]]
        assert said == [None, 36_600, 36_600]
        assert control.latest_moment() == NOW + timedelta(minutes=COUNT - 2)
        control.add_audit(entry(-590, **{CLOCK_RIGHT: 1}))
        control.add_audit(entry(-580))
        assert CLOCK_BACK not in control.audit_entries()[-1].detail
    assert faults(path) == []
    assert timedelta(minutes=1) < CLOCK_TOLERANCE < timedelta(hours=1)


def test_a_reason_that_says_the_words_excuses_no_early_entry(path: Path) -> None:
    """What is read of a clock is a name in the detail, never something that somebody typed."""
    with Control(url(path)) as control:
        control.add_audit(entry(600, reason=CLOCK_BACK))
        assert control.latest_moment() == NOW + timedelta(minutes=600)
        control.add_audit(entry(0, reason=CLOCK_RIGHT))
        assert CLOCK_BACK in control.audit_entries()[-1].detail
    assert faults(path) == []


def test_a_rule_that_swallows_entries_on_postgresql_is_told(
    postgres_server: PostgresServer,
) -> None:
    at = postgres_server.new_database()
    with Control(at) as control:
        control.add_audit(entry(1))
        with control.snapshot() as kept:
            assert kept.altered == () and kept.triggers == 0
        postgres_server.execute(
            "CREATE RULE swallow AS ON INSERT TO audit_entry DO INSTEAD NOTHING",
            database=at.rpartition("/")[2],
        )
        with control.snapshot() as kept:
            assert kept.altered == ("audit_entry",)


def test_a_record_that_is_not_whole_takes_nothing_in(path: Path) -> None:
    by_hand(path, TAMPERED["the last leaf gone"])
    with Control(url(path)) as control, pytest.raises(RecordProblem, match="audit verify"):
        control.add_audit(entry())


OLD = """
CREATE TABLE audit_entry (entry_id INTEGER NOT NULL PRIMARY KEY, at DATETIME NOT NULL,
  actor VARCHAR(120) NOT NULL, action VARCHAR(20) NOT NULL, purpose VARCHAR(60) NOT NULL,
  recipients VARCHAR(200) NOT NULL, run_id VARCHAR(40), partner VARCHAR(40), detail JSON NOT NULL)
"""


def test_what_an_earlier_version_recorded_is_taken_in(tmp_path: Path) -> None:
    path = tmp_path / "control.db"
    rows = [
        f"INSERT INTO audit_entry VALUES ({n}, '2026-11-2{9 - n} 02:00:00.000000', 'a', "
        f"'collection', 'p', 'r', NULL, NULL, '{{\"rows\": {n}}}')"
        for n in (1, 3, 7)
    ]
    by_hand(path, OLD, *rows)
    with Control(url(path)) as control:
        control.take_in(entry())
        control.take_in(entry())
        assert [one.detail for one in control.audit_entries()] == [
            {"rows": 1}, {"rows": 3}, {"rows": 7}, {"taken_in": 3}
        ]  # fmt: skip
    assert faults(path, checkpoint(path)) == []
    by_hand(path, "UPDATE audit_entry SET detail = '{}' WHERE entry_id = 2")
    assert faults(path) == ["Entry 2 does not say what was recorded."]


def write_some(path: str, count: int) -> None:
    with Control(path) as control:
        for n in range(count):
            control.add_audit(entry(COUNT + n))


def test_two_writers_leave_one_record_without_gaps(path: Path) -> None:
    spawn = multiprocessing.get_context("fork")
    writers = [spawn.Process(target=write_some, args=(url(path), 20)) for _ in range(2)]
    for one in writers:
        one.start()
    for one in writers:
        one.join(60)
    assert [one.exitcode for one in writers] == [0, 0]
    assert checkpoint(path).size == COUNT + 40 and faults(path) == []


def test_the_head_can_be_read_while_others_append(path: Path) -> None:
    fork = multiprocessing.get_context("fork")
    writer = fork.Process(target=write_some, args=(url(path), 150))
    writer.start()
    sizes = []
    with Control(url(path)) as control:
        while writer.is_alive():
            head = control.head()
            assert head is not None
            sizes.append(head.size)
    writer.join()
    assert sizes == sorted(sizes) and sizes[-1] > sizes[0]


@given(st.sets(st.integers(1, 40)))
def test_numbers_are_read_as_they_are_written(numbers: set[int]) -> None:
    assert {n for span in ranges(as_ranges(numbers)) for n in span} == numbers
    assert list(ranges("x 3-2 0")) == [range(3, 3)]


@given(st.lists(st.one_of(st.none(), st.text()), min_size=8, max_size=8))
def test_an_entry_is_committed_to_as_a_json_list_of_its_texts(said: list[str | None]) -> None:
    assert content(*said) == json.dumps(said).encode()
    with pytest.raises(TypeError):
        content(*said[:7], 5)


def test_a_commitment_needs_a_salt_of_its_length() -> None:
    assert commitment(b"0" * 32, b"a") != commitment(b"1" * 32, b"a")
    with pytest.raises(ValueError, match="32"):
        commitment(b"0" * 31, b"0a")


def test_every_act_of_section_62_is_one_the_record_knows() -> None:
    assert {*ACTS, "erasure", "oversight"} == set(ACTIONS)
