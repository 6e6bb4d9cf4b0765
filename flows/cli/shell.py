"""What every command shares: where the partnership is, how failures and reports are told."""

from __future__ import annotations

import functools
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

Given = ParamSpec("Given")

DONE, FAILED, WRONG_USE, INTERRUPTED = 0, 1, 2, 130

ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE",
        help="The partnership.yaml; else JOURNEYS_CONFIG, else ./partnership.yaml.",
    ),
]
JsonOption = Annotated[
    Path | None,
    typer.Option("--json", metavar="OUT", help="Also write the report to this file as JSON."),
]


def command(function: Callable[Given, int | None]) -> Callable[Given, None]:
    """Make a function a command: what it raises becomes one message and an exit code.

    Exit codes: 0 done or accepted, 1 a check failed or data were rejected, 2 wrong use.
    """

    @functools.wraps(function)
    def run(*args: Given.args, **kwargs: Given.kwargs) -> None:
        raise typer.Exit(_outcome(function, *args, **kwargs))

    return run


def say(text: str) -> None:
    """Write a line for a person on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def write_report(report: Any, out: Path | None) -> None:
    """Write a report as JSON where one was asked for."""
    if out is not None:
        from flows.files import write_json

        write_json(out, report)


def _outcome(
    function: Callable[Given, int | None], *args: Given.args, **kwargs: Given.kwargs
) -> int:
    from flows.safe_errors import guarded
    from schemas.errors import ConfigError, JourneysError

    name = function.__name__.removesuffix("_command")
    try:
        return guarded(name, _unless_unread, functools.partial(function, *args, **kwargs))
    except ConfigError as error:
        _tell(error)
        return WRONG_USE
    except JourneysError as error:
        _tell(error)
        return FAILED
    except KeyboardInterrupt:
        say("Interrupted; the last committed run stands.")
        return INTERRUPTED


def _unless_unread(call: Callable[[], int | None]) -> int:
    """Call a command; a reader that stops early, such as `head`, ends the writing quietly."""
    try:
        code = call() or DONE
        sys.stdout.flush()
    except BrokenPipeError:
        # Python would complain again when it closes standard output.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DONE
    return code


def _tell(error: Any) -> None:
    say(f"Error: {error.problem}\n{error.remedy.strip()}")
