"""Telling a partner what it sent though its agreement does not list it, and keeping proof of that.

The columns were dropped before anything looked at them. The report names them and counts rows; the
audit record has its digest, so that it can be shown later that this very report was made.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from flows.context import RunContext
from flows.files import private_folder, write_text
from flows.intake.reading import WHOLE_TABLE, Facts
from flows.spreadsheets import csv_text
from governance.agreements import Agreement

COLUMNS = ("table", "column", "rows")


def report_over_sharing(run: RunContext, partner: str, facts: Facts, agreement: Agreement) -> None:
    """Write the report of what a partner sent too much in this run, and record that it was.

    Where the partner encoded at source only the number is known here, and it was told on its own
    machine; that is recorded too.

    Args:
        run: The run.
        partner: Whose extract.
        facts: What is told of the extract.
        agreement: What it was held to.

    Raises:
        StoreError: The report cannot be written.
    """
    if not facts.over_shared:
        return
    detail: dict[str, int | str] = {"columns not agreed": facts.over_shared}
    if facts.over_listed:
        listed = as_csv(facts)
        private_folder(run.settings.over_sharing)
        private_folder(run.over_sharing)
        write_text(told_of(run, partner).with_suffix(".csv"), listed)
        write_text(told_of(run, partner), in_words(facts, agreement, run.run_id))
        detail["report"] = "sha256:" + hashlib.sha256(listed.encode()).hexdigest()
    entry = run.recorder.entry(
        "erasure",
        run.clock(),
        partner=partner,
        recipients=f"{partner}, which sent it",
        detail=detail,
    )
    run.control.add_audit(entry)


def told_of(run: RunContext, partner: str) -> Path:
    """Where a partner's report is; beside it, of the same name, the list as CSV."""
    return run.over_sharing / f"{partner}.txt"


def as_csv(facts: Facts) -> str:
    """The columns that were sent too much: table, column, rows of the table; no value of any."""
    return csv_text([COLUMNS, *_listed(facts)])


def in_words(facts: Facts, agreement: Agreement, run_id: str) -> str:
    """The same as a letter."""
    lines = [
        f"  {table}: {column}, {'unread' if rows is None else f'in {rows:,} rows'}"
        for table, column, rows in _listed(facts)
    ]
    return "\n".join(
        [
            f"Columns that the {agreement.partner} agreement (version {agreement.version}) does "
            "not list",
            "",
            f"The extract taken in by run {run_id} had {facts.over_shared:,} of them. They were "
            "dropped on arrival, before anything looked at them; nothing of them is in any store.",
            "The files as they were sent are removed from the inbox once they are staged."
            if agreement.inbox_after_staging == "remove"
            else "The files as they were sent stay in the inbox, as the agreement has it "
            "(`inbox_after_staging: keep`), with these columns in them, until their retention "
            "ends.",
            "Please leave them out of the next extract, or have them agreed. A column that is no "
            "part of the agreed layout is told by its place, counted from the left without empty "
            "ones: this letter repeats no header, which may be a value.",
            "",
            *lines,
            "",
        ]
    )


def _listed(facts: Facts) -> list[tuple[str, str, int | None]]:
    return [
        (table, _named(column), None if column == WHOLE_TABLE else facts.rows[table]["received"])
        for table, columns in sorted(facts.over_listed.items())
        for column in columns
    ]


def _named(column: str) -> str:
    """A column of the contract by its name; any other by its place: its header may be a value."""
    from schemas.reading.translate import UNMAPPED

    if not column.startswith(UNMAPPED):
        return column
    return f"column {column.removeprefix(UNMAPPED)} of the file"
