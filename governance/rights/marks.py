"""Make the marks of records: one keyed value for each identifier by which a person is known."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from governance.agreements import Agreement
from governance.encoding.anchored import SEPARATOR
from governance.encoding.prf import tokens
from governance.keys.root import PurposeKey
from governance.pseudonymise import agreed_identity
from schemas.marks import GROUNDS, MARKS_VERSION, TELLING_APART

ASSIGNED_DAY = pl.col("dob").dt.strftime("%m%d") == "0101"
"""1 January is written where only the year is known; strangers share it, and their names."""


def marks_of(
    frames: Mapping[str, pl.DataFrame], agreement: Agreement, key: PurposeKey
) -> pl.DataFrame:
    """The marks of a partner's records.

    Args:
        frames: The partner's tables, standardised.
        agreement: What may be encoded; of what may not, no mark is made.
        key: The identifier key of the agreement's purpose in one epoch.

    Returns:
        The columns of `schemas.marks.marks_schema()`, a row for each record in the order in which
        `governance.pseudonymise` encodes them; ``record`` is null where a row lacks its key.
    """
    identity = agreed_identity(agreement.partner, frames, agreement.treatments)
    texts = identity.select(_text_of(ground, agreement.partner).alias(ground) for ground in GROUNDS)
    return pl.DataFrame(
        [
            tokens(text, key.derive(f"mark/{MARKS_VERSION}/{text.name}")).alias(text.name)
            for text in texts
        ]
    )


def _text_of(ground: str, partner: str) -> pl.Expr:
    """What is keyed: null where the record has not all of it."""
    if ground in TELLING_APART:
        return pl.col(ground)
    if ground == "record":
        return pl.concat_str(pl.lit(partner), "table", "record_key", separator=SEPARATOR)
    if ground == "local_id":
        return pl.concat_str(pl.lit(partner), "local_id", separator=SEPARATOR)
    born = pl.when(~ASSIGNED_DAY).then(pl.col("dob").dt.strftime("%Y%m%d"))
    sex = pl.when(pl.col("sex").is_in(["M", "F"])).then("sex")
    return pl.concat_str("forename", "surname", born, sex, separator=SEPARATOR)
