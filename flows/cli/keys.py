"""`journeys keys`: make the two root keys."""

from __future__ import annotations

import typer

from flows.cli.shell import ConfigOption, JsonOption, command, write_report

keys_app = typer.Typer(help="Make the partnership's root keys.", no_args_is_help=True)


@keys_app.command("new", epilog="Example: journeys keys new --config demo/partnership.yaml")
@command
def keys_new_command(config: ConfigOption = None, json_out: JsonOption = None) -> None:
    """Make the keys that partnership.yaml names and that are not there yet; overwrite none."""
    from flows.settings import load_settings, locate
    from flows.start import new_key

    settings = load_settings(locate(config))
    paths = {"identifier": settings.keys.identifier, "store": settings.keys.store}
    made = [name for name, path in paths.items() if new_key(path)]
    write_report({"made": made, "kept": [name for name in paths if name not in made]}, json_out)
    for name, path in paths.items():
        if name in made:
            typer.echo(f"made  the {name} key at {path}")
        else:
            typer.echo(f"kept  the {name} key at {path}: a key is never overwritten")
    if made:
        typer.echo("Keep a copy in safe custody: without a key its data cannot be read again.")
