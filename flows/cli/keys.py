"""`journeys keys`: make, look at, rotate and destroy keys, and give partners their bundles."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

if TYPE_CHECKING:
    from governance.keys.ring import Kind

keys_app = typer.Typer(
    help="Make, look at, rotate and destroy the partnership's keys.", no_args_is_help=True
)

KindArgument = Annotated[
    str, typer.Argument(metavar="KIND", help="identifier, store, release, seal or record.")
]


@keys_app.command("new", epilog="Example: journeys keys new --config demo/partnership.yaml")
@command
def keys_new_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """Make the keys that partnership.yaml names and that are not there yet; overwrite none."""
    from flows.clock import local_day, utc_now
    from flows.keys.rotation import new_keys
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    made = new_keys(settings, local_day(utc_now()))
    names = [name for name, fresh in made.items() if fresh]
    write_report({"made": names, "kept": [name for name in made if name not in names]}, json_out)
    for kind in settings.keys.named:
        place = settings.keys.source(kind)
        if kind in names:
            typer.echo(f"made  the {kind} key at {place}")
        else:
            typer.echo(f"kept  the {kind} key at {place}: a key is never overwritten")
    if names:
        typer.echo("Keep a copy in safe custody: without a key its data cannot be read again.")


@keys_app.command("status", epilog="Example: journeys keys status --json keys.json")
@command
def keys_status_command(config: ConfigOption = None, json_out: JsonOption = None) -> int:
    """List every key and epoch: where it is, how it stands, who is still to supply in it.

    Exits with 1 where a key cannot be used.
    """
    from flows.keys.rotation import key_states, report
    from flows.settings import load_settings, locate

    states = key_states(load_settings(locate(config)))
    write_report(report(states), json_out)
    for state in states:
        typer.echo(f"{state.kind:<11} {state.source}")
        if state.problem:
            typer.echo(f"            {state.problem}")
        for note in state.notes:
            typer.echo(f"            {note}")
        for one in state.epochs:
            said = f": {one.said}" if one.said else ""
            typer.echo(
                f"            epoch {one.epoch}, made {one.made:%-d %B %Y}, {one.fingerprint}, "
                f"{one.state}{said}"
            )
    return int(any(state.problem for state in states))


@keys_app.command("rotate", epilog="Example: journeys keys rotate identifier")
@command
def keys_rotate_command(kind: KindArgument, config: ConfigOption = None) -> None:
    """Add an epoch to a key.

    Stores and releases are wrapped anew at once. A new identifier epoch is crossed into once every
    partner has supplied in it; person ids stay as they are.
    """
    from flows.keys.rotation import rotate
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    epoch = rotate(settings, _kind(kind))
    typer.echo(f"The {kind} key has epoch {epoch} now. Keep a copy of it in safe custody.")
    if kind == "identifier":
        typer.echo(
            "Put every partner's extract into its inbox once more and run the journey; partners "
            "that encode at source need a new bundle. `journeys keys status` lists who is left."
        )
    elif kind == "seal":
        typer.echo("Partners that encode at source need a new bundle.")
    elif kind == "record":
        typer.echo(
            "Give partners its public half in checkpoints/; the epoch before it vouches for it."
        )
    else:
        typer.echo("Nothing is wrapped in the old epoch any more; it may be destroyed.")


@keys_app.command(
    "destroy", epilog="Example: journeys keys destroy identifier --epoch 1 --why 'rotated' --yes"
)
@command
def keys_destroy_command(
    kind: KindArgument,
    why: Annotated[str, typer.Option("--why", help="The reason, for the receipt.")],
    epoch: Annotated[
        int | None, typer.Option("--epoch", min=1, help="The epoch that nothing needs any more.")
    ] = None,
    everything: Annotated[
        bool,
        typer.Option("--everything", help="All epochs: what the key protects ends with it."),
    ] = False,
    confirm: Annotated[
        str, typer.Option("--confirm", metavar="NAME", help="With --everything: the partnership.")
    ] = "",
    lose_tokens: Annotated[
        bool,
        typer.Option(
            "--lose-tokens", help="Though suppression tokens of people who objected go with it."
        ),
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Yes, destroy it.")] = False,
    config: ConfigOption = None,
) -> None:
    """Destroy a key, or one epoch of it, and write a receipt.

    An epoch that data still stand on is refused. The custodians' own copies have to be destroyed
    by them.
    """
    from flows.keys.destruction import destroy
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    settings = load_settings(locate(config))
    if everything == (epoch is not None):
        raise ConfigError("Say which epoch goes.", "Give --epoch N, or --everything.")
    if everything and confirm != settings.partnership:
        raise ConfigError(
            "What this key protects could never be read again.",
            "If that is what you want, give --confirm with the partnership's name as "
            "partnership.yaml has it.",
        )
    if not yes:
        raise ConfigError("Nothing was destroyed.", "Give --yes to destroy the key.")
    receipt = destroy(settings, _kind(kind), epoch, why=why, lose_tokens=lose_tokens)
    typer.echo(f"Destroyed. The receipt is {receipt}.")
    typer.echo("Have every custodian destroy their copy, and any backup that holds it.")


@keys_app.command("bundle", epilog="Example: journeys keys bundle police --out police.bundle")
@command
def keys_bundle_command(
    partner: Annotated[str, typer.Argument(metavar="PARTNER", help="Who will encode with it.")],
    out: Annotated[Path, typer.Option("--out", metavar="FILE", help="Where to write it.")],
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Make the bundle with which a partner encodes on its own machine.

    It holds the key of this purpose in each epoch, the agreement and the hub's public key, and
    never a root key. Send the bundle and its passphrase two different ways.
    """
    from flows.clock import local_day, utc_now
    from flows.files import refuse_overwriting
    from flows.keys.bundles import make_bundle, passphrase_path, public_key_path
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    refuse_overwriting(
        {"--out file": out, "passphrase": passphrase_path(out), "--json report": json_out},
        [public_key_path(settings, partner)],
    )
    made = make_bundle(settings, partner, out, local_day(utc_now()))
    said: dict[str, Any] = {
        "bundle": str(made.bundle),
        "passphrase": str(made.passphrase),
        "public_key": str(made.public_key),
        "epochs": list(made.epochs),
        "renewed": made.renewed,
    }
    write_report(said, json_out)
    typer.echo(f"made  the bundle of {partner} at {made.bundle}")
    typer.echo(f"made  its passphrase at {made.passphrase}: send it another way, then remove it")
    typer.echo(f"made  the partner's public key at {made.public_key}")
    if made.renewed:
        typer.echo(f"What {partner} sealed with its earlier bundle is refused from now on.")
    typer.echo(f"In partnership.yaml, give {partner} `encodes_with: keys/partners/{partner}.pub`.")


def _kind(said: str) -> Kind:
    from governance.keys.ring import KINDS
    from schemas.errors import ConfigError

    for kind in KINDS:
        if said == kind:
            return kind
    raise ConfigError("There is no such kind of key.", f"Name one of {', '.join(KINDS)}.")
