"""What a run works out of the same things is worked out once: for tests of what is around it.

Most runs of the tests begin from copies of one partnership, so that they check, encode and score
the very same rows with the very same keys. Each of these pieces of work hangs on its arguments
alone. What it made is given out as a copy, and an error is raised anew every time.
"""

from __future__ import annotations

import functools
import hashlib
import pickle
from collections import OrderedDict
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

WORK = {
    "schemas.contract.examine_extract": (),
    "governance.pseudonymise.pseudonymise": (),
    "governance.rights.marks.marks_of": (),
    "linkage.match.judged": ("linkage.quality.judged",),
}
"""A pure function → where else it is known by its name."""

MOST_KEPT = 100
"""How many results of each are kept, so that memory does not follow the number of tests."""


def remember(patch: pytest.MonkeyPatch) -> None:
    """Have this process do no such piece of work twice, until ``patch`` is undone."""
    for name, elsewhere in WORK.items():
        found = _of(name)
        for place in (name, *elsewhere):
            patch.setattr(place, found)


@functools.cache
def _of(name: str) -> Callable[..., Any]:
    module, _, attribute = name.rpartition(".")
    return remembered(getattr(__import__(module, fromlist=[attribute]), attribute))


def remembered(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same function, which looks first whether it was given just this before."""
    known: OrderedDict[bytes, bytes] = OrderedDict()

    @functools.wraps(function)
    def once(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(given, Path) for given in (*args, *kwargs.values())):
            return function(*args, **kwargs)  # what lies there may change
        key = hashlib.blake2b(pickle.dumps((args, kwargs))).digest()
        if key not in known:
            known[key] = pickle.dumps(function(*args, **kwargs))
            if len(known) > MOST_KEPT:
                known.popitem(last=False)
        known.move_to_end(key)
        return pickle.loads(known[key])

    return once
