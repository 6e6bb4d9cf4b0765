"""Matching the graph of shared tokens: who agrees with whom on which composites.

A composite hides what two records share and shows that they share it. The records and what they
share are a graph; the attacker builds the same graph from its own list under a key of its own and
looks for the one in the other. What else is known of a record (to the thief nothing, to the insider
what staging holds) colours it. Two records that share what masks their sex bits show whether they
are of one sex, and the distance of filters under an anchor that a token shows to be shared
describes the edge as well.

The matching is loopy belief propagation over candidate pairs of edges, the sparse form of network
alignment (Bayati et al., ICDM 2009), begun from edges of rare description and grown from each
likely pair to its neighbours (Narayanan and Shmatikov, IEEE S&P 2009; Korula and Lattanzi, VLDB
2014). It is a stronger form of Weisfeiler–Lehman signatures, which one missing neighbour spoils.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from governance.attacks.bits import Indices, distances, words_of
from schemas.encoded import (
    FILTER_BITS,
    FILTERS,
    SEX_MASKS,
    STRONG_IDS,
    encoded_schema,
    filter_columns,
    sex_column,
    token_column,
)

MOST_SHARING: Final = 40  # records of one token; larger classes say little of each pair
MOST_PAIRS: Final = 2_000_000  # candidate pairs of edges at the start, the rarest described
ROUNDS: Final = 6  # of growing to neighbours
PASSES: Final = 4  # of messages in each
LIKELY: Final = 0.1  # probability of a pair from which to grow
NOISE: Final = 0.25 / FILTER_BITS  # variance of the distance of one pair of values under one key

NEAREST, FURTHEST, HIGHEST = 8.0, 30.0, 40.0  # bounds of logarithms
PAIR: Final = ["u", "a", "v", "b"]
BELIEFS: Final = {"u": pl.UInt32, "a": pl.UInt32, "probability": pl.Float64}
Reals64 = NDArray[np.float64]

_FILTER_WORDS: Final = {column for pair in FILTERS for column in filter_columns(*pair)}
_STRONG: Final = {token_column(name) for name in STRONG_IDS}
# Composites of every view; strong ids are one person's, so nobody shares them.
TOKENS: Final = tuple(
    column
    for column in encoded_schema()
    if column.startswith(token_column("")) and column not in _STRONG
)
CLEAR: Final = tuple(
    column
    for column in encoded_schema()
    if column
    not in {"record_id", "partner", *map(sex_column, SEX_MASKS), *TOKENS, *_STRONG, *_FILTER_WORDS}
)
"""What anybody can read of one encoded record by itself: of version 3 nothing."""


@dataclass(frozen=True)
class Graph:
    """Records by colour, and edges in both directions.

    Args:
        colours: One a record.
        edges: `u`, `v`, `kind` (which tokens they share, one bit each, and above these 1 for one
            sex, 2 for two, 0 where it does not show), `cu`, `cv`, and the filters' distances `d0`,
            `d1`, ….
    """

    colours: pl.Series
    edges: pl.DataFrame


def colours(encoded: pl.DataFrame, columns: Sequence[str]) -> pl.Series:
    """What is in the clear of each record, as one text; one colour for all without columns."""
    texts = [pl.col(name).cast(pl.String).fill_null("-") for name in columns]
    joined = pl.concat_str(texts, separator=" ") if texts else pl.repeat("", pl.len())
    return encoded.select(colour=joined).to_series()


def missing(encoded: pl.DataFrame) -> pl.DataFrame:
    """Which composites and filters each record lacks, as one column."""
    values = (*TOKENS, *(filter_columns(*pair)[0] for pair in FILTERS))
    lacks = (pl.col(name).is_null().cast(pl.Int8).cast(pl.String) for name in values)
    return encoded.select(missing=pl.concat_str(lacks))


def token_graph(
    encoded: pl.DataFrame,
    tokens: tuple[str, ...],
    clear: Sequence[str] = CLEAR,
    persons: Indices | None = None,
) -> Graph:
    """The graph of records that share a token.

    Args:
        encoded: Encoded records.
        tokens: The columns that say what is shared.
        clear: The columns that colour a record.
        persons: A number for each record; records of one number are put together, and the graph is
            of these.
    """
    seen = colours(encoded, clear)
    rows = encoded.select(pl.col(tokens)).with_row_index("u")
    shared = pl.concat([_sharing(rows, token, 1 << bit) for bit, token in enumerate(tokens)])
    edges = shared.group_by("u", "v").agg(kind=pl.col("bit").sum()).sort("u", "v")
    u, v = edges["u"].to_numpy(), edges["v"].to_numpy()
    filters = [words_of(encoded, filter_columns(*pair)) for pair in FILTERS]
    apart = {f"d{at}": distances(words[u], words[v]) for at, words in enumerate(filters)}
    kind = edges["kind"] + (_sexes(encoded, tokens, edges) << len(tokens))
    described = edges.with_columns(kind=kind, **apart)
    if persons is not None:
        described = _together(described, persons)
        seen = seen.gather(np.unique(persons, return_index=True)[1])
    ends = {"cu": seen.gather(described["u"]), "cv": seen.gather(described["v"])}
    return Graph(seen, described.with_columns(**ends))


def _together(edges: pl.DataFrame, persons: Indices) -> pl.DataFrame:
    """Edges between persons: all that any of their records share, and the least distances."""
    ends = {end: persons[edges[end].to_numpy()].astype(np.uint32) for end in ("u", "v")}
    return (
        edges.with_columns(**ends)
        .filter(pl.col("u") != pl.col("v"))
        .group_by("u", "v")
        .agg(pl.col("kind").bitwise_or(), pl.col("^d[0-9]+$").min())
        .sort("u", "v")
    )


def _sexes(encoded: pl.DataFrame, tokens: tuple[str, ...], edges: pl.DataFrame) -> Indices:
    """For each edge 1 if the masked bits show one sex, 2 if two, 0 if they show nothing."""
    sexes = np.zeros(edges.height, np.int64)
    for mask in SEX_MASKS:
        masked = 1 << tokens.index(token_column(mask)) if token_column(mask) in tokens else 0
        bits = encoded[sex_column(mask)].fill_null(-1).cast(pl.Int64).to_numpy()
        one, other = bits[edges["u"].to_numpy()], bits[edges["v"].to_numpy()]
        shown = ((edges["kind"].to_numpy() & masked) > 0) & (one >= 0) & (other >= 0)
        sexes = np.where(shown, 1 + (one ^ other), sexes)
    return sexes


def _sharing(rows: pl.DataFrame, token: str, bit: int) -> pl.DataFrame:
    """Pairs of different records with one value of a token, in both directions."""
    some = rows.select("u", token).drop_nulls()
    some = some.filter(pl.len().over(token).is_between(2, MOST_SHARING))
    return (
        some.join(some.rename({"u": "v"}), on=token)
        .filter(pl.col("u") != pl.col("v"))
        .select("u", "v", bit=pl.lit(bit, pl.Int64))
    )


def match_graphs(target: Graph, own: Graph, overlap: float) -> pl.DataFrame:
    """The likeliest row of the attacker's list for each record that has a candidate.

    Args:
        target: The stolen store's graph.
        own: The graph of the attacker's list under a key of its own.
        overlap: The share of the target's people that the attacker takes to be on its list.

    Returns:
        `u` (row of the target), `a` (row of the list) and `probability`.
    """
    theirs = _described(own)
    started = _rare_pairs(target.edges, theirs)
    beliefs = pl.DataFrame(schema=BELIEFS)
    for _ in range(ROUNDS):
        likely = beliefs.filter(pl.col("probability") > LIKELY)
        pairs = pl.concat([started, _grown_pairs(target.edges, theirs, likely)])
        pairs = pairs.unique(PAIR, keep="any")
        if pairs.is_empty():
            break
        beliefs = _propagate(pairs, own.colours, overlap)
    ranked = beliefs.sort("probability", "u", "a", descending=[True, False, False])
    return ranked.unique("u", keep="first", maintain_order=True)


def _described(own: Graph) -> pl.DataFrame:
    """The list's edges from `a` to `b`, with what tells how much each is worth as evidence.

    `gain` is how many records of colour `cv` there are for each neighbour of this kind and colour
    that a record of colour `cu` has; `s0`, `s1`, … are how each filter's distance varies over the
    edges of the kind.
    """
    held = own.colours.value_counts(name="held")
    colour = own.colours.name
    worth = (
        own.edges.group_by("kind", "cu", "cv")
        .agg(edges=pl.len())
        .join(held.rename({colour: "cu"}), on="cu")
        .join(held.rename({colour: "cv"}), on="cv", suffix="_v")
        .select("kind", "cu", "cv", gain=pl.col("held") * pl.col("held_v") / pl.col("edges"))
    )
    spread = own.edges.group_by("kind").agg(
        pl.col(f"d{at}").var().fill_null(0).alias(f"s{at}") for at in range(len(FILTERS))
    )
    edges = own.edges.rename({"u": "a", "v": "b"})
    return edges.join(worth, on=["kind", "cu", "cv"]).join(spread, on="kind")


def _rare_pairs(target: pl.DataFrame, theirs: pl.DataFrame) -> pl.DataFrame:
    """Pairs of edges of one description, where that leaves few."""
    described = ["kind", "cu", "cv"]
    counts = (
        target.group_by(described)
        .agg(n=pl.len().cast(pl.Int64))
        .join(theirs.group_by(described).agg(m=pl.len()), on=described)
        .with_columns(pairs=pl.col("n") * pl.col("m"))
        .sort("pairs")
    )
    # Both directions of an edge come to one count, so they are kept or left out together.
    beyond = counts.filter(pl.col("pairs").cum_sum() > MOST_PAIRS)["pairs"].min()
    if beyond is not None:
        counts = counts.filter(pl.col("pairs") < beyond)
    some = target.join(counts, on=described)
    return _paired(some.join(theirs, on=described, suffix="_own"))


def _grown_pairs(target: pl.DataFrame, theirs: pl.DataFrame, likely: pl.DataFrame) -> pl.DataFrame:
    """Pairs of edges that leave a likely pair of records, in both directions."""
    leaving = likely.select("u", "a").join(target, on="u")
    out = _paired(leaving.join(theirs, on=["a", "kind", "cu", "cv"], suffix="_own"))
    back = out.join(
        theirs.select(b="a", a="b", gain_back="gain"), on=["a", "b"], how="left"
    ).select(u="v", a="b", v="u", b="a", gain="gain_back", near="near")
    return pl.concat([out, back])


def _paired(pairs: pl.DataFrame) -> pl.DataFrame:
    """Keep what propagation needs: who, what agreement is worth, and how near the distances are.

    `near` is the logarithm of the likelihood ratio of the distances' differences: noise between
    two keys, against any two edges of the kind. A filter whose anchor is not shared, or whose
    values always agree, varies no more than noise and says nothing.
    """
    logs = []
    for at in range(len(FILTERS)):
        squared = (pl.col(f"d{at}") - pl.col(f"d{at}_own")).cast(pl.Float64) ** 2
        spread = pl.col(f"s{at}")
        ratio = 0.5 * (spread / NOISE).log() - squared / 4 * (1 / NOISE - 1 / spread)
        logs.append(pl.when(spread > 1.2 * NOISE).then(ratio).otherwise(0.0))
    near = pl.sum_horizontal(logs).clip(-FURTHEST, NEAREST)
    return pairs.select("u", "a", "v", "b", "gain", near=near)


def _propagate(pairs: pl.DataFrame, own: pl.Series, overlap: float) -> pl.DataFrame:
    """Pass messages along paired edges until beliefs of pairs of records settle."""
    ends = pairs.select("u", "a").unique(maintain_order=True).with_row_index("pair")
    indexed = (
        pairs.with_row_index("row")
        .join(ends, on=["u", "a"], maintain_order="left")
        .join(
            ends.rename({"u": "v", "a": "b", "pair": "from"}),
            on=["v", "b"],
            maintain_order="left",
        )
    )
    backward = indexed.select("row", u="v", a="b", v="u", b="a")
    reverse = indexed.select(PAIR).join(backward, on=PAIR, how="left", maintain_order="left")
    to, come = indexed["pair"].to_numpy(), indexed["from"].to_numpy()
    turn = reverse["row"].to_numpy()
    weight = indexed["gain"].to_numpy() * np.exp(indexed["near"].to_numpy())
    prior = _priors(ends, own, overlap)
    u, a = ends["u"].to_numpy(), ends["a"].to_numpy()
    message = np.log1p(np.exp(prior)[come] * weight)
    for _ in range(PASSES):
        belief = prior + np.bincount(to, message, len(ends))
        odds = np.exp(np.minimum(belief, HIGHEST))
        rivals = np.maximum(np.bincount(u, odds)[u], np.bincount(a, odds)[a])
        # What came along an edge must not go back along it.
        without = np.exp(np.minimum(belief[come] - message[turn], HIGHEST))
        free = without / (1 - overlap + rivals[come] - odds[come] + without)
        message = 0.5 * message + 0.5 * np.log1p(free * weight)
    return ends.select("u", "a", probability=pl.Series(odds / (1 - overlap + rivals)))


def _priors(ends: pl.DataFrame, own: pl.Series, overlap: float) -> Reals64:
    """The logarithm of the odds of each pair before any edge: those of its colour."""
    held = own.value_counts(name="held")
    colour = own.gather(ends["a"]).alias(own.name).to_frame()
    of_colour = colour.join(held, on=own.name, maintain_order="left")["held"].to_numpy()
    return np.log(overlap / of_colour)
