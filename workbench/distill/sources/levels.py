"""Positions of Sokoban for chains: from play on generated levels, judged by the exact distance to the end.

Parameters
----------
rows, columns : cells of a generated level within its walls; from 3 to 60
boxes : boxes of a level; at least 1
difficulty : how far boxes are pulled from their goals, from a few pulls to the best of 40 long games of pulls; from 0 to 1
most : positions that a level may have, all of which are searched, or it is left out; at least 1
players : who plays the games that positions come from, planners with weights
noise : share of the players' moves that are random instead; from 0 to 1
per_game : positions that are taken from one level, at most; at least 1
"""

import hashlib
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np

from games.errors import UsageError
from games.params import Value
from games.random import stream
from games.sokoban.generator import generate
from games.sokoban.levels import Level
from games.sokoban.worlds import SokobanWorld
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import Episode, play
from planners.glad import yards
from planners.glad.chains import answer, compose, problems
from planners.glad.claims import count_tokens
from planners.language.prompts import PROMPTS
from planners.language.speech import Speech
from workbench.distill.candidates import FALSE, LOST, TOO_LARGE, TOO_LONG, Candidate, Noisy, Stop, Told
from workbench.distill.config import PHASES, DistillConfig
from workbench.distill.sources.common import HELD_OUT_SEEDS, check_common, seed_of
from workbench.planning.mixture import draw_player, parse_players

PARAMS: dict[str, Value] = {
    "rows": 7, "columns": 7, "boxes": 2, "difficulty": 0.5, "most": 50_000, "players": "astar 3, random 1", "noise": 0.2,
    "per_game": 12,
}  # fmt: skip
_BOUNDS = (12, 6)  # moves to the end, at least, in the early and the middle phase
_STEPS = 60  # of a game, at most


def check(world: str, params: dict[str, Value]) -> None:
    """Check the parameters.

    Raises
    ------
    UsageError
        For a value that makes no sense.
    """
    check_common(params)
    if int(params["most"]) < 1:
        raise UsageError(f"most={params['most']} is too small; at least 1 is needed")
    _level(0, params)


def told(params: dict[str, Value]) -> Told:
    """Return what the card of a data set says of these positions."""
    return Told(
        "The teacher is exact: breadth-first search over all positions of a level gives the fewest moves to its end.",
        "of one level",
        "",
    )


def _level(seed: int, params: dict[str, Value]) -> Level:
    return generate(seed, int(params["rows"]), int(params["columns"]), int(params["boxes"]), float(params["difficulty"]))


class Source:
    """See the module; a game is one level."""

    def __init__(self, config: DistillConfig) -> None:
        self.config = config
        world = load_world(config.world, {"masked": True})
        assert isinstance(world, SokobanWorld)
        self.world = world
        self._players = parse_players(str(config.params["players"]))
        self._prompt = PROMPTS[world.variant]

    def held_out(self) -> set[int]:
        """Return the groups of levels that no data set may hold: ProAct's, and those of the seeds for tests."""
        shipped = [level for variant in ("origin", "extra") for level in _levels_of(self.config.world, variant)]
        generated = [_level(seed, self.config.params) for seed in range(HELD_OUT_SEEDS)]
        return {group(level.text) for level in (*shipped, *generated)}

    def candidates(self, game: int, phase: str, stop: Stop) -> Iterator[Candidate]:
        """Yield the positions of level number `game` in a phase, with their chains."""
        seed = self.config.seed
        level = _level(seed_of(seed, game), self.config.params)
        instance = self.world.instance_of(level, str(game), 0)
        exact = yards.solved(instance, int(self.config.params["most"]))
        belongs = group(level.text)
        if exact is None:
            yield Candidate(belongs, belongs, TOO_LARGE)
            return
        rng = stream("distill", seed, game)
        player = draw_player(self._players, rng)
        found: dict[bytes, tuple[int, np.ndarray]] = {}

        def look(episode: Episode) -> None:
            state = episode.states[-1]
            left = exact.distances[exact.solution.number(state)]
            if np.isinf(left):
                found.setdefault(b"lost", (len(episode.actions), state.copy()))
            elif sum(left < bound for bound in _BOUNDS) == PHASES.index(phase):
                found.setdefault(state.tobytes(), (len(episode.actions), state.copy()))

        planner = Noisy(find_planner(player.name, player.params), float(self.config.params["noise"]))
        play(
            instance, planner, Budget(), seed=game, steps=_STEPS, on_decision=look,
            stop=lambda: b"lost" in found or len(found) >= int(self.config.params["per_game"]) or stop(),
        )  # fmt: skip
        about = {"game": game, "player": player.label}
        for k, (step, state) in enumerate(found.values()):
            yield self._candidate(instance, exact, state, belongs, stream("chain", seed, game, k), {**about, "step": step})

    def _candidate(
        self, instance: Any, exact: yards.Exact, state: np.ndarray, belongs: int, rng: np.ndarray, about: dict[str, Any]
    ) -> Candidate:
        board = self.world.text(instance, state)
        key = canonical(board)
        judgement = yards.judged_exactly(instance, exact, state, lambda action: self.world.action_name(instance, state, action))
        if judgement is None:
            return Candidate(key, belongs, LOST)
        view = yards.Yard(instance, state, judgement, exact)
        thought = compose(yards.LANGUAGE, yards.outline(view), judgement.chosen, self.config.style, rng)
        if thought is None:
            return Candidate(key, belongs, TOO_LONG)
        text = answer(thought, judgement.chosen)
        if problems(yards.LANGUAGE, view, text, view.words):
            return Candidate(key, belongs, FALSE)
        messages = (*self._prompt.messages(Speech(instance).observation(state, False)), {"role": "assistant", "content": text})
        facts = [[claim.kind, *claim.arguments] for claim in yards.LANGUAGE.read(thought)]
        about = {**about, "tokens": count_tokens(text), "judgement": judgement.to_json(), "facts": facts}
        return Candidate(key, belongs, "", messages, about)


@cache
def _levels_of(world: str, variant: str) -> tuple[Level, ...]:
    found = load_world(world, {"variant": variant})
    assert isinstance(found, SokobanWorld)
    return tuple(found.levels)


def canonical(board: str) -> int:
    """Return a number that is equal for boards that turns and reflections make equal, whatever room is around them."""
    rows = [row for row in board.split("\n") if row.strip()]
    wide = max(map(len, rows))
    grid = [row.ljust(wide) for row in rows]
    images = []
    for _ in range(4):
        grid = ["".join(column) for column in zip(*grid[::-1], strict=True)]
        images += ["\n".join(grid), "\n".join(row[::-1] for row in grid)]
    return int.from_bytes(hashlib.sha256(min(images).encode()).digest()[:8], "big")


def group(board: str) -> int:
    """Return `canonical` of the walls and targets of a board alone."""
    return canonical(board.translate(str.maketrans("@$+*?", "  ...")))
