"""Code lists: versioned CSV files beside this module, which a data lead may override.

Each file has `code, label, valid_from, valid_to, status, source`. A code may have several rows,
one for each time it was in force; an empty date leaves that end open. `status` says how sure we
are: `confirmed` was read in the source named, `unconfirmed` was not, so ask the partner.

`lists.csv` gives each list its title and says what becomes of a code that is not in it:
`quarantine` the record, or `pass` it and count the code. An unknown value is passed only where it
looks like a code (`schemas.findings.LIKE_A_CODE`): any other could be a name, so it is emptied, or
the record quarantined where the value is required.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Literal, NamedTuple, cast

import polars as pl

from schemas.errors import ConfigError
from schemas.reading.guard import POLARS_ERRORS

PACKAGED = Path(__file__).with_name("codes")
COLUMNS = ("code", "label", "valid_from", "valid_to", "status", "source")
MAX_BYTES = 16 * 1024**2
STATUSES = ("confirmed", "unconfirmed")
CATALOGUE = "lists"
POLICIES = ("quarantine", "pass")
PATTERNS = "requirement_description"
CATEGORIES = ("DRR", "ATR", "MHTR", "RAR", "UPW", "OTHER")
"""What a probation requirement may be, after its description has been read."""

Policy = Literal["quarantine", "pass"]


@dataclass(frozen=True)
class Version:
    """One time during which a code was in force; an end that is not known is open."""

    code: str
    first: date | None
    last: date | None

    @property
    def is_open(self) -> bool:
        """Whether the code was in force on any day."""
        return self.first is None and self.last is None


class Stamp(NamedTuple):
    """What changes when a file does: when it was written, and its size in bytes."""

    name: str
    written: int
    size: int


@dataclass(frozen=True)
class CodeList:
    """A code list as validation needs it.

    Args:
        name: The list.
        versions: When each of its codes was in force.
        unknown: What becomes of a record with a code that is not in force on its day.
    """

    name: str
    versions: tuple[Version, ...]
    unknown: Policy

    @property
    def codes(self) -> list[str]:
        """Every code, whenever it was in force, in order."""
        return sorted({version.code for version in self.versions})

    @property
    def is_dated(self) -> bool:
        """Whether any code begins or ends to be in force."""
        return not all(version.is_open for version in self.versions)

    @property
    def by_lower_case(self) -> dict[str, str]:
        """Each code by its lower case; none where two codes differ in capitals only."""
        found = {code.lower(): code for code in self.codes}
        return found if len(found) == len(self.codes) else {}

    def in_force(self, value: pl.Expr, day: pl.Expr) -> pl.Expr:
        """Whether a code was in force on a day; a day that is not known contradicts nothing."""
        always = [version.code for version in self.versions if version.is_open]
        fits = [value.is_in(always)]
        for version in self.versions:
            if not version.is_open:
                starts = pl.lit(True) if version.first is None else day >= version.first
                ends = pl.lit(True) if version.last is None else day <= version.last
                fits.append((value == version.code) & (starts & ends).fill_null(True))
        return pl.any_horizontal(fits)


def stamps(folder: Path | None) -> frozenset[Stamp | None]:
    """What is another once a partnership's own list has changed, for what is made of lists."""
    return frozenset(map(_stamp, folder.glob("*.csv"))) if folder is not None else frozenset()


def list_names() -> tuple[str, ...]:
    """Every packaged list of codes, in the order of its catalogue."""
    frame = _read(CATALOGUE, None, ("list", "title", "unknown"))
    return tuple(frame["list"].to_list())


def list_title(name: str, folder: Path | None = None) -> str:
    """What a list is of, for people to read; its name where nobody has said.

    Raises:
        ConfigError: The catalogue of lists cannot be used.
    """
    return _catalogue(folder).get(name, (name, ""))[0]


def unknown_codes(name: str, folder: Path | None = None) -> Policy:
    """What becomes of a record whose code is not in a list.

    A list of the partnership's own that it has not put in its catalogue quarantines.

    Raises:
        ConfigError: The catalogue of lists cannot be used.
    """
    policy = _catalogue(folder).get(name, ("", "quarantine"))[1]
    if policy not in POLICIES:
        raise ConfigError(
            f"The catalogue of code lists says something unknown of {name}.",
            f"Give its column unknown one of {', '.join(POLICIES)}.",
        )
    return cast(Policy, policy)


def code_frame(name: str, folder: Path | None = None) -> pl.DataFrame:
    """Read one code list whole, every column a string.

    Args:
        name: The list, which is the name of its file without `.csv`.
        folder: The partnership's own lists; a file there wins over the packaged one.

    Raises:
        ConfigError: The list does not exist, lacks a column, or has a status or date that cannot
            be used.
    """
    frame = _read(name, folder, COLUMNS)
    if not frame["status"].is_in(STATUSES).all() or frame["status"].null_count():
        raise ConfigError(
            f"The code list {name} has a code without a usable status.",
            f"Give every code the status {' or '.join(STATUSES)}.",
        )
    for column in ("valid_from", "valid_to"):
        if _days(frame, column).null_count() > frame[column].null_count():
            raise ConfigError(
                f"The code list {name} has a {column} that is not a date.",
                "Write dates as YYYY-MM-DD, or leave them empty.",
            )
    return frame


def code_list(name: str, folder: Path | None = None) -> CodeList:
    """Read one code list for validation; whoever asks again gets the same one, unless it changed.

    Raises:
        ConfigError: The list cannot be used or holds no code.
    """
    read_from = [_locate(name, folder), _locate(CATALOGUE, folder)]
    return _code_list(name, folder, tuple((path, _stamp(path)) for path in read_from))


@lru_cache(maxsize=256)
def _code_list(
    name: str, folder: Path | None, _: tuple[tuple[Path, Stamp | None], ...]
) -> CodeList:
    """A code list as it stands in its file, and in the catalogue."""
    frame = code_frame(name, folder).filter(pl.col("code").is_not_null())
    if frame.is_empty():
        raise ConfigError(f"The code list {name} has no code.", "Give it at least one code.")
    rows = zip(frame["code"], _days(frame, "valid_from"), _days(frame, "valid_to"), strict=True)
    versions = tuple(Version(*row) for row in rows)
    _refuse_muddled(name, versions)
    return CodeList(name, versions, unknown_codes(name, folder))


def check_lists(folder: Path) -> None:
    """Hold a partnership's own code lists to the packaged ones.

    Raises:
        ConfigError: A file there is of no list that there is, or the catalogue names one that
            there is not or the same one twice.
    """
    known = {*list_names(), PATTERNS}
    _refuse_unknown("folder of code lists", {path.stem for path in folder.glob("*.csv")},
                    {*known, CATALOGUE})  # fmt: skip
    if (folder / f"{CATALOGUE}.csv").is_file():
        named = _read(CATALOGUE, folder, ("list", "title", "unknown"))["list"].drop_nulls()
        _refuse_unknown("catalogue of code lists", set(named), known)
        if named.n_unique() < len(named):
            raise ConfigError(
                "The catalogue of code lists names a list twice.",
                f"Leave one row for each list in {CATALOGUE}.csv.",
            )


def _refuse_unknown(where: str, named: set[str], known: set[str]) -> None:
    if not named <= known:
        raise ConfigError(
            f"The {where} names {len(named - known)} that no contract uses.",
            "Spell each list as docs/reference/contracts does, and leave out the others.",
        )


def _refuse_muddled(name: str, versions: Iterable[Version]) -> None:
    """Refuse a code that ends before it begins, or is given twice for one day."""
    until: dict[str, date] = {}
    for one in sorted(versions, key=lambda one: (one.code, one.first or date.min)):
        first, last = one.first or date.min, one.last or date.max
        if last < first:
            raise ConfigError(
                f"The code list {name} has a code that ends before it begins.",
                "Write in valid_from the first day of a code, and in valid_to its last.",
            )
        if one.code in until and first <= until[one.code]:
            raise ConfigError(
                f"The code list {name} gives a code twice for the same day.",
                "Give a code several rows only for times that do not overlap.",
            )
        until[one.code] = last


def load_codes(name: str, folder: Path | None = None) -> frozenset[str]:
    """The codes of a list, whenever they were in force.

    Raises:
        ConfigError: The list cannot be used or holds no code.
    """
    return frozenset(code_list(name, folder).codes)


def crosswalk(name: str, folder: Path | None = None) -> dict[str, str]:
    """A list's codes and what each is translated to (its column `maps_to`).

    Raises:
        ConfigError: The list does not exist, lacks a column or leaves a code untranslated.
    """
    frame = _read(name, folder, (*COLUMNS, "maps_to"))
    if frame["maps_to"].null_count():
        raise ConfigError(
            f"The code list {name} leaves a code untranslated.",
            "Fill its column maps_to on every row.",
        )
    return dict(zip(frame["code"].to_list(), frame["maps_to"].to_list(), strict=True))


def requirement_patterns(folder: Path | None = None) -> tuple[tuple[str, str], ...]:
    """The (pattern, category) pairs that read a requirement's description; the first match wins.

    Raises:
        ConfigError: The list lacks a column, holds an unusable pattern or an unknown category.
    """
    frame = _read(PATTERNS, folder, ("pattern", "category", "source"))
    if not frame["category"].is_in(CATEGORIES).all():
        raise ConfigError(
            f"The code list {PATTERNS} names a category that does not exist.",
            f"Use one of {', '.join(CATEGORIES)}.",
        )
    if not all(_is_pattern(pattern) for pattern in frame["pattern"]):
        raise ConfigError(
            f"The code list {PATTERNS} holds a pattern that cannot be used.",
            "Write each pattern as a regular expression without look-around.",
        )
    return tuple(zip(frame["pattern"].to_list(), frame["category"].to_list(), strict=True))


def _catalogue(folder: Path | None) -> dict[str, tuple[str, str]]:
    """Each list's title and policy: the packaged ones, then the partnership's own over them."""
    columns = ("list", "title", "unknown")
    frames = [_read(CATALOGUE, None, columns)]
    if folder is not None and (folder / f"{CATALOGUE}.csv").is_file():
        frames.append(_read(CATALOGUE, folder, columns))
    return {
        name: (title or name, unknown or "")
        for frame in frames
        for name, title, unknown in frame.select(columns).iter_rows()
    }


def _days(frame: pl.DataFrame, column: str) -> pl.Series:
    return frame[column].str.to_date("%Y-%m-%d", strict=False)


def _is_pattern(pattern: str | None) -> bool:
    if not pattern:
        return False
    try:
        pl.select(pl.lit("").str.contains(pattern))
    except pl.exceptions.PolarsError:
        return False
    return True


def _read(name: str, folder: Path | None, columns: tuple[str, ...]) -> pl.DataFrame:
    frame = _read_or_none(_locate(name, folder))
    if frame is None:
        raise ConfigError(
            f"The code list {name} cannot be read.",
            f"Put {name}.csv, as comma-separated UTF-8 text, in the partnership's codes folder.",
        )
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise ConfigError(
            f"The code list {name} lacks {', '.join(missing)}.",
            f"Give it the columns {', '.join(columns)}.",
        )
    return frame


def _locate(name: str, folder: Path | None) -> Path:
    own = None if folder is None else folder / f"{name}.csv"
    return own if own is not None and own.is_file() else PACKAGED / f"{name}.csv"


def _read_or_none(path: Path) -> pl.DataFrame | None:
    stamp = _stamp(path)
    return None if stamp is None or stamp.size > MAX_BYTES else _parsed(path, stamp)


def _stamp(path: Path) -> Stamp | None:
    try:
        seen = path.stat()
    except OSError:
        return None
    return Stamp(path.name, seen.st_mtime_ns, seen.st_size)


@lru_cache(maxsize=256)
def _parsed(path: Path, _: Stamp) -> pl.DataFrame | None:
    """A list as it stands in its file; read again once the file has changed."""
    try:
        read = pl.read_csv(path, infer_schema=False)
        read.columns = [name.strip().lower() for name in read.columns]
    except (*POLARS_ERRORS, OSError):
        return None
    # Who edits a list in a spreadsheet leaves blanks behind, and rows of nothing at its end.
    stripped = read.with_columns(pl.all().str.strip_chars())
    filled = stripped.with_columns(pl.when(pl.all() != "").then(pl.all()).name.keep())
    return filled.filter(pl.any_horizontal(pl.all().is_not_null()))
