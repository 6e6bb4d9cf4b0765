"""`journeys verify`: check a publication anywhere, without keys and without a solver."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.shell import ConfigOption, JsonOption, write_report

COMPARISONS = {
    "compared": "its populations, person by person, and all that is public of the same days",
    "alone": "with nothing: it is the only population there is",
    "not linked": "with nothing: it was said that nobody is in two of its populations",
}
"""Which comparison of populations a certificate shows, as the checker names it → in words."""


def verify_command(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The publication.", readable=False)],
    certificate: Annotated[
        list[Path] | None,
        typer.Option(
            "--certificate",
            metavar="FILE",
            help="A certificate of the partnership's, for its officer; give every one there is. "
            "It is opened with the release key of --config.",
            readable=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Check a publication: files, approvals, and the certified releases its counts come from.

    It needs neither keys nor the partnership's folder. With --certificate the proof that nothing
    masked can be told is checked as well.
    """
    from flows.settings import load_settings, locate
    from warehouse.publish.verify import verify

    opened = []
    if certificate:
        from flows.publication.certificates import consult_certificates

        opened = consult_certificates(load_settings(locate(config)), certificate)
    found = verify(folder, opened)
    proofs = {name: vars(one) for name, one in found.proofs.items()}
    write_report({**vars(found), "proofs": proofs}, json_out)
    typer.echo(f"{found.title} ({found.publication_id}) is as it was approved.")
    typer.echo(f"Approved by  {' and '.join(found.officers)}")
    typer.echo(f"Files        {found.files:,}, each as approved")
    typer.echo(
        f"Counts       {found.values:,} in {len(found.releases):,} certified release(s), each one "
        "the gate could have made"
    )
    if found.tables:
        typer.echo(f"Tables       {found.tables:,} read off those releases again: the same")
    for name, one in found.proofs.items():
        typer.echo(
            f"Proved       {name}: {one.counts:,} counts that may not be told, by {one.tables:,} "
            "possible tables"
        )
        typer.echo(f"Compared     {COMPARISONS[one.comparison]}")
    if not found.proofs:
        typer.echo("Not proved   that is for who may open the certificates (--certificate)")
