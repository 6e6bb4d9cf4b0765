"""`journeys link review`: pairs of records that a person should look at."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.cli.check import FilesArgument, PartnerArgument
from flows.cli.encode import KeysOption, PassphraseOption
from flows.cli.shell import ConfigOption, JsonOption, command, say, write_report

review_app = typer.Typer(
    help="Look at pairs of records by how much they agree, and decide.", no_args_is_help=True
)

PairArgument = Annotated[
    str, typer.Argument(metavar="PAIR", help="The name of a pair, as `list` shows it.")
]


@review_app.command("list", epilog="Example: journeys link review list --partner police")
@command
def review_list_command(
    partner: Annotated[
        str | None,
        typer.Option(
            "--partner",
            metavar="PARTNER",
            help="What that partner is asked: pairs within its own extract; else the hub's.",
        ),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.csv",
            help="With --partner: write what it needs to find the pairs among its own records.",
            readable=False,
        ),
    ] = None,
    decided: Annotated[
        bool, typer.Option("--decided", help="Also those that have been decided.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """List the pairs that wait: their weight and how each field agrees, and no record.

    Those come first that agree most.
    """
    from flows.cli.output import check_open, write_result
    from flows.files import check_report_target, write_private
    from flows.linking.review import pairs_for, waiting
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    check_open()
    settings = load_settings(locate(config))
    if out is not None:
        if partner is None:
            raise ConfigError("--out is of one partner's pairs.", "Give --partner too.")
        check_report_target(out, "pairs file")
    found = waiting(settings, partner=partner, decided=decided)
    write_report(found, json_out)
    if out is not None and partner is not None:
        write_private(out, pairs_for(settings, partner).encode())
    if found:
        write_result(list(found[0]), [list(row.values()) for row in found], "table")
    say(f"{len(found):,} pair{'' if len(found) == 1 else 's'}")


@review_app.command(
    "own",
    epilog="Example: journeys link review own police extract/ --pairs pairs.csv "
    "--keys police.bundle --passphrase-file police.passphrase --out own.csv",
)
@command
def review_own_command(
    partner: PartnerArgument,
    files: FilesArgument,
    pairs: Annotated[
        Path, typer.Option("--pairs", metavar="FILE.csv", help="The file that the hub made.")
    ],
    keys: KeysOption,
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE.csv", help="Where to write your record keys.")
    ],
    passphrase_file: PassphraseOption = None,
) -> None:
    """At a partner's own desk: find which of its own records the hub asks about.

    The file that is written names your own records. Keep it; tell the hub the answer only.
    """
    import os

    from flows.cli.check import require_partner
    from flows.clock import utc_now
    from flows.files import check_report_target, refuse_overwriting, write_private
    from flows.intake.at_source import open_with, own_records
    from flows.intake.check import refuse_keys_at_a_hub
    from flows.intake.own_pairs import find_own
    from flows.settings import LOCATION_VARIABLE

    refuse_keys_at_a_hub(files, os.environ.get(LOCATION_VARIABLE))
    require_partner(partner)
    check_report_target(out, "file of record keys")
    refuse_overwriting(
        {"--out file": out},
        [pairs, keys, *files, *(one for path in files if path.is_dir() for one in path.glob("*"))],
    )
    own = own_records(open_with(keys, passphrase_file), partner, files, now=utc_now())
    write_private(out, find_own(pairs, own).encode())
    typer.echo(f"Your records are in {out}. Keep it; tell the hub the answer only.")


@review_app.command("show", epilog="Example: journeys link review show 4f2a9c01")
@command
def review_show_command(
    pair: PairArgument, config: ConfigOption = None, json_out: JsonOption = None
) -> None:
    """Show how much the two records of a pair agree, field by field, and what was decided."""
    from dataclasses import asdict

    from flows.linking.review import show
    from flows.settings import load_settings, locate

    shown = show(load_settings(locate(config)), pair)
    write_report(asdict(shown), json_out)
    typer.echo(f"{shown.pair}: {shown.why}")
    for comparison, (level, weight) in shown.levels.items():
        typer.echo(f"  {comparison:<12} {weight:>+7.1f}  {level}")
    typer.echo(f"  {'in all':<12} {shown.match_weight:>+7.1f}")
    for one in shown.decisions:
        typer.echo(f"  {one['at'][:16]}  {one['decision']} ({one['reason']}), {one['officer']}")


@review_app.command(
    "decide",
    epilog="Example: journeys link review decide 4f2a9c01 different --reason relatives "
    '--officer "A. Name"',
)
@command
def review_decide_command(
    pair: PairArgument,
    decision: Annotated[str, typer.Argument(metavar="DECISION", help="same, different or unsure.")],
    reason: Annotated[
        str,
        typer.Option(
            "--reason",
            help="pattern, checked-source, relatives, id-error, mixed-record or cannot-tell.",
        ),
    ],
    officer: Annotated[str, typer.Option("--officer", help="Who decides.")],
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Decide whether the two records of a pair are of one person. The next run respects it.

    `unsure` takes back what was decided before.
    """
    from flows.linking.review import decide
    from flows.settings import load_settings, locate

    decide(load_settings(locate(config)), pair, decision, reason=reason, officer=officer)
    write_report({"pair": pair, "decision": decision, "reason": reason}, json_out)
    typer.echo(f"{pair}: {decision}. The next run respects it.")
