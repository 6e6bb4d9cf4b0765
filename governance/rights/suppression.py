"""Which records meet suppression tokens, and how a token crosses into another key epoch.

A record is withheld where it is the very record, or has a strong id, of a person whose token is
kept. Forename, surname, date of birth and sex together withhold it too, unless a strong id that
tells people apart says that it is somebody else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import polars as pl

from schemas.marks import GROUNDS, TELLING_APART

TOKEN_SCHEMA = {
    "request_id": pl.String,
    "line": pl.Int32,
    "value_id": pl.Int64,
    "ground": pl.String,
    "epoch": pl.Int32,
    "token": pl.Int64,
}
"""A suppression token: of which line of which request, on what ground, in which key epoch.

Tokens of one identifier in several epochs share a ``value_id``, which is random.
"""

Marks = Mapping[int, pl.DataFrame]
"""Key epoch → the marks of the same records, in one order."""

ENTRY = ("request_id", "line")


@dataclass(frozen=True)
class Meeting:
    """What records and suppression tokens have in common.

    Attributes:
        rows: Places of the records that are withheld.
        differing: How many were let pass: their description meets a token, and a strong id of
            theirs differs from the person's.
        by_id_alone: How many are withheld for a strong id alone, though names, date of birth or sex
            are others than the person's.
        met: ``row, request_id, line`` of the records that are withheld.
        carried: Tokens, as `TOKEN_SCHEMA`, that the kept ones are in other epochs.
    """

    rows: pl.Series = field(repr=False)
    differing: int
    by_id_alone: int
    met: pl.DataFrame = field(repr=False)
    carried: pl.DataFrame = field(repr=False)


def meet(marks: Marks, tokens: pl.DataFrame) -> Meeting:
    """Find the records that meet suppression tokens.

    Args:
        marks: The marks of the records in each epoch.
        tokens: As `TOKEN_SCHEMA`.
    """
    found = pl.concat(
        [
            pl.DataFrame(schema={"row": pl.UInt32, **TOKEN_SCHEMA}),
            *(_found(frame, epoch, ground, tokens)
              for epoch, frame in marks.items() for ground in GROUNDS),
        ]
    )  # fmt: skip
    pair = ["row", *ENTRY]
    surely = found.filter(pl.col("ground") != "description").select(pair).unique()
    described = found.filter(pl.col("ground") == "description").select(pair).unique()
    by_name = described.join(surely, on=pair, how="anti")
    others = _otherwise(by_name, TELLING_APART, marks, tokens)
    met = pl.concat([surely, by_name.join(others, on=pair, how="anti")]).sort(pair)
    same_record = found.filter(pl.col("ground") == "record").select(pair)
    by_id = surely.join(described, on=pair, how="anti").join(same_record, on=pair, how="anti")
    return Meeting(
        rows=met["row"].unique().sort(),
        differing=others.join(met, on="row", how="anti")["row"].n_unique(),
        by_id_alone=_otherwise(by_id, ("description",), marks, tokens)["row"].n_unique(),
        met=met,
        carried=_carried(found, marks, tokens),
    )


def stands_on(tokens: pl.DataFrame, newest: int) -> dict[int, int]:
    """How many tokens are in no epoch as new as the newest, by the newest that they are in."""
    last = tokens.group_by("value_id").agg(pl.col("epoch").max())
    behind = last.filter(pl.col("epoch") < newest).group_by("epoch").len().sort("epoch")
    return {int(epoch): int(count) for epoch, count in behind.iter_rows()}


def learnt(tokens: pl.DataFrame) -> pl.DataFrame:
    """What tokens are in other key epochs, by others that are the same in one: to be kept too.

    So a request that is made anew, which is marked in every epoch, lets the old one's cross.
    """
    same = ["ground", "epoch", "token"]
    twins = tokens.join(tokens.select("value_id", *same), on=same, suffix="_twin")
    known = tokens.select(pl.col("value_id").alias("value_id_twin"), "epoch", "token")
    return (
        twins.drop("epoch", "token")
        .join(known, on="value_id_twin")
        .select(list(TOKEN_SCHEMA))
        .unique(["value_id", "epoch"])
        .join(tokens, on=["value_id", "epoch"], how="anti")
        .sort("value_id", "epoch")
    )


def tokens_of(marks: Marks, asked: pl.DataFrame, new_id: Callable[[], int]) -> pl.DataFrame:
    """The marks of records that go, as suppression tokens beside those of the request itself.

    Args:
        marks: Key epoch → ``request_id, line, record_id`` and the marks of the records, first in
            the epoch that the stores are in; ``record_id`` is that epoch's in all.
        asked: The tokens of the requests; none of them is made twice.
        new_id: Where the ids of values come from.

    Returns:
        As `TOKEN_SCHEMA`: what is to be kept beside `asked`.
    """
    own, *others = [_long(frame, epoch) for epoch, frame in marks.items()]
    same = [*ENTRY, "ground", "epoch", "token"]
    values = own.select(same).unique().join(asked, on=same, how="left").sort(same)
    fresh = pl.Series([new_id() for _ in range(values.height)], dtype=pl.Int64)
    values = values.with_columns(pl.col("value_id").fill_null(fresh))
    of_record = own.join(values, on=same).select("record_id", *ENTRY, "ground", "value_id")
    carried = [
        frame.join(of_record, on=["record_id", *ENTRY, "ground"]).select(list(TOKEN_SCHEMA))
        for frame in others
    ]
    return (
        pl.concat([values.select(list(TOKEN_SCHEMA)), *carried])
        .unique(["value_id", "epoch"])
        .join(asked, on=["value_id", "epoch"], how="anti")
        .sort("value_id", "epoch")
    )


def _long(frame: pl.DataFrame, epoch: int) -> pl.DataFrame:
    """One row for each mark of each record."""
    marked = frame.unpivot(
        GROUNDS, index=["record_id", *ENTRY], variable_name="ground", value_name="token"
    )
    return marked.drop_nulls("token").with_columns(pl.lit(epoch, pl.Int32).alias("epoch"))


def _found(frame: pl.DataFrame, epoch: int, ground: str, tokens: pl.DataFrame) -> pl.DataFrame:
    """The rows whose mark on a ground is a token, each with that token."""
    wanted = tokens.filter((pl.col("epoch") == epoch) & (pl.col("ground") == ground))
    marked = frame.select(ground).with_row_index("row").rename({ground: "token"})
    return marked.join(wanted, on="token").select("row", *TOKEN_SCHEMA)


def _otherwise(
    pairs: pl.DataFrame, grounds: Iterable[str], marks: Marks, tokens: pl.DataFrame
) -> pl.DataFrame:
    """Of rows and persons that do not meet on some grounds, those that both have one of them.

    So what the row has there is another than what the person has.
    """
    return pl.concat(
        [pairs.clear()]
        + [
            pairs.join(_having(frame, ground, pairs), on="row", how="semi").join(
                tokens.filter((pl.col("epoch") == epoch) & (pl.col("ground") == ground)),
                on=list(ENTRY),
                how="semi",
            )
            for epoch, frame in marks.items()
            for ground in grounds
        ]
    ).unique()


def _having(frame: pl.DataFrame, ground: str, among: pl.DataFrame) -> pl.DataFrame:
    rows = among.select(pl.col("row").unique())
    return rows.filter(frame[ground].gather(rows["row"]).is_not_null())


def _carried(found: pl.DataFrame, marks: Marks, tokens: pl.DataFrame) -> pl.DataFrame:
    """What the met tokens are in the epochs that they are not in yet."""
    coming = [
        _in_epoch(found.filter(pl.col("ground") == ground), frame[ground], epoch)
        for epoch, frame in marks.items()
        for ground in GROUNDS
    ]
    known = tokens.select("value_id", "epoch")
    return (
        pl.concat([pl.DataFrame(schema=TOKEN_SCHEMA), *coming])
        .unique(["value_id", "epoch"])
        .join(known, on=["value_id", "epoch"], how="anti")
        .sort("value_id", "epoch")
    )


def _in_epoch(found: pl.DataFrame, marks: pl.Series, epoch: int) -> pl.DataFrame:
    return found.with_columns(
        marks.gather(found["row"]).alias("token"), pl.lit(epoch, pl.Int32).alias("epoch")
    ).select(list(TOKEN_SCHEMA))
