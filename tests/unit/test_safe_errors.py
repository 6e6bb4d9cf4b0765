"""The one boundary: whatever is raised inside a step, no value leaves it."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable

import polars as pl
import pytest

from flows.safe_errors import Rejected, StepFailed, guarded
from schemas.errors import ExtractRejected, JourneysError, KeyProblem

CANARY = "Xanthippe-Quillfeather"


def value_error() -> None:
    secret = CANARY
    raise ValueError(f"cannot use {secret}")


def chained() -> None:
    try:
        value_error()
    except ValueError as error:
        raise RuntimeError(CANARY) from error


def ours_with_a_past() -> None:
    try:
        value_error()
    except ValueError:
        raise ExtractRejected("The extract is damaged.", "Ask for it again.")  # noqa: B904


def ours_with_a_note() -> None:
    error = ExtractRejected("The extract is damaged.", "Ask for it again.")
    error.add_note(CANARY)
    raise error


def polars_error() -> None:
    pl.DataFrame({CANARY: ["x"]}).select(pl.col(CANARY).cast(pl.Int64))


def group() -> None:
    raise ExceptionGroup(CANARY, [ValueError(CANARY)])


def panic() -> None:
    """What polars raises where its own code fails: no `Exception`."""
    long_ago = pl.Series(CANARY, [-4_000_000], dtype=pl.Int32).cast(pl.Date)
    long_ago.to_frame().to_dicts()


def unprintable() -> None:
    class Odd(Exception):
        def __str__(self) -> str:
            raise RuntimeError(CANARY)

    raise Odd


@pytest.mark.parametrize(
    "function",
    [
        value_error,
        chained,
        ours_with_a_past,
        ours_with_a_note,
        polars_error,
        panic,
        group,
        unprintable,
    ],
)
def test_nothing_of_the_original_survives(function: Callable[[], None]) -> None:
    with pytest.raises(JourneysError) as caught:
        guarded("link", function)
    error = caught.value
    assert error.__cause__ is None and error.__context__ is None
    whole = "".join(
        traceback.TracebackException.from_exception(error, capture_locals=True).format()
    )
    # The frames of this test are not those of a run; what counts is that the function's are gone.
    assert function.__name__ not in [f.name for f in traceback.extract_tb(error.__traceback__)]
    assert CANARY not in str(error) and CANARY not in repr(error)
    assert CANARY not in whole.replace(f"CANARY = {CANARY!r}", "")
    assert CANARY.encode() not in pickle.dumps(error)


def test_the_step_the_kind_and_our_line_are_told() -> None:
    from flows.sources.inbox import find_extract

    with pytest.raises(StepFailed) as caught:
        guarded("pull", find_extract, "police", None, ("custody",))  # type: ignore[arg-type]
    assert caught.value.step == "pull" and caught.value.kind == "AttributeError"
    assert caught.value.where.startswith("flows/sources/inbox.py:")
    assert caught.value.incident in str(caught.value)


def test_the_same_fault_has_the_same_incident() -> None:
    incidents = set()
    for _ in range(2):
        with pytest.raises(StepFailed) as caught:
            guarded("link", value_error)
        incidents.add(caught.value.incident)
    assert len(incidents) == 1


def test_our_own_errors_pass_and_keep_their_kind() -> None:
    def loose() -> None:
        raise KeyProblem("The key is loose.", "Tighten it.")

    with pytest.raises(KeyProblem) as caught:
        guarded("pull", loose)
    assert str(caught.value) == "The key is loose. Tighten it."


def test_results_and_arguments_pass() -> None:
    assert guarded("step", lambda a, *, b: a + b, 1, b=2) == 3


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit])
def test_a_wish_to_stop_is_not_a_fault(kind: type[BaseException]) -> None:
    def stop() -> None:
        raise kind

    with pytest.raises(kind):
        guarded("step", stop)


def test_everything_wrong_is_told_at_once_and_survives_pickling() -> None:
    problems = {
        "police": [StepFailed("link", "KeyError", "linkage/x.py:1")],
        "housing": [StepFailed("validate", "ValueError", "schemas/x.py:1")],
    }
    error = pickle.loads(pickle.dumps(Rejected(problems)))
    assert "2 partners" in str(error)
    assert "police: The step `link`" in str(error) and "housing: " in str(error)


def test_a_failure_claims_no_more_than_is_known() -> None:
    error = StepFailed("link", "KeyError", "linkage/x.py:1")
    assert "changed" not in str(error) and "stands" not in str(error)
    told = pickle.loads(pickle.dumps(error.before_the_commit()))
    assert "The last committed run stands" in told.remedy
    assert (told.incident, told.problem) == (error.incident, error.problem)


def test_a_partner_that_a_message_begins_with_is_not_named_before_it_again():
    problems = {
        "police": [
            ExtractRejected("police encoded with version 8 of the encoding.", "Ask again."),
            ExtractRejected("The file is not whole.", "Send it again."),
        ]
    }
    assert [line.strip() for line in str(Rejected(problems)).splitlines()[1:3]] == [
        "police encoded with version 8 of the encoding. Ask again.",
        "police: The file is not whole. Send it again.",
    ]
