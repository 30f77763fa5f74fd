"""Episodes played again from a run directory, as frames for a terminal or an animation."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import suited
from games.errors import GameplanError, UnknownName, UsageError
from games.modules import is_program
from games.plugins import PLANNER, WORLD
from games.process import unlisted
from games.random import stream
from games.world import Cell, Instance, Network, World
from planners.episode import Episode, options, play, step
from planners.planner import Decision, Planner
from workbench.planning.addresses import check_addresses
from workbench.planning.config import EPISODES, EVALUATOR, PlanConfig, load_plan, trusted_plan, with_copies
from workbench.planning.run import instance_of
from workbench.runs.directory import RunDirectory, blamed
from workbench.runs.programs import explained, kept_programs, own_names
from workbench.views.search import searched

MAX_GIF_FRAMES = 2000


class Frame(NamedTuple):
    """One moment of an episode: the state as a picture (rows of cells), a graph or a text, and what was decided in it.

    `values` has name, value and visits of the actions that the planner knew something of; `score` is the world's so far.
    """

    title: str
    picture: Sequence[Sequence[Cell]] | None
    text: str
    action: str
    values: Sequence[tuple[str, float, int]]
    network: Network | None = None
    score: float | None = None


def told(frame: Frame) -> dict[str, Any]:
    """Return what a frame shows, ready for JSON: its texts, and name, value and visits of the actions that were weighed."""
    values = [{"action": name, "value": value if math.isfinite(value) else None, "visits": n} for name, value, n in frame.values]
    return {"title": frame.title, "text": frame.text, "action": frame.action or None, "score": frame.score, "values": values}


def frame_of(
    world: World, instance: Instance, number: int, state: np.ndarray, total: float, action: int | None, decision: Decision | None
) -> Frame:
    """Return the frame of `state`, the return so far being `total`; `action` is what was done in it."""
    picture = getattr(world, "picture", None)
    known = () if decision is None else decision.values
    return Frame(
        title=f"{world.name} {instance.name}  step {number}  return {total:g}",
        picture=picture(instance, state) if picture else None,
        text=world.text(instance, state),
        action="" if action is None else world.action_name(instance, state, action),
        values=[(world.action_name(instance, state, v.action), float(v.value), int(v.visits)) for v in known],
        network=world.network(instance, state) if hasattr(world, "network") else None,
    )


def load_frames(
    run: RunDirectory, episode: int, *, values: bool = False, trusted: bool = False, named: Mapping[str, Any] = {}
) -> list[Frame]:
    """Return the frames of an episode of `run`; with `values` the planner plans again, with the units it had.

    Parameters
    ----------
    trusted : bool
        Run programs of the user's own that the run directory keeps.
    named : mapping
        What the user names again, which is trusted then: "env", "planner", "params" (an evaluator).

    Raises
    ------
    UsageError
        If the run has no such episode, or a world of its own that is neither `named` nor `trusted`.
    GameplanError
        If the actions on record do not fit the world as it is now.
    """
    config, line, world, planner = _opened(run, episode, values, trusted, "--values", named)
    with explained(own_names(config)):
        return _frames(run, config, world, planner, episode, line, values)


def load_search(
    run: RunDirectory, episode: int, number: int, *, trusted: bool = False, named: Mapping[str, Any] = {}
) -> tuple[World, Instance, Any, str]:
    """Return world, instance, what the planner searched before step `number` of an episode (`workbench.views.search`), and a title.

    The planner plans again up to there; where a decision covers several steps, it is that one.

    Raises
    ------
    UsageError, GameplanError
        As `load_frames`; if there is no such step, or the planner keeps nothing of its search.
    """
    config, line, world, planner = _opened(run, episode, True, trusted, "--search FILE", named)
    if number >= len(line["actions"]):
        raise UsageError(f"episode {episode} of {run.path} has {len(line['actions'])} steps, numbered from 0; there is no {number}")
    found: list[tuple[int, Any]] = []
    over = False

    def decided(played: Episode) -> None:
        nonlocal over
        at = len(played.actions)
        if at <= number:
            found[:] = [(at, searched(world, instance, planner, played.states[-1]))]
        over = at >= number

    with explained(own_names(config)):
        instance, seed = instance_of(config, world, episode)
        budgets = [config.budget().repeated(units) for units in line["units"]]
        play(instance, planner, budgets, seed=seed, steps=config.steps, stop=lambda: over, on_decision=decided)
    at, kept = found[0]
    return world, instance, kept, f"{config.planner} in {world.name} {instance.name}, step {at}"


def _opened(
    run: RunDirectory, episode: int, values: bool, trusted: bool, option: str, named: Mapping[str, Any]
) -> tuple[PlanConfig, dict[str, Any], World, Planner]:
    """Return the configuration of a run, the line of an episode, and its world and planner."""
    unasked = () if values else ("planner", EVALUATOR)
    config = trusted_plan(run, named, trusted, f"gameplan replay {run.path}", unasked)
    for role in ("env", "planner"):
        if role in named and not is_program(named[role]) and named[role] != getattr(config, role):
            said = f"the run in {run.path} has {role} = {getattr(config, role)}, not {named[role]}; leave it out"
            raise UnknownName(named[role], WORLD if role == "env" else PLANNER, said)
    if values and not trusted:
        try:
            check_addresses(config.params, {}, "")
        except UsageError as error:
            raise UsageError(
                f"the planner of the run in {run.path} asks an address or uses a file that is not taken from a run directory; "
                f"if you trust the run: gameplan replay {run.path} {option} --trusted"
            ) from error
    lines = {line["episode"]: line for line in run.read_lines(EPISODES)}
    if not lines:
        raise UsageError(f"{run.path} has no finished episode yet; play some with: gameplan plan --resume {run.path}")
    if episode not in lines:
        raise UsageError(f"{run.path} has no episode {episode}; it has {len(lines)}: {', '.join(_ranges(sorted(lines)))}")
    line = lines[episode]
    config, texts = with_copies(config, run), kept_programs(run, config.programs)
    if not values:  # then nobody asks the planner, and it must not touch what its parameters name
        config = replace(config, planner="random", params={})
        for role in unasked:
            texts.pop(role, None)
    with blamed(run):
        world, planner = load_plan(config, texts)
    return config, line, world, planner


def _ranges(numbers: Sequence[int]) -> list[str]:
    """Return ascending numbers as texts such as "0 to 3" and "7"."""
    starts = [n for n in numbers if n - 1 not in numbers]
    ends = [n for n in numbers if n + 1 not in numbers]
    return [f"{a}" if a == b else f"{a} to {b}" for a, b in zip(starts, ends, strict=True)]


def _frames(
    run: RunDirectory, config: PlanConfig, world: World, planner: Planner, episode: int, line: dict[str, Any], values: bool
) -> list[Frame]:
    instance, seed = instance_of(config, world, episode)
    decisions: dict[int, Decision] = {}
    if values:
        budgets = [config.budget().repeated(units) for units in line["units"]]
        played = play(
            instance, planner, budgets, seed=seed, steps=config.steps,
            on_decision=lambda e: decisions.update({len(e.actions): e.decisions[-1]}),
        )  # fmt: skip
        if played.actions != line["actions"]:
            raise GameplanError(f"{run.path}: planning again gave other actions; it was made by another version of the program")
    move, chance, state = suited(step, instance.model), stream("chance", instance.name, seed), instance.start.copy()
    frames, total, states = [], 0.0, [state.copy()]
    rewards: list[float] = []
    look, actions = suited(options, instance.model), np.empty(instance.model.actions, np.int64)
    for number, action in enumerate(line["actions"]):
        count, _ = look(instance.model, state, actions)
        if action not in actions[:count] and not unlisted(instance.model, action):  # compiled code would not ask
            raise GameplanError(f"{run.path / EPISODES}: action {action} in step {number} of episode {episode} is not legal there")
        frame = frame_of(world, instance, number, state, total, action, decisions.get(number))
        frames.append(frame._replace(score=_score(world, instance, states, line["actions"], rewards)))
        rewards.append(float(move(instance.model, state, action, chance)))
        total += rewards[-1]
        states.append(state.copy())
    last = frame_of(world, instance, len(line["actions"]), state, total, None, None)
    last = last._replace(score=_score(world, instance, states, line["actions"], rewards))
    why = f" ({line['note']})" if "note" in line else ""
    frames.append(last._replace(title=f"{last.title}  {line['status']}{why}"))
    if abs(total - line["return"]) > 1e-9 * max(1.0, abs(total)):
        raise GameplanError(f"{run.path}: the actions on record give another return; it was made by another version of the program")
    return frames


def _score(
    world: World, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
) -> float:
    """Return what the world scores the episode so far."""
    return float(world.outcome(instance, states, actions[: len(rewards)], rewards)["score"])


def thinned(frames: Sequence[Frame], most: int = MAX_GIF_FRAMES) -> list[Frame]:
    """Return at most about `most` of `frames`, evenly spaced, the last among them."""
    every = -(-len(frames) // most)
    return [*frames[::every], *([frames[-1]] if (len(frames) - 1) % every else [])]
