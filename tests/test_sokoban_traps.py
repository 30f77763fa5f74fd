"""Traps: greedy falls into every one, and both verdicts hold by another search."""

import numpy as np
import pytest
from sokoban_twin import Twin

from games.process import apply, legal, score
from games.sokoban.levels import check_level
from games.worlds import load_world


@pytest.mark.slow
def test_greedy_always_falls_and_another_push_wins():
    world, depths = load_world("sokoban-traps"), []
    for seed in range(5):
        instance = world.instance(seed)
        trap, model = instance.extra["trap"], instance.model
        check_level(trap.level)
        assert trap.level.rows == world.instance(seed).extra["trap"].level.rows
        pushes = np.empty(model.actions, np.int64)
        scores = {}
        for push in pushes[: legal(model, instance.start, pushes)].tolist():
            after = instance.start.copy()
            scores[push] = score(model, instance.start, push, after, apply(model, after, push))
        assert max(scores, key=scores.get) == trap.push and scores[trap.push] > max(scores[push] for push in trap.winning)
        twin, compiled = Twin(trap.level), instance.extra["compiled"]
        if len(twin.goals) == 2:
            for push in (trap.push, trap.winning[0]):
                after, _ = twin.push(twin.start, compiled.place(push >> 2), push & 3)
                assert (twin.fewest_pushes(after) is None) == (push == trap.push)
        depths.append(trap.depth)
    assert len(set(depths)) > 1
