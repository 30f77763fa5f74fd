"""Games that a small language model plays side by side: all boards are asked for in one batch, turn after turn."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from games.dispatch import suited
from games.process import unlisted
from games.random import stream
from games.world import World
from planners.episode import options, step
from planners.language.parser import strict_move
from planners.language.prompts import PROMPTS
from planners.language.small.files import Model
from planners.language.small.sampling import Speaker
from planners.language.small.tokens import question_of
from planners.language.speech import Speech


@dataclass
class Game:
    """One game under way, and what became of it: turns, answers in the wrong format, moves without an effect, tokens."""

    instance: Any
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


def play_games(
    model: Model, world: World, seeds: list[int], *, temperature: float = 0.6, turns: int = 10_000, plain: bool = False
) -> list[Game]:
    """Return the games that `model` plays in `world`, one a seed, boards shown as ProAct does (`plain`: with real line breaks).

    An answer in the wrong format is the world's action for that if it has one (ProAct's rules); elsewhere it ends the game.
    """
    speaker = Speaker(model.parameters, model.size, model.vocabulary, min(64, len(seeds)))
    games = []
    for seed in seeds:
        instance = world.instance(seed)
        state = instance.start.copy()
        games.append(Game(instance, Speech(instance), state, stream("chance", instance.name, seed), [state.copy()]))
    for turn in range(turns):
        live = [game for game in games if not game.over and not _ended(game)]
        if not live:
            break
        asked = []
        for game in live:
            prompt = game.speech.prompt(PROMPTS)
            assert prompt is not None
            messages = prompt.messages(game.speech.observation(game.state, plain))
            asked.append(model.vocabulary.encode(question_of(messages[0]["content"], messages[1]["content"])))
        draws = [int(stream("language game", game.instance.seed, turn)[0] >> np.uint64(33)) for game in live]
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
    said = strict_move(text, game.speech.words())
    action = game.speech.move((said.text or "") if said.legal else "")
    game.format_errors += not said.legal
    if said.legal and action is not None and action not in game.speech.effective(game.state):
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
    """Return scores and rates over games: mean and standard error, shares of turns in the wrong format or without effect."""
    scores = [float(world.outcome(game.instance, game.states, game.actions, game.rewards)["score"]) for game in games]
    turns = sum(len(game.actions) for game in games) + sum(game.over and game.format_errors > 0 for game in games)
    error = float(np.std(scores, ddof=1)) / len(scores) ** 0.5 if len(scores) > 1 else None
    return {
        "mean": float(np.mean(scores)) if scores else None, "standard_error": error, "episodes": len(scores),
        "turns": sum(len(game.actions) for game in games),
        "format_errors": sum(game.format_errors for game in games) / max(turns, 1),
        "illegal": sum(game.illegal for game in games) / max(turns, 1),
        "tokens_a_turn": sum(game.tokens for game in games) / max(turns, 1),
    }  # fmt: skip
