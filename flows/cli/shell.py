"""What every command shares: where the partnership is, how failures and reports are told."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from flows.stopping import Stopped

Given = ParamSpec("Given")

DISTRIBUTION = "cohort-journeys"
DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

REPORTS = {"json_out": "--json report", "html": "--html page", "csv": "--csv report"}
"""The options that name a file to be written, and what messages call it."""

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The partnership.yaml; else JOURNEYS_CONFIG, else ./partnership.yaml.",
        readable=False,  # What cannot be read is told by us, as everything else that is wrong.
    ),
]
PublicKeyOption = Annotated[
    Path | None,
    typer.Option(
        "--public-key",
        metavar="FILE",
        help="The public half of the record key, as somebody kept it.",
        readable=False,
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option(
        "--json", metavar="OUT", help="Also write the report to this file as JSON.", readable=False
    ),
]


def program(
    about: str,
    commands: Iterable[tuple[str, Callable[..., int | None], str]],
    *,
    epilog: str | None = None,
) -> typer.Typer:
    """The program of the name `journeys`.

    Args:
        about: What it is for.
        commands: The name, the function and an example of each command.
        epilog: What its help ends with.
    """
    app = typer.Typer(
        name="journeys",
        help=about,
        epilog=epilog,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(_begin)
    for name, function, example in commands:
        app.command(name, epilog=f"Example: {example}")(command(function))
    return app


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            found = version(DISTRIBUTION)
        except PackageNotFoundError:
            found = "of a version that is not known: it runs from its source"
        typer.echo(f"{DISTRIBUTION} {found}")
        raise typer.Exit(DONE)


def _begin(
    version: Annotated[
        bool,
        typer.Option(
            "--version", help="Say which version this is.", callback=_tell_version, is_eager=True
        ),
    ] = False,
) -> None:
    """What may stand before every command."""


def command(function: Callable[Given, int | None]) -> Callable[Given, None]:
    """Make a function a command: what it raises becomes one message and an exit code.

    Exit codes: 0 done or accepted, 1 a check failed or data were rejected, 2 wrong use.
    """

    @functools.wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        raise typer.Exit(_outcome(function, *args, **kwargs))

    return run


def say(text: str) -> None:
    """Write a line for a person on standard error; a terminal that has gone is no failure."""
    with suppress(OSError, AttributeError):
        sys.stderr.write(text + "\n")
        sys.stderr.flush()


def write_report(report: Any, out: Path | None) -> None:
    """Write a report as JSON where one was asked for.

    Raises:
        StoreError: If it cannot be written there, although that was checked before the work.
    """
    if out is None:
        return
    from flows.files import check_report_target, write_json
    from schemas.errors import JourneysError, StoreError

    lost = False
    try:
        # Once more: the command may have put something of its own there meanwhile.
        check_report_target(out)
        write_json(out, report)
    except JourneysError:
        lost = True
    if lost:
        raise StoreError(
            f"The report cannot be written to {out}; what the command did was done.",
            "Check its place and the space left there; `journeys status` says how things are.",
        )


def _outcome(
    function: Callable[Given, int | None], *args: Given.args, **kwargs: Given.kwargs
) -> int:
    from flows.intake.apart import keep_to_itself
    from flows.safe_errors import guarded
    from schemas.errors import ConfigError, JourneysError

    keep_to_itself()
    name = function.__name__.removesuffix("_command")
    _speak_utf_8()
    try:
        for option, what in REPORTS.items():
            _check_report(kwargs.get(option), what)
        return guarded(name, _unless_unread, functools.partial(function, *args, **kwargs))
    except ConfigError as error:
        _tell(error)
        return WRONG_USE
    except JourneysError as error:
        _tell(error)
        return FAILED
    except KeyboardInterrupt as wish:
        stands = "; the last committed run stands" if name == "run" else ""
        stopped = isinstance(wish, Stopped)
        say(f"{'Stopped' if stopped else 'Interrupted'}{stands}.")
        return 128 + wish.number if isinstance(wish, Stopped) else INTERRUPTED


def _check_report(out: Any, what: str) -> None:
    if isinstance(out, Path):
        from flows.files import check_report_target

        check_report_target(out, what)


def _speak_utf_8() -> None:
    if isinstance(sys.stdout, TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")


def _unless_unread(call: Callable[[], int | None]) -> int:
    """Call a command; a reader that stops early, such as `head`, ends the writing quietly."""
    from flows.cli.output import OutputLost, writing

    try:
        code = call() or DONE
        if sys.stdout is not None:
            with writing():
                sys.stdout.flush()
    except BrokenPipeError:
        forget_output()
        return DONE
    except OutputLost:
        forget_output()
        raise
    return code


def forget_output() -> None:
    """Send what is left unwritten nowhere: Python would complain when it closes the output."""
    with suppress(OSError, ValueError, AttributeError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _tell(error: Any) -> None:
    say(f"Error: {error.problem}\n{error.remedy.strip()}")
