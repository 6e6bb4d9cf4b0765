"""Two commands at the same time end as if one had come after the other, or one is told to wait."""

from __future__ import annotations

import pytest
from plug import Job
from scenes import SCENES, Ground
from wholeness import faults, untidy

BESIDE = ("run", "approve", "erase", "retain", "rotate", "read", "checkpoint", "break_glass")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("other", [*BESIDE, "go_back"])
@pytest.mark.parametrize("turn", range(2))
def test_beside_a_run(ground: Ground, other: str, turn: int) -> None:
    start = "rotated" if other == "go_back" else "ran"
    before = ground.look(ground.live(start))
    home = ground.live(start)
    jobs = [Job("run", home), Job(other, home)]
    done = ground.plug.both(*(jobs if turn == 0 else reversed(jobs)))
    said = [one.problem or "went on" for one in done]
    print(f"a run and {other:12}{said}")
    for one in done:
        assert not one.crashed, one
        assert one.problem is None or "at work" in one.problem, one
    assert any(one.problem is None for one in done)
    assert not faults(before, ground.look(home), erased=other == "retain")
    if other != "retain":  # which was done on a later day
        ground.next_run(home)
        stands = ground.look(home)
        assert not faults(before, stands, erased=True) and not untidy(stands)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_five_at_once(ground: Ground) -> None:
    before = ground.look(ground.live("ran"))
    home = ground.live("ran")
    deeds = ("run", "read", "approve", "rotate", "run")
    done = ground.plug.both(*(Job(deed, home) for deed in deeds))
    for one in done:
        assert not one.crashed, one
        assert one.problem is None or "at work" in one.problem, one
    assert not faults(before, ground.look(home))


def test_every_scene_has_a_deed() -> None:
    import deeds

    assert all(callable(getattr(deeds, one.deed)) for one in SCENES.values())
