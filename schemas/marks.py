"""The marks of a record: keyed values by which a person who objected is known again.

A mark is made of one identifier of a record, under a key of its own, so that it meets no encoding.
A suppression token is a mark that was kept of a person; a record that has it is withheld.
"""

from __future__ import annotations

from typing import Final

import polars as pl

MARKS_VERSION: Final = 1
"""It changes when a mark is made otherwise. It is apart from the encoding's version on purpose: a
new encoding must not bring back who objected."""

TELLING_APART: Final = ("nhs_number", "nino", "pnc_id", "cro_number", "noms_number")
"""Identifiers of which a person has one: two that differ are of two people."""

GROUNDS: Final = ("record", *TELLING_APART, "local_id", "description")
"""On what a record meets a suppression token: its own key, a strong id, or its description, which
is forename, surname, date of birth and sex together."""


def marks_schema() -> dict[str, pl.DataType]:
    """Column names and types of a frame of marks: one for each ground, null where it has none."""
    return {ground: pl.Int64() for ground in GROUNDS}
