"""Train the reduced view: how often initials, sector and sex agree, in clients and in strangers.

Tokens compare in any two records, so unlike the full view's filters they need no common salt: *m*
and *u* are counted over every pair of a client and a person of a labelled population. Few pairs
share a token; those that share none need no listing.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
import polars as pl

from linkage.reduced import LEVELS, OWN_ID, clients_and_people, compare, is_named

SMOOTHING: Final = 0.5
LINK_AT: Final = 0.0
"""The match weight that a client and a person are linked from: likelier one than two, as in the
full view. With the lead, .994 or more of them were right (policy, 2026-11-23; docs/adr/0015)."""
LEAD: Final = 2.0
"""How much better a client must fit one person than another: four times (policy, 2026-11-22)."""


def train_reduced(encoded: pl.DataFrame, persons: pl.DataFrame) -> dict[str, Any]:
    """Estimate every parameter of the reduced view.

    Args:
        encoded: Encoded records of a labelled population, some with initials only.
        persons: ``record_id``, ``person``: who each record is.

    Returns:
        ``known``, ``thresholds`` and ``comparisons``, as a model file holds them.
    """
    clients, people = clients_and_people(encoded, _true_groups(encoded, persons))
    compared = _with_truth(compare(clients, people), persons)
    whose = clients.select("group").unique().join(persons, left_on="group", right_on="record_id")
    elsewhere = people.select(record_id="group").unique().join(persons, on="record_id")
    known = whose.join(elsewhere, on="person", how="semi").height
    pairs = {True: known, False: whose.height * elsewhere.height - known}
    shares = {match: _shares(compared.filter(match=match), n) for match, n in pairs.items()}
    return {
        "known": known / whose.height,
        "thresholds": {"link": LINK_AT, "lead": LEAD},
        "comparisons": {
            name: {
                level: {"m": shares[True][name][place], "u": shares[False][name][place]}
                for place, level in enumerate(levels)
            }
            for name, levels in LEVELS.items()
        },
    }


def _true_groups(encoded: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    """Who has a name, all records together; who has none, as the partner's own id has them."""
    named = is_named()
    return (
        encoded.select("record_id", "partner", own=pl.when(~named).then(OWN_ID), named=named)
        .join(persons, on="record_id")
        .select(
            "record_id",
            group=pl.when("named")
            .then(pl.col("record_id").min().over("person", "named"))
            .when(pl.col("own").is_not_null())
            .then(pl.col("record_id").min().over("partner", "own"))
            .otherwise("record_id"),
        )
    )


def _with_truth(compared: pl.DataFrame, persons: pl.DataFrame) -> pl.DataFrame:
    who = persons.select("record_id", who="person")
    return (
        compared.join(who, left_on="client", right_on="record_id")
        .join(who, left_on="person", right_on="record_id", suffix="_really")
        .with_columns(match=pl.col("who") == pl.col("who_really"))
    )


def _shares(compared: pl.DataFrame, pairs: int) -> dict[str, list[float]]:
    """The share at each level: of initials among all pairs, of the others where they compare."""
    shares = {}
    for name, levels in LEVELS.items():
        places = compared[name].drop_nulls().to_numpy()
        counts = np.bincount(places, minlength=len(levels)) + SMOOTHING
        total = pairs if name == "initials" else counts.sum()
        shares[name] = [float(count / total) for count in counts]
    return shares
