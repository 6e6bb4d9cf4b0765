"""`journeys encode`: a partner encodes its own extract and seals it for the hub."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.check import (
    CsvOption,
    FilesArgument,
    HtmlOption,
    PartnerArgument,
    require_partner,
    write_asked,
)
from flows.cli.shell import JsonOption, write_report

if TYPE_CHECKING:
    from governance.sealing import Manifest

KeysOption = Annotated[
    Path, typer.Option("--keys", metavar="BUNDLE", help="The bundle that the hub gave you.")
]
OutOption = Annotated[
    Path, typer.Option("--out", metavar="FILE", help="Where to write the sealed file.")
]
PassphraseOption = Annotated[
    Path | None,
    typer.Option(
        "--passphrase-file",
        metavar="FILE",
        help="The file with the bundle's passphrase; else JOURNEYS_BUNDLE_PASSPHRASE.",
    ),
]
AsAtOption = Annotated[
    datetime | None,
    typer.Option(
        "--as-at",
        metavar="DATE",
        formats=["%Y-%m-%d"],
        help="The day of the extract, if not today.",
    ),
]


def encode_command(
    partner: PartnerArgument,
    files: FilesArgument,
    keys: KeysOption,
    out: OutOption,
    passphrase_file: PassphraseOption = None,
    as_at: AsAtOption = None,
    html: HtmlOption = None,
    csv: CsvOption = None,
    json_out: JsonOption = None,
) -> int:
    """Check an extract, replace its identifiers with keyed encodings and seal it for the hub.

    Names do not leave this machine: only the sealed file is to be sent, and only the hub can open
    it. The bundle's agreement says what is taken in.

    Exit codes: 0 done (records that cannot be used are left out and counted), 1 refused, 2 wrong
    use.
    """
    from flows.cli.check_screen import show
    from flows.clock import local_day, utc_now
    from flows.files import check_report_target, refuse_overwriting, write_private
    from flows.intake.at_source import encode_at_source, open_with
    from flows.intake.check import csv_report, html_report

    require_partner(partner)
    check_report_target(out, "--out file")
    refuse_overwriting(
        {"--out file": out, "--html page": html, "--csv report": csv, "--json report": json_out},
        [keys, *files, *(one for path in files if path.is_dir() for one in path.glob("*"))]
        + ([] if passphrase_file is None else [passphrase_file]),
    )
    now = utc_now()
    bundle = open_with(keys, passphrase_file)
    day = None if as_at is None else as_at.date()
    made = encode_at_source(bundle, partner, files, now=now, as_at=day)
    if made.manifest is not None:
        write_private(out, made.content)
    write_report(made.as_json(), json_out)
    write_asked(html, lambda: html_report(made.report, local_day(now)))
    write_asked(csv, lambda: csv_report(made.report))
    show(made.report)
    if made.manifest is None:
        typer.echo("Nothing was encoded.")
        return 1
    _show_sealed(out, made.manifest)
    return 0


def _show_sealed(out: Path, manifest: Manifest) -> None:
    day = manifest.data_as_at
    epochs = " and ".join(str(epoch) for epoch in sorted(manifest.epochs))
    typer.echo(
        f"Sealed  {out}: data to {day.day} {day:%B %Y}, key epoch {epochs}, "
        f"delivery {manifest.delivery[:8]}."
    )
    typer.echo("Send this file to the hub, and no other.")
