"""Every command of the officers' page is run, and answers as the page shows.

With RENEW=1 the page is written anew from what was answered (`make officers-page`).
"""

from __future__ import annotations

import functools
import os
import re
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import timedelta
from difflib import unified_diff
from pathlib import Path
from types import SimpleNamespace

import pytest
from copying import copied_whole
from few_counts import few_counts
from made_once import made_once
from officers_page import (
    MORE,
    PAGE,
    QUESTION,
    RUN_ID,
    Block,
    blocks,
    matches,
    plain,
    renewed,
    shape,
    shown,
)
from slight import MARTS, make_slight
from typer.testing import CliRunner

from flows.cli import app
from flows.clock import local_day, utc_now
from flows.publication.publish import approve_for_demonstration
from flows.readers.break_glass import ask, close_glass, open_glass
from flows.refresh import run_refresh
from flows.settings import load_settings
from governance.agreements import parse_agreement

CUSTODY = "inbox/police/custody.csv"


def by_the_account(patch: pytest.MonkeyPatch) -> None:
    """Have everything done by one account, as it is where a partnership is set up."""
    patch.setattr("flows.context.pwd.getpwuid", lambda _: SimpleNamespace(pw_name="journeys"))


def a_partnership_with_a_history(ran: Path, folder: Path) -> None:
    """A partnership that published, had its glass broken and ran again."""
    with few_counts(), pytest.MonkeyPatch.context() as patch:
        by_the_account(patch)
        make_slight(patch, MARTS | {"linkage_quality"})
        patch.setattr("flows.intake.apart.in_a_child", lambda function, *args: function(*args))
        _live_through(ran, folder)


def _live_through(ran: Path, folder: Path) -> None:
    copied_whole(ran, folder)
    copied_whole(ran, folder / "waiting")
    settings = load_settings(folder / "partnership.yaml")
    approve_for_demonstration(settings)
    officers = ("A. Name", "B. Name")
    glass = open_glass(settings, "identity", "A link that may be wrong", officers)
    ask(settings, glass.glass_id, "SELECT count(*) FROM person_record")
    close_glass(settings, glass.glass_id)
    _send_too_much(folder / CUSTODY)
    _let_lapse(folder)
    run_refresh(settings)
    refs = [line.split(",")[0] for line in (folder / CUSTODY).read_text().splitlines()]
    (folder / "request.csv").write_text(f"custody_ref\n{refs[1]}\n")
    (folder / "unknown.csv").write_text("custody_ref\nCU9999999\n")
    _tamper(folder)


def _tamper(folder: Path) -> None:
    """A copy of the record, out of which somebody took that the glass was broken."""
    copy = folder / "tampered"
    copy.mkdir()
    for name in ("partnership.yaml", "control.db"):
        shutil.copy(folder / name, copy / name)
    for name in ("checkpoints", "keys", "agreements"):
        shutil.copytree(folder / name, copy / name)
    with sqlite3.connect(copy / "control.db") as database:
        database.execute("DELETE FROM audit_entry WHERE detail LIKE '%\"opened\"%'")


def _send_too_much(extract: Path) -> None:
    """Add a column that no agreement lists."""
    head, *rows = extract.read_text().splitlines()
    extract.write_text(
        "\n".join([f"{head},officer_notes", *(f"{row},seen" for row in rows)]) + "\n"
    )


def _let_lapse(folder: Path) -> None:
    """A second settings file whose police agreement, signed as before, ended yesterday."""
    ended = local_day(utc_now()) - timedelta(days=1)
    begun = ended - timedelta(days=300)
    text = (folder / "agreements" / "police.yaml").read_text()
    before = parse_agreement(text, "police.yaml").document_digest
    text = re.sub(r"(?m)^starts: .*$", f"starts: {begun}", text)
    text = re.sub(r"(?m)^expires: .*$", f"expires: {ended}", text)
    text = re.sub(r"(?m)^review: .*$", f"review: {begun}", text)
    text = re.sub(r"signed_on: .*", f"signed_on: {begun}", text)
    text = text.replace(before, parse_agreement(text, "police.yaml").document_digest)
    shutil.copytree(folder / "agreements", folder / "lapsed")
    (folder / "lapsed" / "police.yaml").write_text(text)
    said = (folder / "partnership.yaml").read_text()
    (folder / "lapsed.yaml").write_text(said.replace("agreements/", "lapsed/"))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, ran_original: Path) -> Iterator[Path]:
    """The partnership's own folder, in which commands are given."""
    make = functools.partial(a_partnership_with_a_history, ran_original)
    made = made_once(tmp_path_factory, "with_a_history", make)
    copy = tmp_path_factory.mktemp("officer") / "demo"
    copied_whole(made, copy)
    with pytest.MonkeyPatch.context() as patch:
        by_the_account(patch)
        patch.chdir(copy)
        patch.setenv("COLUMNS", "118")
        patch.delenv("JOURNEYS_CONFIG", raising=False)
        patch.setattr("flows.intake.apart.in_a_child", lambda function, *args: function(*args))
        yield copy


def given(block: Block, folder: Path) -> list[str]:
    """The words of a command, its run that which published, its patterns as a shell takes them."""
    (published,) = (folder / "publications").iterdir()
    words = [RUN_ID.sub(published.name, word) for word in block.words]
    found = {word: sorted(str(one) for one in Path().glob(word)) for word in words if "*" in word}
    return [one for word in words for one in found.get(word) or [word]]


def answer(folder: Path, block: Block) -> str:
    """What a command answers, with its exit code where it is not 0."""
    done = CliRunner().invoke(app, given(block, folder))
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    ending = f"(exit code {done.exit_code})\n" if done.exit_code else ""
    return plain(done.stdout + done.stderr, folder) + ending


def test_there_are_thirty_questions_or_more_and_each_has_a_command() -> None:
    page = PAGE.read_text("utf-8")
    numbers = [int(number) for number, _ in QUESTION.findall(page)]
    assert numbers == list(range(1, len(numbers) + 1)) and len(numbers) >= 30
    parts = re.split(r"(?m)^### ", page)[1:]
    assert all(blocks(part) for part in parts)


def test_every_command_answers_as_the_page_shows(folder: Path) -> None:
    """In the order of the page: some change what later ones tell."""
    page = PAGE.read_text("utf-8")
    answers = [answer(folder, block) for block in blocks(page)]
    if os.environ.get("RENEW"):
        made = iter(answers)
        PAGE.write_text(renewed(page, lambda block: next(made)), "utf-8")
        page = PAGE.read_text("utf-8")
    wrong = [
        "\n".join(unified_diff(shape(block.answer), shape(shown(answered)), block.command, n=0))
        for block, answered in zip(blocks(page), answers, strict=True)
        if not matches(block.answer, answered)
    ]
    assert not wrong, "\n\n".join([*wrong, "If the answers are right, run `make officers-page`."])


@pytest.mark.parametrize(
    ("said", "answered", "same"),
    [
        ("run 20261122-180517-e18a, 13 rows\n", "run 20270101-000000-ffff, 13 rows\n", True),
        ("279 rows\n", "278 rows\n", False),
        ("36 entries, 0 of them erased\n", "36 entries, 1 of them erased\n", False),
        ("custody  208  207  1  0\n", "custody  208  206  2  0\n", False),
        ("   171\n1 row\n", "   169\n1 row\n", True),
        ("in force  from 2026-11-22\n", "in force from 2027-01-01\n", True),
        ("in force\n", "not in force\n", False),
        ("one\n", "one\ntwo\n", False),
        (f"pair why surn{MORE}\n", f"pair why su{MORE}\n", True),
        (f"pair why surn{MORE}\n", f"pair what su{MORE}\n", False),
        (f"pair why surn{MORE}\n", "pair why\n", False),
        (f"one\n{MORE}\n", "one\n" + "two\n" * 20, True),
        (f"one\n{MORE}\n", "other\n" + "two\n" * 20, False),
    ],
)
def test_an_answer_is_compared_by_its_shape(said: str, answered: str, same: bool) -> None:
    assert matches(said, answered) is same
