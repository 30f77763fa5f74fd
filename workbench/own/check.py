"""What is wrong with a program of one's own: its form, then the suite that every shipped one passes."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from games.errors import GameplanError, UsageError, one_line
from games.files import displayed
from games.modules import program_text
from games.params import Value
from games.worlds import load_world
from planners.budget import Budget
from planners.catalogue import find_planner, planner_maker
from planners.episode import play
from workbench.discovery.task import find_task, name_task
from workbench.runs.programs import explained
from workbench.testing.evaluators import EvaluatorSuite
from workbench.testing.planners import PlannerSuite
from workbench.testing.worlds import WorldSuite

NO_HORIZON = (
    "its instances have no horizon: an episode ends only where the world itself ends it, and random play or a policy may go on for "
    "ever; give Instance one, or say --steps to plan"
)
STEPS = 50  # of the episodes by which a policy is tried


def check_planner(name: str, params: Mapping[str, Value]) -> dict[str, Any]:
    """Return ``ok`` and ``problems`` of a planner: those that `workbench.testing.planners.PlannerSuite` finds.

    Its module may say with ``UNIT`` what a unit of its budget is, and with ``CHANCE = False`` that it plays without chance only.

    Raises
    ------
    UsageError
        If there is no such file.
    """

    def suite() -> PlannerSuite:
        module = planner_maker(name)[1]
        made = PlannerSuite()
        made.planner, made.params = name, params
        made.unit, made.chance = getattr(module and module.module, "UNIT", ""), getattr(module and module.module, "CHANCE", True)
        return made

    return _suite(name, "planner", suite)


def check_world(name: str, options: Mapping[str, Value]) -> dict[str, Any]:
    """Return ``ok`` and ``problems`` of a world, those that `workbench.testing.worlds.WorldSuite` finds, and ``warnings``.

    Raises
    ------
    UsageError
        If there is no such file.
    """

    def suite() -> WorldSuite:
        made = WorldSuite()
        made.world, made.options = name, options
        made.seeds = (0, 1)[: len(made.make()) or 2]
        return made

    record = _suite(name, "env", suite)
    endless = record["ok"] and load_world(name, options).instance(0).horizon is None
    return {**record, "warnings": [NO_HORIZON] if endless else []}


def check_policy(name: str, world: str, options: Mapping[str, Value]) -> dict[str, Any]:
    """Return ``ok``, ``problems`` and ``scores`` of a function as a policy, which plays some steps in `world`.

    Raises
    ------
    UsageError
        If there is no such file or world.
    """
    loaded = load_world(world, options)
    scores: dict[str, float] = {}

    def tried() -> list[str]:
        for temperature in (0.0, 1.0):
            episodes = [
                play(loaded.instance(0), find_planner(name, {"temperature": temperature}), Budget(), seed=1, steps=STEPS)
                for _ in range(2)
            ]
            if episodes[0].actions != episodes[1].actions:
                return [
                    f"at temperature {temperature:g} it plays differently from the same seed: it may not draw numbers by itself"
                ]
            outcome = loaded.outcome(episodes[0].instance, episodes[0].states, episodes[0].actions, episodes[0].rewards)
            scores[f"temperature {temperature:g}"] = float(outcome["score"])
        return []

    return {**_record(name, "planner", tried), "world": world, "steps": STEPS, "scores": scores}


def check_evaluator(name: str, world: str, options: Mapping[str, Value]) -> dict[str, Any]:
    """Return ``ok``, ``problems`` and ``worths`` (least and greatest) of an evaluator, which judges what may happen in `world`.

    The problems are those that `workbench.testing.evaluators.EvaluatorSuite` finds.

    Raises
    ------
    UsageError
        If there is no such file or world.
    """
    load_world(world, options)
    suite = EvaluatorSuite()
    suite.evaluator, suite.world, suite.options = name, world, options
    record = _suite(name, "evaluator", lambda: suite)
    return {**record, "world": world, "worths": list(suite.range()) if record["ok"] else None}


def check_task(name: str) -> dict[str, Any]:
    """Return ``ok``, ``problems`` and ``scores`` (of its seeds, by instance) of the task in the folder `name`.

    Raises
    ------
    UsageError
        If there is no such task.
    """
    name_task(name)
    file = str(Path(name) / "task.py")
    scores: dict[str, dict[str, float]] = {}

    def tried() -> list[str]:
        try:
            task, found = find_task(name), list[str]()
            task.warm((*task.train, *task.held_out))
            for seed, source in {**task.known(), **task.seeds()}.items():
                found += [f"{seed}: {problem}" for problem in task.problems(source)]
                normal = task.canonical(source)
                if task.canonical(normal) != normal:
                    found.append(f"{seed}: the normal form of its normal form is another: canonical(canonical(x)) = canonical(x)")
                structure, constants = task.split(source)
                if not np.isfinite(task.fingerprint(source, 0)).all():
                    found.append(f"{seed}: its fingerprint is not finite")
                for instance in (*task.train, *task.held_out):
                    answer = task.run(task.prepare(structure), constants, instance, task.horizon, 0)
                    cost = float(task.score(instance, task.horizon, 0, answer))
                    scores.setdefault(seed, {})[instance] = cost
                    if not np.isfinite(cost) or cost < 0.0:
                        found.append(f"{seed}: its cost on {instance} is {cost}; costs are finite and not negative")
        except (GameplanError, KeyboardInterrupt):
            raise
        except BaseException as error:  # whatever a task raises is a problem of the task
            return [f"{type(error).__name__}: {one_line(error)}"]
        return found

    return {**_record(file, "", tried), "scores": scores}


def _suite(name: str, role: str, make: Callable[[], Any]) -> dict[str, Any]:
    """Return the record of a suite: every test is tried, and each that fails is a problem."""

    def tried() -> list[str]:
        suite, problems = make(), []
        for test in [test for test in dir(suite) if test.startswith("test_")]:
            try:
                getattr(suite, test)()
            except AssertionError as error:
                problems.append(one_line(error))
        return problems

    return _record(name, role, tried)


def _record(name: str, role: str, tried: Callable[[], list[str]]) -> dict[str, Any]:
    if role:
        program_text(name, f"{role.replace('env', 'world')} file")  # a file that is not there is no problem of the file
    problems: list[str]
    try:
        with explained({role: name} if role else {}):
            problems = tried()
    except UsageError:
        raise
    except GameplanError as error:
        problems = [str(error)]
    shown = list(dict.fromkeys(problem.replace(f"{name}: ", "").replace(name, displayed(name)) for problem in problems))
    return {"file": displayed(name), "ok": not shown, "problems": shown}
