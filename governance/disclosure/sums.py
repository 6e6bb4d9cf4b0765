"""Counts of which others take away all but a few units.

Of counts that are each of a set of units, those are looked for in which up to three parts that
share nobody leave a few of a whole, and those in which two parts that share a few make up a whole.
That nobody is left is hidden by rounding, unless all of them are hardly more than the threshold, as
10 is of 5 and 5; of those that leave nobody, only such are looked for.
Each count is rounded for itself, so the more of them there are, the less they say of the few
together: of two, four sums in five can say more than a mask would, of three or four at most one in
twelve, of five none, and of more at most one in a hundred and eighty (threshold and base 5). So no
more than three parts are looked for.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from governance.disclosure.rules import Rule

Places = tuple[int, ...]


def sums(
    size: NDArray[np.int64],
    shared: NDArray[np.int64],
    inside: NDArray[np.bool_],
    rule: Rule,
) -> Iterator[tuple[Places, Places]]:
    """What adds up to all but a few: the counts that are added, and those that are taken away.

    Args:
        size: Units by count.
        shared: Units that two counts share.
        inside: Which counts hold only units of which others, and may be set beside them.
        rule: What is few, and what a count says when it is shown.
    """
    says = np.array([rule.says(rule.rounded(int(one))) for one in size], dtype=np.int64)
    least, most = says.reshape(-1, 2).T
    for whole in range(len(size)):
        parts = np.flatnonzero(inside[:, whole] & (size < size[whole]))
        many, both = size[parts], shared[np.ix_(parts, parts)]
        apart = both == 0
        left = size[whole] - many
        could_be = most[whole] - least[parts]  # left, for all that what is shown says
        for one in np.flatnonzero(left < rule.threshold):
            yield (whole,), (int(parts[one]),)
        pairs = left[:, None] - many[None, :]
        after_two = could_be[:, None] - least[parts][None, :]
        for a, b in np.argwhere(np.triu(apart & _tells(pairs, after_two, rule))):
            yield (whole,), (int(parts[a]), int(parts[b]))
        for a in range(len(parts)):
            after = (
                a + 1 + np.flatnonzero(apart[a, a + 1 :] & (pairs[a, a + 1 :] >= rule.threshold))
            )
            rest = pairs[a, after][:, None] - many[after][None, :]
            after_three = after_two[a, after][:, None] - least[parts][after][None, :]
            few = apart[np.ix_(after, after)] & _tells(rest, after_three, rule)
            for b, c in np.argwhere(np.triu(few)):
                yield (whole,), (int(parts[a]), int(parts[after[b]]), int(parts[after[c]]))
        filled = (pairs + both == 0) & (both > 0) & (both < rule.threshold)
        for a, b in np.argwhere(np.triu(filled, 1)):
            yield (int(parts[a]), int(parts[b])), (whole,)


def _tells(left: NDArray[np.int64], could_be: NDArray[np.int64], rule: Rule) -> NDArray[np.bool_]:
    """Where a few are left, or nobody and what is shown says that at most a few can be."""
    return ((left > 0) & (left < rule.threshold)) | ((left == 0) & (could_be < rule.most_masked))
