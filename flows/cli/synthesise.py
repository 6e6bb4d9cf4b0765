"""`journeys synthesise`: extracts that look real and belong to nobody."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, say, write_report
from schemas.errors import ConfigError

if TYPE_CHECKING:
    from schemas.mapping import SystemMapping


def synthesise_command(
    people: Annotated[
        int,
        typer.Option("--people", min=50, max=1_600_000, help="How many adults to invent."),
    ] = 5000,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same files.")
    ] = 1,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", metavar="DIR", help="Where inbox/ and truth/ go; else beside --config."
        ),
    ] = None,
    extras: Annotated[
        bool,
        typer.Option(
            "--extras",
            help="Also the extracts that few partners send, such as an intensive programme's.",
        ),
    ] = False,
    shape: Annotated[
        str,
        typer.Option(
            "--shape", help="Of the treatment extract: local (names) or ndtms (initials only)."
        ),
    ] = "local",
    layout: Annotated[
        list[str] | None,
        typer.Option(
            "--layout",
            metavar="PARTNER=SYSTEM",
            help="Write a partner's files as a system does, by its mapping; may be repeated.",
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Write four partners' synthetic extracts."""
    from flows.progress import narrator
    from flows.settings import beside
    from synthetic import write_extracts

    folder = out if out is not None else beside(config)
    home = beside(config) if config is not None else folder
    codes = home / "codes" if (home / "codes").is_dir() else None
    layouts = _layouts(layout or [], home / "mappings", codes)
    with narrator().telling(1, 1, f"Inventing {people:,} people"):
        summary = write_extracts(
            people, seed, folder, extras=extras, shape=shape, layouts=layouts, codes=codes
        )
    write_report({"people": people, "seed": seed, "tables": dict(summary.tables)}, json_out)
    for table, rows in summary.tables.items():
        typer.echo(f"{rows:>9,}  {table}")
    say(f"Written to {folder / 'inbox'}; who is who is in {folder / 'truth'}.")
    for partner, mapping in layouts.items():
        say(f"To read it, give {partner} `system: {mapping.system}` in partnership.yaml.")


def _layouts(given: list[str], mappings: Path, codes: Path | None) -> dict[str, SystemMapping]:
    """Load the mapping of each partner that is to be written as a system does."""
    from schemas.mapping import load_mapping
    from schemas.tables import TABLES

    layouts: dict[str, SystemMapping] = {}
    for number, one in enumerate(given, 1):
        partner, equals, system = one.partition("=")
        if not equals or partner not in TABLES or partner in layouts:
            raise ConfigError(
                f"Layout {number} does not name a partner once and its system.",
                f"Give PARTNER=SYSTEM, with one of {', '.join(TABLES)}, such as police=niche.",
            )
        layouts[partner] = load_mapping(partner, system, mappings, codes)
    return layouts
