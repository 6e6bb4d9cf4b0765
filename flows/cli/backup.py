"""`journeys backup`: one sealed file with the whole partnership, and the way back from it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.cli.shell import ConfigOption, JsonOption, PublicKeyOption, command, write_report

if TYPE_CHECKING:
    from flows.backup.manifest import Manifest

backup_app = typer.Typer(
    help="Back the partnership up into one sealed file, and restore it.", no_args_is_help=True
)

FileArgument = Annotated[Path, typer.Argument(metavar="FILE", help="The backup.", readable=False)]
KEY_HELP = "The backup key, as its custodian keeps it."


@backup_app.command("key", epilog="Example: journeys backup key --out /media/custodian/backup.key")
@command
def backup_key_command(
    out: Annotated[
        Path, typer.Option("--out", metavar="FILE", help="Where: the custodian's medium.")
    ],
    replace: Annotated[
        bool, typer.Option("--replace", help="Though there is one; old backups need the old.")
    ] = False,
    config: ConfigOption = None,
) -> None:
    """Make the backup key for its custodian; the hub keeps the public half only.

    Nothing but that key opens a backup. Keep it apart from the backups and from the hub.
    """
    from flows.backup.recipient import make_backup_key
    from flows.clock import local_day, utc_now
    from flows.settings import load_settings, locate

    settings = load_settings(locate(config))
    path, mark = make_backup_key(settings, out, local_day(utc_now()), replace=replace)
    typer.echo(f"made  the backup key at {out}: give it to its custodian, and keep no copy here")
    typer.echo(f"made  its public half at {path}: {mark}")


@backup_app.command("make", epilog="Example: journeys backup make --out /srv/backups/partnership")
@command
def backup_make_command(
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="The folder it goes into; else `backups` under `retention` in partnership.yaml.",
            readable=False,
        ),
    ] = None,
    recipient: Annotated[
        Path | None,
        typer.Option(
            "--recipient",
            metavar="FILE",
            help="The public half of another backup key than the one beside partnership.yaml.",
            readable=False,
        ),
    ] = None,
    alert: Annotated[
        bool,
        typer.Option("--alert", help="Wait for a run at work; tell whom alerts go to if it fails."),
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> None:
    """Write everything that the partnership keeps into one sealed file.

    No run and no deletion is at work meanwhile; people go on reading. Keys are not in it, and no
    extracts of the inbox.
    """
    from flows.backup.making import make_backup
    from flows.orchestration.watched import watched_backup
    from flows.settings import load_settings, locate

    make = watched_backup if alert else make_backup
    made = make(load_settings(locate(config)), out, recipient)
    write_report({"file": str(made.path), **vars(made.manifest), "notes": made.notes}, json_out)
    typer.echo(f"made  {made.path}: {_counts(made.manifest)}")
    for note in made.notes:
        typer.echo(f"Note  {note}")


@backup_app.command("list", epilog="Example: journeys backup list --in /srv/backups/partnership")
@command
def backup_list_command(
    folder: Annotated[
        Path | None,
        typer.Option(
            "--in",
            metavar="FOLDER",
            help="The folder; else `backups` under `retention` in partnership.yaml.",
            readable=False,
        ),
    ] = None,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> int:
    """List the backups in a folder by what they say of themselves; nothing is opened.

    Exits with 1 where one is not whole.
    """
    from flows.backup.opening import backups_in

    found = backups_in(folder or _backups(config))
    write_report(
        [
            {"file": one.path.name, "problem": one.problem}
            | (vars(one.ending.manifest) if one.ending else {})
            for one in found
        ],
        json_out,
    )
    for one in found:
        said = _counts(one.ending.manifest) if one.ending else f"NOT WHOLE. {one.problem}"
        typer.echo(f"{one.path.name}  {said}")
    if not found:
        typer.echo("There is no backup in it.")
    return int(any(one.problem for one in found))


@backup_app.command(
    "verify", epilog="Example: journeys backup verify backup.journeys --key backup.key"
)
@command
def backup_verify_command(
    file: FileArgument,
    key: Annotated[
        Path | None, typer.Option("--key", metavar="FILE", help=KEY_HELP, readable=False)
    ] = None,
    public_key: PublicKeyOption = None,
    json_out: JsonOption = None,
) -> None:
    """Check that a backup is whole; with the backup key, open every file in it.

    It needs no partnership folder. Without the backup key the file is held against its own digest.
    """
    from flows.backup.opening import verify_backup

    found = verify_backup(file, key, public_key)
    said: dict[str, Any] = {"files_opened": found.files, "signed_by": found.signed_by}
    write_report(vars(found.ending.manifest) | said | {"pinned": found.pinned}, json_out)
    typer.echo(f"{file.name}: {_counts(found.ending.manifest)}")
    if found.files is None:
        typer.echo("It is whole. Give --key to open what is in it as well.")
    else:
        typer.echo(f"It is whole: {found.files:,} files open and are as they were.")
    typer.echo(_signed(found.signed_by, found.pinned))


@backup_app.command(
    "restore",
    epilog="Example: journeys backup restore backup.journeys --into partnership --key backup.key",
)
@command
def backup_restore_command(
    file: FileArgument,
    into: Annotated[
        Path,
        typer.Option("--into", metavar="FOLDER", help="A folder that is not there, or is empty."),
    ],
    key: Annotated[Path, typer.Option("--key", metavar="FILE", help=KEY_HELP, readable=False)],
    public_key: PublicKeyOption = None,
    without_register: Annotated[
        str | None,
        typer.Option(
            "--without-register",
            metavar="WHY",
            help="Though the register of erasures is lost: who was erased since comes back.",
        ),
    ] = None,
    json_out: JsonOption = None,
) -> None:
    """Put the whole partnership back where there is none, verified before it counts.

    Put the keys back afterwards and run the journey: it erases again whom the register of erasures
    knows, and until then nobody reads a release.
    """
    from flows.backup.restoring import restore_backup

    done = restore_backup(file, into, key, public_key=public_key, without_register=without_register)
    said = {"folder": str(done.folder), "signed_by": done.signed_by, "pinned": done.pinned}
    said |= {"waiting": done.waiting, "register": done.register, "keys": list(done.keys)}
    write_report(vars(done.manifest) | said, json_out)
    typer.echo(
        f"made  {done.folder} as it was on {done.manifest.made_at[:10]}, and the record says so"
    )
    typer.echo(_signed(done.signed_by, done.pinned))
    for one in done.keys:
        typer.echo(f"Put back from its custodian the key  {one}")
    if not done.register:
        typer.echo("The register of erasures was not at hand: who was erased since is in it again.")
    elif done.waiting:
        typer.echo(f"{done.waiting:,} erasures were carried out since; the next run does so again.")
    typer.echo("Then run `journeys run` and `journeys doctor`; put extracts sent since in again.")


def _backups(config: Path | None) -> Path:
    from flows.settings import load_settings, locate
    from schemas.errors import ConfigError

    folder = load_settings(locate(config)).retention.backups
    if folder is None:
        raise ConfigError("It is not said where backups are.", "Give --in FOLDER.")
    return folder


def _counts(manifest: Manifest) -> str:
    return (
        f"made {manifest.made_at[:16].replace('T', ' ')} UTC, {sum(manifest.files.values()):,} "
        f"files, {manifest.size / 1e6:,.1f} MB, run {manifest.run_id or 'none'}, "
        f"{manifest.entries:,} entries of the record"
    )


def _signed(mark: str, pinned: bool) -> str:
    if not mark:
        return "Nothing was held against its signature: give --public-key."
    if pinned:
        return f"It is signed by the record key that was given, {mark}."
    return (
        f"It is signed by the record key {mark}, whose public half it brings itself: compare that "
        "with what a partner keeps, or give --public-key."
    )
