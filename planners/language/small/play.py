"""Games that a small language model plays side by side: all boards are asked for in one batch, turn after turn."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.process import unlisted
from games.random import stream
from games.world import Instance, World, summary_of
from planners.episode import options, step
from planners.language.parser import strict_move
from planners.language.prompts import PROMPTS
from planners.language.small.files import Model
from planners.language.small.sampling import Speaker
from planners.language.small.tokens import question_of
from planners.language.speech import Speech

SIDE_BY_SIDE = 64  # games; more are played in turn


@dataclass
class Game:
    """One game under way, and what became of it: turns, answers in the wrong format, moves without an effect, tokens."""

    seed: int
    instance: Instance
    speech: Speech
    state: np.ndarray
    chance: np.ndarray
    states: list[np.ndarray] = field(default_factory=list)
    actions: list[int] = field(default_factory=list)
    rewards: list[float] = field(default_factory=list)
    format_errors: int = 0
    illegal: int = 0
    tokens: int = 0
    over: bool = False


def asked_in(speech: Speech, state: np.ndarray, plain: bool = False) -> str:
    """Return what the model is asked in `state`.

    Raises
    ------
    UsageError
        If the world has no prompt.
    """
    prompt = speech.prompt(PROMPTS)
    if prompt is None:
        raise UsageError(f"there is no prompt for {speech.world.name}; legal are worlds of 2048 and Sokoban")
    messages = prompt.messages(speech.observation(state, plain))
    return question_of(messages[0]["content"], messages[1]["content"])


def word_in(speech: Speech, text: str) -> tuple[int | None, bool]:
    """Return the action that an answer names, and whether its format is right; else the action is the world's for that, or None."""
    said = strict_move(text, speech.words())
    return speech.move((said.text or "") if said.legal else ""), said.legal


def play_games(
    model: Model,
    world: World,
    seeds: list[int],
    *,
    start: Callable[[int], Instance] | None = None,
    temperature: float = 0.6,
    turns: int = 10_000,
    plain: bool = False,
    stop: Callable[[], bool] = lambda: False,
) -> list[Game]:
    """Return the games that `model` plays in `world`, one a seed, boards shown as ProAct does (`plain`: with real line breaks).

    Game k begins in ``start(seeds[k])``, the world's own instance of that number by default.

    `stop` is asked every turn; once it is true, no game is returned.

    An answer in the wrong format is the world's action for that if it has one (ProAct's rules); elsewhere it ends the game.
    """
    speaker = Speaker(model.parameters, model.size, model.vocabulary, min(SIDE_BY_SIDE, len(seeds)))
    games = []
    for seed in seeds:
        instance = (start or world.instance)(seed)
        state = instance.start.copy()
        games.append(Game(seed, instance, Speech(instance), state, stream("chance", instance.name, seed), [state.copy()]))
    for turn in range(turns):
        live = [game for game in games if not game.over and not _ended(game)]
        if not live:
            break
        if stop():
            return []
        speaker = speaker.fitted(min(SIDE_BY_SIDE, len(live)))
        asked = []
        for game in live:
            asked.append(model.vocabulary.encode(asked_in(game.speech, game.state, plain)))
        draws = [int(stream("language game", game.seed, turn)[0] >> np.uint64(33)) for game in live]
        for game, (text, tokens) in zip(live, speaker.answer(asked, draws, temperature), strict=True):
            _move(game, text, tokens)
    return games


def _ended(game: Game) -> bool:
    actions = np.empty(game.instance.model.actions, np.int64)
    count, solved = suited(options, game.instance.model)(game.instance.model, game.state, actions)
    limit = game.instance.horizon
    game.over = bool(not count or solved or (limit is not None and len(game.actions) >= limit))
    return game.over


def _move(game: Game, text: str, tokens: int) -> None:
    game.tokens += tokens
    action, read = word_in(game.speech, text)
    game.format_errors += not read
    if read and action is not None and action not in game.speech.effective(game.state):
        game.illegal += 1
    listed, _ = game.speech.options(game.state)
    model = game.instance.model
    if action is None or (action not in listed and not unlisted(model, action)):
        game.over = True
        return
    game.rewards.append(float(suited(step, model)(model, game.state, action, game.chance)))
    game.actions.append(int(action))
    game.states.append(game.state.copy())


def account(world: World, games: list[Game]) -> dict[str, Any]:
    """Return scores and rates over games: see `summary`, and shares of turns in the wrong format or without effect, and tokens."""
    outcomes = [world.outcome(game.instance, game.states, game.actions, game.rewards) for game in games]
    turns = sum(len(game.actions) for game in games) + sum(game.over and game.format_errors > 0 for game in games)
    return summary(world, outcomes) | {
        "turns": sum(len(game.actions) for game in games),
        "format_errors": sum(game.format_errors for game in games) / max(turns, 1),
        "illegal": sum(game.illegal for game in games) / max(turns, 1),
        "tokens_a_turn": sum(game.tokens for game in games) / max(turns, 1),
    }


def summary(world: World, outcomes: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return mean score, standard error, number of games, and what their `world` says of them."""
    scores = [float(outcome["score"]) for outcome in outcomes]
    error = float(np.std(scores, ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else None
    told = summary_of(world, outcomes)
    return {
        "mean": float(np.mean(scores)) if scores else None, "standard_error": error, "episodes": len(scores),
        **told.figures, "summary": told.lines,
    }  # fmt: skip


def agreement(model: Model, pairs: Sequence[tuple[str, str]]) -> float | None:
    """Return the share of (question, answer) pairs in which the likeliest answer of `model` ends in the same move; None of none."""
    speaker = Speaker(model.parameters, model.size, model.vocabulary, min(SIDE_BY_SIDE, max(len(pairs), 1)))
    said = speaker.answer([model.vocabulary.encode(question) for question, _ in pairs], [0] * len(pairs), 0.0)
    same = [text.rpartition("\n")[2] == answer.rpartition("\n")[2] for (text, _), (_, answer) in zip(said, pairs, strict=True)]
    return float(np.mean(same)) if same else None
