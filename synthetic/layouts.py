"""A partner's extract as a supplying system writes it: a column mapping read backwards.

All of it comes from the mapping, so that a new one needs no Python. What a system has no room for
is not sent: a table or a column the mapping does not give, and rows that belong in another
supplier's file, because the mapping says that one of our columns is the same throughout.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import reduce
from itertools import permutations
from pathlib import Path

import numpy as np
import polars as pl

from schemas.codes import code_frame
from schemas.errors import ConfigError
from schemas.mapping import DATE_KINDS, SystemMapping, TableMapping
from schemas.reading.dates import EXCEL_DAY_0, EXCEL_SERIAL
from schemas.tables import Table, find_table
from synthetic.files import Grid, write_parquet, write_text, write_workbook
from synthetic.streams import Streams

Frames = dict[str, pl.DataFrame]

JOINERS = (", ", " ", "", " - ", ": ", " / ", "; ", ",", "-", "/")
"""What a system may put between two of our values that it keeps in one column."""

PROBE = 1_000  # rows on which a way of writing is tried
SECONDS_OF_A_DAY = 86_400


def sent(frames: Frames, mapping: SystemMapping) -> Frames:
    """Return the tables and rows that a system's extract holds.

    Args:
        frames: A partner's tables in our own layout.
        mapping: How the system writes them.

    Returns:
        The tables that the mapping gives, in all their columns. A row is left out where it has
        another value than one that the mapping holds constant, or where the record it belongs to
        was; where no row at all has that value, it is taken to stand for all of them.
    """
    kept: Frames = {}
    for name in mapping.tables:
        if name not in frames:
            continue
        table, frame = find_table(mapping.partner, name), frames[name]
        ours = {column.lower(): column for column in frame.columns}
        for column, value in mapping.tables[name].constants.items():
            same = frame.filter(pl.col(ours[column]) == value)
            constant = pl.lit(value).alias(ours[column])
            frame = same if same.height else frame.with_columns(constant)
        for columns, parent in table.parents.items():
            if parent in kept:
                on = [ours[column] for column in columns]
                frame = frame.join(kept[parent], on=on, how="semi", maintain_order="left")
        kept[name] = frame
    return kept


def write_as_supplied(
    frames: Frames, mapping: SystemMapping, folder: Path, as_at: date, streams: Streams,
    codes: Path | None = None,
) -> list[Path]:  # fmt: skip
    """Write a partner's tables as its system would; returns the files.

    Args:
        frames: What `sent` returned.
        mapping: How the system writes them.
        folder: Where the files go.
        as_at: The day of the extract, which goes into the files' names.
        streams: Random numbers by purpose, for times of day.
        codes: The partnership's own code lists, whose labels win over the packaged ones.

    Raises:
        ConfigError: if a pattern of the mapping, or of a file's name, cannot be turned round.
    """
    files: dict[str, dict[str, Grid]] = {}
    for group in _files(frames, mapping):
        first = mapping.tables[group[0]]
        name = _file_name(mapping, group, as_at)
        rows = _in_one(mapping.partner, group, {
            table: _Writer(find_table(mapping.partner, table), mapping, codes,
                           streams.within(table)).write(frames[table])
            for table in group
        })  # fmt: skip
        titles = [mapping.title, *[""] * first.header_row][: first.header_row - 1]
        sheet = _filled_in(first.sheet or group[0], f"{as_at:%Y-%m-%d}")
        files.setdefault(name, {})[sheet] = Grid(first, titles, rows)
    return [_write(folder / name, sheets) for name, sheets in files.items()]


def _files(frames: Frames, mapping: SystemMapping) -> list[list[str]]:
    """Return the tables by the file and sheet they share."""
    groups: dict[tuple[tuple[str, ...], str | None], list[str]] = {}
    for name, mapped in mapping.tables.items():
        if name in frames:
            # Tables of different sheets are different files here; one workbook holds them all.
            own = mapped.sheet or (None if _is_text(mapped) else name)
            groups.setdefault((mapped.file, own), []).append(name)
    return list(groups.values())


def _is_text(mapped: TableMapping) -> bool:
    return not mapped.file[0].lower().endswith((".xlsx", ".ods", ".parquet"))


def _filled_in(pattern: str, day: str) -> str:
    """Return a name that a pattern fits: `*custody*.csv` is custody_20260630.csv."""
    *starts, last = pattern.replace("?", "1").split("*")
    parts = [part if part.endswith(("_", "-", " ")) else f"{part}_" for part in starts if part]
    return "".join([*parts, day, last]) if starts else last


def _file_name(mapping: SystemMapping, group: list[str], as_at: date) -> str:
    name = _filled_in(mapping.tables[group[0]].file[0], f"{as_at:%Y%m%d}")
    read_as = {table for table in mapping.tables if mapping.is_file_of(table, name)}
    theirs = {table for table in read_as if mapping.tables[table].sheet is None}
    if not set(group) <= read_as or theirs - set(group):
        raise ConfigError(
            f"The mapping {mapping.partner}-{mapping.system} gives file names that one file of "
            f"{group[0]} does not fit, or that another table's also fits.",
            "Give each table patterns of `*` and letters that no other table's file has.",
        )
    return name


def _in_one(partner: str, group: list[str], written: Frames) -> pl.DataFrame:
    """Put tables into one: a line for each record with that of its parent repeated on it."""
    flat = written[group[0]]
    for name in group[1:]:
        table, rows = find_table(partner, name), written[name]
        on = {
            _hidden(name, column): _hidden(parent, column)
            for columns, parent in table.parents.items()
            if parent in group
            for column in columns
        }
        repeated = [c for c in rows.columns if c in flat.columns]
        if on:
            flat = flat.join(rows.drop(repeated), left_on=list(on.values()), right_on=list(on),
                             how="left", maintain_order="left_right", coalesce=False)  # fmt: skip
        else:
            flat = pl.concat([flat, rows], how="diagonal")
    return flat.select(column for column in flat.columns if not column.startswith("\0"))


def _hidden(table: str, column: str) -> str:
    """Return the name of one of our key columns, kept until the tables of a file are one."""
    return f"\0{table}.{column}"


@dataclass(frozen=True)
class _Writer:
    """Writes one table under a system's names and in its way."""

    table: Table
    mapping: SystemMapping
    codes: Path | None
    draw: Streams

    @property
    def mapped(self) -> TableMapping:
        return self.mapping.tables[self.table.name]

    def write(self, frame: pl.DataFrame) -> pl.DataFrame:
        """Return the system's columns in its order, and our keys hidden behind them."""
        frame = frame.rename({name: name.lower() for name in frame.columns})
        together: dict[tuple[str, ...], list[str]] = {}
        for name, one in self.mapped.columns.items():
            together.setdefault(one.source, []).append(name)
        made: dict[str, pl.Series] = {}
        for sources, names in together.items():
            texts = {name: self._text(frame, name) for name in names}
            one = self.mapped.columns[names[0]]
            whole = self._whole(texts)
            nothing = (*one.empty, *self.mapped.empty)
            if nothing:
                whole = whole.fill_null(nothing[0])
            for source, part in zip(sources, _split(whole, one.join, len(sources)), strict=True):
                made.setdefault(source, part.rename(source))
        for source in self.mapped.ignore:
            made.setdefault(source, pl.Series(source, [None] * frame.height, dtype=pl.String))
        keys = {*self.table.key, *(c for columns in self.table.parents for c in columns)}
        hidden = [frame[name].rename(_hidden(self.table.name, name)) for name in sorted(keys)]
        return pl.DataFrame([*made.values(), *hidden])

    def _text(self, frame: pl.DataFrame, name: str) -> pl.Series:
        """Return one of our columns in the system's codes and dates."""
        one, column = self.mapped.columns[name], self.table.columns[name]
        theirs = {ours: value for value, ours in reversed(one.values.items())}
        values = frame[name].replace(theirs) if theirs else frame[name]
        formats = one.dates or self.mapped.dates
        if column.kind in DATE_KINDS and formats:
            # A column that has formats of its own is one for which the system keeps the hour.
            timed = bool(one.dates) and "%H" in formats[0]
            rng = self.draw(name) if timed else None
            return _dated(values, formats[0], rng)
        return values

    def _whole(self, texts: Mapping[str, pl.Series]) -> pl.Series:
        """Return what stands in a column of theirs from which one or more of ours are read."""
        patterns = {name: self.mapped.columns[name].match for name in texts}
        unpicked = [name for name, pattern in patterns.items() if pattern is None]
        if unpicked:
            return texts[unpicked[0]]
        probe = {name: text.drop_nulls().head(PROBE) for name, text in texts.items()}
        if len(texts) > 1:
            both = pl.DataFrame(texts).drop_nulls().head(PROBE)
            probe = {name: both[name] for name in texts}
        best, fits = None, 0.0
        for way in self._ways(list(texts)):
            found = _share_read(way.write(probe), probe, patterns)
            if found > fits:
                best, fits = way, found
        if best is None and any(text.len() for text in probe.values()):
            raise ConfigError(
                f"The mapping {self.mapping.partner}-{self.mapping.system} reads "
                f"{', '.join(texts)} with a pattern that cannot be turned round.",
                "Write the pattern as the plain text before and after one group in brackets.",
            )
        return (best or _Way(tuple(texts))).write(texts)

    def _ways(self, names: list[str]) -> Iterable[_Way]:
        """Return ways of putting values into one column, the likeliest first."""
        if len(names) > 1:
            for joiner in JOINERS:
                yield from (_Way(order, joiner) for order in permutations(names))
            return
        (name,) = names
        listed = self.table.columns[name].codes
        if listed:
            frame = code_frame(listed, self.codes).unique("code", keep="last")
            labels = dict(frame.select("code", "label").iter_rows())
            yield from (_Way((name,), joiner, labels=labels) for joiner in (" - ", ": ", " "))
        yield _Way((name,))
        before, after = _around(self.mapped.columns[name].match or "")
        yield _Way((name,), before=before, after=after)


@dataclass(frozen=True)
class _Way:
    """One way of writing values of ours into one column of theirs.

    Args:
        order: Our columns as they follow each other.
        joiner: What stands between them, or between a code and its label.
        before: What stands before them all.
        after: And after.
        labels: What each code means, where a system writes it after the code.
    """

    order: tuple[str, ...]
    joiner: str = ""
    before: str = ""
    after: str = ""
    labels: Mapping[str, str] | None = None

    def write(self, texts: Mapping[str, pl.Series]) -> pl.Series:
        """Return the text of each row; null where there is nothing to write."""
        parts = [texts[name] for name in self.order]
        filled = reduce(lambda a, b: a | b, [part.is_not_null() for part in parts])
        shown = [part.fill_null("") for part in parts]
        text = reduce(lambda a, b: a + self.joiner + b, shown)
        if self.labels is not None:
            label = parts[0].replace_strict(self.labels, default=None, return_dtype=pl.String)
            text = text + (self.joiner + label).fill_null("")
        text = (self.before + text + self.after).str.strip_chars()
        return text.set(~filled, None)


def _share_read(
    text: pl.Series, wanted: Mapping[str, pl.Series], patterns: Mapping[str, str | None]
) -> float:
    """Return the share of rows of which every pattern reads its value back."""
    right = [
        text.str.extract(patterns[name] or "(.*)", 1).str.strip_chars().eq_missing(values)
        for name, values in wanted.items()
    ]
    return float(reduce(lambda a, b: a & b, right).mean() or 0.0)  # type: ignore[arg-type]


def _around(pattern: str) -> tuple[str, str]:
    """Return the plain text of a pattern before and after its group; nothing where it is none."""
    start, end = pattern.find("("), pattern.rfind(")")
    return _plain(pattern[:start]), _plain(pattern[end + 1 :])


def _plain(pattern: str) -> str:
    for meta, text in ((r"\s*", ""), (r"\s+", " "), (r"\s", " "), (r"\b", ""), (r"\d", "0")):
        pattern = pattern.replace(meta, text)
    return pattern.removeprefix("^").removesuffix("$").replace("\\", "")


def _split(text: pl.Series, joiner: str, parts: int) -> list[pl.Series]:
    """Part a text at a joiner for as many columns, the last of which has all that is left."""
    if parts == 1:
        return [text]
    fields = text.str.splitn(joiner, parts).struct
    return [fields.field(f"field_{at}") for at in range(parts)]


def _dated(values: pl.Series, form: str, rng: np.random.Generator | None) -> pl.Series:
    """Write ISO dates in another form, some with a time of day; what is no date stays as it is."""
    day = values.str.to_date("%Y-%m-%d", strict=False)
    if form == EXCEL_SERIAL:
        text = (day - EXCEL_DAY_0).dt.total_days().cast(pl.String)
    else:
        seconds = np.zeros(len(values)) if rng is None else rng.random(len(values))
        passed = pl.Series((seconds * SECONDS_OF_A_DAY).astype(np.int64) * 1_000_000)
        text = (day.cast(pl.Datetime("us")) + passed.cast(pl.Duration("us"))).dt.strftime(form)
    return pl.select(pl.coalesce(text, values)).to_series()


def _write(path: Path, sheets: dict[str, Grid]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    grid = next(iter(sheets.values()))
    match path.suffix.lower():
        case ".xlsx" | ".ods":
            write_workbook(beside, path.suffix.lower(), sheets)
        case ".parquet":
            write_parquet(beside, grid)
        case _:
            write_text(beside, grid)
    beside.replace(path)
    return path
