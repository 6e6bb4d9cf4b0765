"""What last bits tell of tokens misses none that is shared."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from linkage.blocking import MOST_BITS, _may_share

# Few values, so that many are shared, and such as differ in their first bits alone.
tokens = st.lists(st.none() | st.sampled_from([0, 1, -1, 5, 5 + (1 << MOST_BITS), -(2**63)]))


@given(tokens, st.integers(1, 4))
def test_whoever_shares_a_token_with_too_many_is_found(drawn, most):
    frame = pl.DataFrame({"token": drawn}, schema={"token": pl.Int64})
    shared = frame.select(pl.col("token").is_not_null() & (pl.len().over("token") > most))
    found = pl.Series(_may_share(frame["token"], most))
    assert not (shared.to_series() & ~found).any()
