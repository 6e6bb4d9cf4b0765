"""`journeys rights seal`: a partner that encodes at source marks and seals a rights request."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.check import PartnerArgument, require_partner
from flows.cli.encode import KeysOption, OutOption, PassphraseOption

SEAL_EXAMPLE = (
    "journeys rights seal police request.csv --keys police.bundle "
    "--passphrase-file police.bundle.passphrase --out police.request"
)


def rights_seal_command(
    partner: PartnerArgument,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="Identifiers, one person a line.", readable=False),
    ],
    keys: KeysOption,
    out: OutOption,
    passphrase_file: PassphraseOption = None,
) -> None:
    """On a partner's own machine: replace a request's identifiers with marks and seal it.

    Only the sealed file is to be sent; the hub gives it to `journeys rights object` or `erase`.
    """
    from flows.clock import utc_now
    from flows.files import check_report_target, refuse_overwriting, write_private
    from flows.intake.at_source import open_with
    from flows.rights.sealed_request import seal_request

    require_partner(partner)
    check_report_target(out, "--out file")
    inputs = [keys, file] + ([] if passphrase_file is None else [passphrase_file])
    refuse_overwriting({"--out file": out}, inputs)
    bundle = open_with(keys, passphrase_file)
    manifest, content = seal_request(bundle, partner, file, utc_now())
    write_private(out, content)
    typer.echo(f"Sealed  {out}: request {manifest.delivery[:8]}.")
    typer.echo("Send this file to the hub, and remove the one with identifiers safely.")
