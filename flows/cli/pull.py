"""`journeys pull` and `journeys sources test`: partners' sources, without a run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import DONE, FAILED, ConfigOption, JsonOption, command, say, write_report

if TYPE_CHECKING:
    from flows.settings import Settings

PartnerArgument = Annotated[
    str | None, typer.Argument(help="The partner; every one that has a source by default.")
]


def pull_command(
    partner: PartnerArgument = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Tell what there is to pull, and pull nothing.")
    ] = False,
    again: Annotated[
        bool, typer.Option("--again", help="Pull once more what was pulled before.")
    ] = False,
    config: ConfigOption = None,
    json_out: JsonOption = None,
) -> int:
    """Pull partners' extracts into their inboxes.

    What is whole and new at the sources in partnership.yaml is put into the inboxes; the next run
    takes it in. A run does the same by itself before it looks.
    """
    from flows.clock import utc_now
    from flows.context import actor, open_control, run_lock
    from flows.settings import load_settings, locate
    from flows.sources.pulling import pull_sources
    from flows.stopping import stoppable
    from governance.audit import Recorder

    settings = load_settings(locate(config))
    names = _with_a_source(settings, partner)
    with stoppable(), run_lock(settings), open_control(settings) as control:
        looks = pull_sources(
            settings,
            control,
            Recorder(actor(), settings.purpose),
            utc_now,
            partners=names,
            again=again,
            look_only=dry_run,
        )
    for name, look in looks.items():
        typer.echo(f"{name:<12}{look.state:<19}{look.said}")
    write_report({name: look.as_json() for name, look in looks.items()}, json_out)
    return FAILED if any(look.problem is not None for look in looks.values()) else DONE


sources_app = typer.Typer(help="Where partners' extracts are pulled from.", no_args_is_help=True)


@sources_app.callback()
def _of_several() -> None:
    """Where partners' extracts are pulled from."""


@sources_app.command("test", epilog="Example: journeys sources test police")
@command
def sources_test_command(
    partner: PartnerArgument = None, config: ConfigOption = None, json_out: JsonOption = None
) -> int:
    """Try a partner's source, and change nothing.

    It logs in and tells how many deliveries, files and bytes there are; names are not told.
    """
    from flows.clock import utc_now
    from flows.settings import load_settings, locate
    from flows.sources.pulling import check_source

    settings = load_settings(locate(config))
    found = {
        name: check_source(settings, name, utc_now) for name in _with_a_source(settings, partner)
    }
    for name, findings in found.items():
        for one in findings:
            typer.echo(f"{name:<12}{'ok' if one.sound else 'NOT':<5}{one.said}")
            if one.remedy:
                say(f"{'':<17}{one.remedy}")
    said = {
        name: [{"sound": one.sound, "said": one.said, "remedy": one.remedy} for one in findings]
        for name, findings in found.items()
    }
    write_report(said, json_out)
    sound = all(one.sound for findings in found.values() for one in findings)
    return DONE if sound else FAILED


def _with_a_source(settings: Settings, partner: str | None) -> list[str]:
    """The partners that are meant.

    Raises:
        ConfigError: There is no such partner, or it has no source.
    """
    from schemas.errors import ConfigError

    having = [str(name) for name, part in settings.partners.items() if part.source is not None]
    if partner is None and having:
        return having
    if partner in having:
        return [partner]
    raise ConfigError(
        "No partner has a `source` in partnership.yaml."
        if partner is None
        else "There is no such partner with a `source` in partnership.yaml.",
        "Give it one (docs/how-to/pull-from-a-source.md), or put its files into its inbox.",
    )
