"""Positions of 2048 for chains: from games by a mixture of players, judged by ProAct's grounded search.

Parameters
----------
simulations : trajectories of the teacher's search, a position; at least 1
rollouts : games that the teacher plays to the horizon for the value of a leaf; at least 1
horizon : moves of such a game, at most; at least 0, where 0 is the world's own
margin : standard errors by which the teacher's move must be ahead of the second; at least 0, which keeps near ties
players : who plays the games that positions come from, planners with weights
noise : share of the players' moves that are random instead; from 0 to 1
per_game : positions that are taken from one game, at most; at least 1
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from games.game2048.board import canonical
from games.jit import njit
from games.params import Value
from games.random import stream
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner
from planners.episode import Episode, play
from planners.glad import tiles
from planners.glad.chains import answer, compose, problems
from planners.glad.claims import count_tokens
from planners.glad.judgement import judged
from planners.language.prompts import PROMPTS
from planners.language.speech import Speech
from workbench.distill.candidates import (
    DISAGREE,
    FALSE,
    NEAR_TIE,
    TOO_LONG,
    Candidate,
    Noisy,
    Stop,
    Told,
)
from workbench.distill.config import PHASES, DistillConfig
from workbench.distill.sources.common import HELD_OUT_SEEDS, check_common, seed_of
from workbench.planning.mixture import draw_player, parse_players

PARAMS: dict[str, Value] = {
    "simulations": 200, "rollouts": 4, "horizon": 20, "margin": 1.0, "players": "expectimax:depth=2 4, greedy 1, random 1",
    "noise": 0.02, "per_game": 48,
}  # fmt: skip
_BOUNDS = {16: (6, 9), 9: (4, 6)}  # by cells: the largest exponents of the early and the middle game
_SPACING = {16: (3, 8, 8), 9: (2, 3, 3)}  # mean moves between two positions of a game, by phase


@njit
def _canonical(board, shape):
    return canonical(board, shape)


def check(world: str, params: dict[str, Value]) -> None:
    """Check the parameters.

    Raises
    ------
    UsageError
        For a value that makes no sense.
    """
    check_common(params)
    find_planner("proact", _teacher(params))


def told(params: dict[str, Value]) -> Told:
    """Return what the card of a data set says of these positions."""
    return Told(
        "The teacher is tree search in the environment with Monte-Carlo values at the leaves: "
        f"{params['simulations']} simulations, {params['rollouts']} rollouts of {params['horizon']} steps each.",
        "images of one board",
        "The teacher is a planner: what it takes is not always the best move.",
    )


def _teacher(params: dict[str, Value]) -> dict[str, Value]:
    return {name: params[name] for name in ("simulations", "rollouts", "horizon")}


class Source:
    """See the module. A game is for one phase, and all its randomness is named by seed and number."""

    def __init__(self, config: DistillConfig) -> None:
        self.config, self.world = config, load_world(config.world)
        self._players = parse_players(str(config.params["players"]))
        self._teacher = find_planner("proact", _teacher(config.params))
        world: Any = self.world
        self._shape, cells = world._shape(), world.rows * world.columns
        self._bounds, self._spacing = _BOUNDS[cells], _SPACING[cells]
        self._instance = self.world.instance(seed_of(0, 0))
        self._within = int(find_planner("proact")._how.within)  # type: ignore[attr-defined]
        speech = Speech(self._instance)
        prompt = speech.prompt(PROMPTS)
        assert prompt is not None
        self._speech, self._prompt = speech, prompt
        self._planners: dict[str, Noisy] = {}

    def held_out(self) -> set[int]:
        """Return the keys of positions that no data set may hold: the starts of games for tests."""
        return {self.key(self.world.instance(seed).start) for seed in range(HELD_OUT_SEEDS)}

    def key(self, state: np.ndarray) -> int:
        """Return the least image of a board under its symmetries."""
        return int(_canonical(state.view(np.uint64)[0], self._shape))

    def phase(self, state: np.ndarray) -> int:
        """Return the phase of a board, by its largest tile."""
        top = max(int(state[0]) >> (4 * k) & 15 for k in range(16))
        return sum(top > bound for bound in self._bounds)

    def candidates(self, game: int, phase: str, stop: Stop) -> Iterator[Candidate]:
        """Yield the positions of game number `game` in a phase, with their chains."""
        label, found = self._play(game, PHASES.index(phase), stop)
        for k, (step, state) in enumerate(found):
            yield self._candidate(state, stream("chain", self.config.seed, game, k), {"game": game, "player": label, "step": step})

    def _play(self, game: int, phase: int, stop: Stop) -> tuple[str, list[tuple[int, np.ndarray]]]:
        """Return who played, and positions of the phase with the numbers of moves before them."""
        seed, rng = self.config.seed, stream("distill", self.config.seed, game)
        player = draw_player(self._players, rng)
        if player.label not in self._planners:
            planner = find_planner(player.name, player.params)
            self._planners[player.label] = Noisy(planner, float(self.config.params["noise"]))
        instance = self.world.instance(seed_of(seed, game))
        found: list[tuple[int, np.ndarray]] = []
        spacing, most, over = 2 * self._spacing[phase] - 1, int(self.config.params["per_game"]), False
        wait = int(rng[0] % np.uint64(spacing))

        def look(episode: Episode) -> None:
            nonlocal wait, over
            state = episode.states[-1]
            now = self.phase(state)
            over = now > phase or len(found) == most
            if now == phase and not over:
                if wait == 0:
                    found.append((len(episode.actions), state.copy()))
                    wait = 1 + int(stream("wait", seed, game, len(found))[0] % np.uint64(spacing))
                wait -= 1

        play(instance, self._planners[player.label], Budget(), seed=instance.seed, stop=lambda: over or stop(), on_decision=look)
        return player.label, found

    def _candidate(self, state: np.ndarray, rng: np.ndarray, about: dict[str, Any]) -> Candidate:
        key = self.key(state)
        self._teacher.begin(self._instance, rng)
        found = self._teacher.decide(state, None, Budget()).record
        judgement = judged(found, lambda action: self.world.action_name(self._instance, state, action), self._within)
        if judgement.gap < float(self.config.params["margin"]) * judgement.gap_error:
            return Candidate(key, key, NEAR_TIE)
        if any(move.value >= judgement.moves[0].value for move in judgement.moves[1:]):
            return Candidate(key, key, DISAGREE)
        view = tiles.Tiles(self._instance, state, judgement)
        thought = compose(tiles.LANGUAGE, tiles.outline(view), judgement.chosen, self.config.style, rng)
        if thought is None:
            return Candidate(key, key, TOO_LONG)
        text = answer(thought, judgement.chosen)
        if problems(tiles.LANGUAGE, view, text, view.words):
            return Candidate(key, key, FALSE)
        shown = self._speech.observation(state, self.config.protocol == "clean")
        messages = (*self._prompt.messages(shown), {"role": "assistant", "content": text})
        facts = [[claim.kind, *claim.arguments] for claim in tiles.LANGUAGE.read(thought)]
        about = {**about, "tokens": count_tokens(text), "judgement": judgement.to_json(), "facts": facts}
        return Candidate(key, key, "", messages, about)
