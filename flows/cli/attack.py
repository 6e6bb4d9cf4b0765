"""`journeys attack`: turn the published attacks on the encoding as it is shipped."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.shell import DONE, FAILED, JsonOption, say, write_report

if TYPE_CHECKING:
    import polars as pl

    from governance.attacks.result import Result

RECORDS_EACH = 3  # about, of a person whom several partners know
FEWEST, USUAL, MOST = 3_000, 10_000, 1_000_000
"""With fewer, too few share a name for even a bare token to fall, and the suite proves nothing."""
IDS_WRITTEN = 0.8
"""Share of records with a strong id, as of made-up police records (`synthetic.rates.Filled`)."""


def attack_command(
    records: Annotated[
        int,
        typer.Option(
            "--records",
            min=1,
            max=MOST,
            help=f"Records in the store, of made-up people; at least {FEWEST:,}.",
        ),
    ] = USUAL,
    seed: Annotated[
        int, typer.Option("--seed", min=0, help="The same seed gives the same people.")
    ] = 1,
    ids: Annotated[
        float,
        typer.Option(
            "--ids",
            min=0,
            max=1,
            help="Share of the records that have a strong id, such as a PNC ID, where there is one "
            "record a person. Police write one on most; try 0.4 for housing, and 0 for a partner "
            "that writes none. With several records a person, ids are as four partners write them, "
            "whatever is given here.",
        ),
    ] = IDS_WRITTEN,
    json_out: JsonOption = None,
) -> int:
    """Attack the encoding without its key, and weak encodings by the same code.

    The attacker holds the identity store, its key, the algorithm and a plain list of people of whom
    5, 20 and 80 % are in the store. It is tried as well with an attacker who knows an area whole,
    lives in the same town or holds the residents' books of the hostels, and with several records a
    person; and as an insider, who reads the staging store too, weighs how near the encodings of
    each two people lie, and looks for who has kin. Everybody is made up; no configuration is needed
    and nothing is stored.
    Printed are the shares named beyond chance; of weak encodings, FAIL is as it must be. What is
    over its budget is named at the end. A fifth of 10,000 are 2,000 people known, and of these the
    budget is ten: by luck one seed is over it and the next within, so try several. A pass says that
    these attacks name few, not that none could.
    Try `--ids 0` too if a partner writes no ids: twins are then not told apart, and an insider who
    knows an area whole names more.
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
    towns = (
        made_up_people(records * size, 4 * seed + at, ids) for at, size in enumerate((1, 1, 1, 2))
    )
    inside, outside, public, town = towns
    partnership, several = made_up_partnership(records // RECORDS_EACH, seed)
    people = People(inside, outside, public, town, partnership, several)
    results = run_suite(people, seed, say)
    write_report([result.as_json() for result in results], json_out)
    _show(results)
    return _verdict(over_budget(results), standing(results))


def _verdict(failed: list[Result], proves_nothing: list[str]) -> int:
    """Say what is over its budget and which weak encodings stand, and give the exit code."""
    if proves_nothing:
        say(f"Not broken: {', '.join(proves_nothing)}. So this suite proves nothing.")
    if failed:
        say(f"{len(failed)} of the attacks on the shipped encoding are over budget:")
    for result in failed:
        say(
            f"{result.attack}, {result.part} at {result.overlap:.0%}: "
            f"{result.score.reidentified:.2%} for {result.budget:.2%}."
        )
    return FAILED if failed or proves_nothing else DONE


def made_up_people(count: int, seed: int, ids: float = 0.0) -> pl.DataFrame:
    """People of a partnership that does not exist, one record each, as encoding takes them.

    Args:
        count: How many.
        seed: Another seed makes other people; no two seeds share a `person`.
        ids: The share of them whose record has a strong id.
    """
    from datetime import date

    import polars as pl

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
    named = _as_read(people).with_columns(
        record_id=numbers, person=pl.format("{}-{}", pl.lit(seed), numbers)
    )
    written = pl.Series(Streams(seed)("ids written").random(count) < ids)
    return named.with_columns(pnc_id=pl.when(written).then("person"))


def made_up_partnership(count: int, seed: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """A partnership's people as they are, and the records that its partners hold of them.

    Args:
        count: How many adults.
        seed: As for :func:`made_up_people`.

    Returns:
        The people at the postcode that most of their records give, in the columns of
        :func:`made_up_people`; and the records in the same columns, with errors and moves. Both
        have the postcodes that were sent, crowded ones among them.
    """
    from pathlib import Path
    from tempfile import TemporaryDirectory

    import polars as pl

    from flows.linking.train import identities_as_sent
    from synthetic import write_extracts

    with TemporaryDirectory() as folder:
        write_extracts(count, seed, Path(folder))
        records = identities_as_sent(Path(folder))
        people = pl.read_csv(Path(folder) / "truth" / "person.csv", infer_schema=False)
    homes = records.group_by("person").agg(pl.col("postcode").drop_nulls().mode().sort().first())
    plain = (
        people.select("person", "forename", "surname", pl.col("dob").str.to_date(), "sex")
        .join(homes, on="person", maintain_order="left")
        .with_columns(record_id=pl.int_range(pl.len(), dtype=pl.Int64))
    )
    listed = _as_read(plain)
    return listed, records.select(listed.columns)


def _as_read(people: pl.DataFrame) -> pl.DataFrame:
    """People in the columns and the form in which a partner's records are encoded."""
    import polars as pl

    from schemas import standardise
    from schemas.identity import IDENTITY_SCHEMA

    lacking = {name: kind for name, kind in IDENTITY_SCHEMA.items() if name not in people.columns}
    return people.with_columns(
        *(standardise.person_name(pl.col(name)).alias(name) for name in ("forename", "surname")),
        standardise.linkable_postcode(pl.col("postcode").str.replace_all(" ", "")),
        *(pl.lit(None, kind).alias(name) for name, kind in lacking.items()),
        partner=pl.lit("police"),
    ).select(*IDENTITY_SCHEMA, "partner", "^record_id$", "^person$")


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
