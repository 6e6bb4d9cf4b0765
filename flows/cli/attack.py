"""`journeys attack`: turn the published attacks on the encoding as it is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import DONE, FAILED, JsonOption, say, write_report

if TYPE_CHECKING:
    import polars as pl

    from governance.attacks.result import Result

FEWEST, USUAL, MOST = 3_000, 10_000, 1_000_000
"""With fewer, too few share a name for even a bare token to fall, and the suite proves nothing."""


def attack_command(
    records: Annotated[
        int,
        typer.Option(
            "--records",
            min=1,
            max=MOST,
            help=f"Made-up people in the store, a record each; at least {FEWEST:,}.",
        ),
    ] = USUAL,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same people.")
    ] = 1,
    json_out: JsonOption = None,
) -> int:
    """Attack the encoding without its key, and weak encodings by the same code.

    The attacker holds the identity store, its key, the algorithm and a plain list of people of whom
    5, 20 and 80 % are in the store. Everybody is made up; no configuration is needed and nothing is
    stored. Printed are the shares named beyond chance; of weak encodings, FAIL is as it must be.
    Similarity graphs and patterns are matched on a sample of 2,000 records, weak ones of 3,000.

    Exit codes: 0 every attack is within its budget and every weak encoding is broken, 1 not so,
    2 wrong use.
    """
    from governance.attacks.suite import People, over_budget, run_suite, standing
    from schemas.errors import ConfigError

    if records < FEWEST:
        raise ConfigError(
            f"Fewer than {FEWEST:,} records prove nothing: too few people share a name for the "
            "attacks to break even weak encodings.",
            f"Give --records {FEWEST} or more.",
        )
    people = People(*(made_up_people(records, 3 * seed + part) for part in range(3)))
    results = run_suite(people, seed, say)
    write_report([result.as_json() for result in results], json_out)
    _show(results)
    failed, proves_nothing = over_budget(results), standing(results)
    if proves_nothing:
        say(f"Not broken: {', '.join(proves_nothing)}. So this suite proves nothing.")
    if failed:
        say(f"{len(failed)} of the attacks on the shipped encoding are over budget.")
    return FAILED if failed or proves_nothing else DONE


def made_up_people(count: int, seed: int) -> pl.DataFrame:
    """People of a partnership that does not exist, one record each, as encoding takes them.

    Args:
        count: How many.
        seed: Another seed makes other people; no two seeds share a `person`.
    """
    from datetime import date

    import polars as pl

    from schemas import standardise
    from schemas.identity import IDENTITY_SCHEMA
    from synthetic.population import make_population
    from synthetic.rates import ErrorRates, Pairs
    from synthetic.streams import Streams

    made = make_population(count, Streams(seed), date(2026, 6, 30), ErrorRates(), Pairs())
    people = pl.DataFrame(
        {
            "forename": made.forename.astype(str),
            "surname": made.surname.astype(str),
            "dob": pl.Series(made.birth.astype("int32")).cast(pl.Date),
            "sex": made.sex.astype(str),
            "postcode": made.postcodes[made.address[:, 0]].astype(str),
        }
    )
    numbers = pl.int_range(pl.len(), dtype=pl.Int64)
    absent = [
        pl.lit(None, dtype).alias(name)
        for name, dtype in IDENTITY_SCHEMA.items()
        if name not in people.columns
    ]
    return people.with_columns(
        standardise.person_name(pl.col("forename")).alias("forename"),
        standardise.person_name(pl.col("surname")).alias("surname"),
        pl.col("postcode").str.replace_all(" ", ""),
        *absent,
        partner=pl.lit("police"),
        record_id=numbers,
        person=numbers + seed * MOST,
    )


def _show(results: list[Result]) -> None:
    """Print a line for each attack, part and overlap."""
    from rich.console import Console
    from rich.table import Table

    table = Table("Attack", "Encoding", "Of", "Overlap", "Guessed", "Named", "Budget", "Result")
    for result in results:
        table.add_row(
            result.attack,
            result.encoding,
            result.part,
            f"{result.overlap:.0%}",
            f"{result.score.guessed:,}",
            f"{result.score.reidentified:.2%}",
            f"{result.budget:.2%}",
            "[green]pass[/]"
            if result.passed
            else "[yellow]FAIL[/]"
            if result.weak
            else "[red]FAIL[/]",
        )
    Console(highlight=False).print(table)
    for result in results:
        if result.note:
            say(f"{result.attack.capitalize()} at {result.overlap:.0%}: {result.note}.")
