"""Code lists: versioned CSV files beside this module, which a data lead may override.

Each file has `code, label, valid_from, valid_to, status, source`. `status` is `current` or
`historic` (still met in older records, so still accepted). `source` says how sure we are:
`published` was read in a public source, `field knowledge` was not, so ask the partner.
"""

from __future__ import annotations

from pathlib import Path

import polars as pl

from schemas.errors import ConfigError

PACKAGED = Path(__file__).with_name("codes")
COLUMNS = ("code", "label", "valid_from", "valid_to", "status", "source")
ACCEPTED_STATUS = ("current", "historic")
CATEGORIES = ("DRR", "ATR", "MHTR", "RAR", "UPW", "OTHER")
"""What a probation requirement may be, after its description has been read."""


def code_frame(name: str, folder: Path | None = None) -> pl.DataFrame:
    """Read one code list whole, every column a string.

    Args:
        name: The list, which is the name of its file without `.csv`.
        folder: The partnership's own lists; a file there wins over the packaged one.

    Raises:
        ConfigError: The list does not exist or lacks a column.
    """
    return _read(name, folder, COLUMNS)


def load_codes(name: str, folder: Path | None = None) -> frozenset[str]:
    """The codes of a list that a record may carry: the current and the historic ones.

    Raises:
        ConfigError: The list does not exist, lacks a column or accepts nothing.
    """
    frame = code_frame(name, folder).filter(pl.col("status").is_in(ACCEPTED_STATUS))
    codes = frozenset(frame["code"].drop_nulls().to_list())
    if not codes:
        raise ConfigError(
            f"The code list {name} has no current or historic code.",
            "Give at least one code the status current.",
        )
    return codes


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
    name = "requirement_description"
    frame = _read(name, folder, ("pattern", "category", "source"))
    if not frame["category"].is_in(CATEGORIES).all():
        raise ConfigError(
            f"The code list {name} names a category that does not exist.",
            f"Use one of {', '.join(CATEGORIES)}.",
        )
    if not all(_is_pattern(pattern) for pattern in frame["pattern"]):
        raise ConfigError(
            f"The code list {name} holds a pattern that cannot be used.",
            "Write each pattern as a regular expression without look-around.",
        )
    return tuple(zip(frame["pattern"].to_list(), frame["category"].to_list(), strict=True))


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
    try:
        return pl.read_csv(path, infer_schema=False)
    except (pl.exceptions.PolarsError, OSError):
        return None
