"""A run from the outside: begin one, go on with one, and say how it stands."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import wait
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from games.errors import UsageError
from workbench.discovery.books.beginning import new_directory
from workbench.discovery.books.journal import ENGINE, Journal
from workbench.discovery.books.records import OK, Job, Trial
from workbench.discovery.books.store import Evaluation, Step, Store, program_row
from workbench.discovery.config import LANGUAGE, DiscoveryConfig, check, from_record
from workbench.discovery.genome.canonical import program_id
from workbench.discovery.isolation import measure
from workbench.discovery.operators.opening import PROMPTS, open_operators
from workbench.discovery.population.ranking import average_score, log_score
from workbench.discovery.population.selection import quality
from workbench.discovery.population.view import Member
from workbench.discovery.scheduling.loop import DONE, PATIENCE, Discovery
from workbench.discovery.task import Task, check_task, find_task, name_task
from workbench.engines import open_engine
from workbench.planning.addresses import PERSONAL, check_addresses
from workbench.runs import locks
from workbench.terminal.interrupts import watched

SCHEMA = 1
GROWABLE = ("evals", "cpu_seconds", "wall_seconds", "calls", "tokens", "money")  # what a resumed run may change


def begin(config: DiscoveryConfig, path: Path, imported: Mapping[str, str] | None = None) -> Store:
    """Make a store for a resolved configuration; `imported` are further seeds, name -> source.

    Raises
    ------
    UsageError
        If `path` is taken, or a language model is to be asked and none is named.
    """
    name_task(config.task)
    templates = LANGUAGE in config.operators
    if templates:
        from workbench.discovery.operators.language.prompts import copy_templates
        from workbench.discovery.operators.language.settings import resolve

        resolve(config.language)  # what cannot be asked is told before anything is scored
    with new_directory(path) as beginning:
        if templates:
            copy_templates(path / PROMPTS)
        store = Store.create(beginning, asdict(config))
        if imported:
            with store.transaction():
                store.set("imported", dict(imported))
        store.close()
    return Store.open(path)


def config_of(store: Store, changes: Mapping[str, Any] | None = None, *, sandbox: str = "auto") -> DiscoveryConfig:
    """Return the configuration of a run with other budgets; whether candidates are isolated is not the store's to say.

    Raises
    ------
    UsageError
        For anything else that would change what the run has done, or a task that nobody has named.
    """
    try:
        config = from_record(store.get("config"))
        check(config)
    except UsageError as error:
        raise store.damaged(str(error)) from error
    for key, value in (changes or {}).items():
        if key not in GROWABLE:
            raise UsageError(f"{key} decides what the run has done already; only budgets can change: {', '.join(GROWABLE)}")
        config = replace(config, **{key: value})
    check_task(config.task, store.path)
    return replace(config, sandbox=sandbox)


def resumed(
    store: Store, changes: Mapping[str, Any], *, sandbox: str = "auto", language: Mapping[str, Any] | None = None
) -> DiscoveryConfig:
    """Return the configuration with which a run goes on: other budgets, and the `language` settings that are said again.

    Raises
    ------
    UsageError
        As `config_of`, and for addresses, key variables and caches that only the store says, or settings that would change the run.
    """
    config, given = config_of(store, changes, sandbox=sandbox), dict(language or {})
    for name in given:
        if name not in PERSONAL:
            raise UsageError(f"llm.{name} decides what the run has done already; only {', '.join(PERSONAL)} can be said again")
    if LANGUAGE in config.operators:
        again = f"gameplan evolve resume {store.path}"
        for settings in (config.language, *(config.language.get("models") or ())):
            check_addresses(settings, given, again, "llm.")
    return replace(config, language={**config.language, **given})


def proceed(
    store: Store,
    config: DiscoveryConfig,
    *,
    engine: str = "threads",
    workers: int = 1,
    stop: Callable[[], bool] = lambda: False,
    on_step: Callable[[Step, Journal], None] = lambda step, journal: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Run until a budget is spent or `stop` says so; return the record of the run. Nobody else writes to the store meanwhile."""
    with locks.writing(store.path):
        return _proceed(store, config, engine, workers, stop, on_step, say)


def _proceed(
    store: Store,
    config: DiscoveryConfig,
    engine: str,
    workers: int,
    stop: Callable[[], bool],
    on_step: Callable[[Step, Journal], None],
    say: Callable[[str], None],
) -> dict[str, Any]:
    task = find_task(config.task)
    with store.transaction():
        store.set("config", {**asdict(config), "sandbox": store.get("config").get("sandbox", config.sandbox)})
    with open_engine(engine, workers) as executor:
        with watched(say, "scoring published programs", len(task.known()), "programs") as tell:
            _measure_known(store, config, task, executor, say, stop, tell)
        discovery = Discovery(store, config, task, executor, open_operators(store, config))
        steps = discovery.journal.steps
        new = len(steps)
        status = discovery.run(stop=stop, on_step=on_step, say=say)
        if new and len(steps) == new and status == DONE:
            say(f"{store.path} was finished: a budget is spent; gameplan evolve resume with a larger one goes on")
    for step in steps[new : len(config.seeds)]:
        if step.status != OK and step.same_as is None:
            say(f"the seed {step.detail['name']} has no score: {step.status}: {step.reason}")
    with store.transaction():
        store.set("status", status)
    return run_record(store)


def _measure_known(
    store: Store, config: DiscoveryConfig, task: Task, executor: Any, say: Callable[[str], None], stop: Callable[[], bool],
    tell: Callable[[int], None],
) -> None:  # fmt: skip
    """Score the published programs on the training instances, once a run: they cost no evaluations. What is stopped comes later."""
    known = {name: task.canonical(source) for name, source in task.known().items()}
    have = {(e.program, e.instance) for e in store.evaluations() if e.horizon == config.horizon and e.engine == ENGINE}
    limits = config.limits(chosen=True, scale=config.horizon / task.horizon)
    trials = tuple(Trial(name, config.horizon) for name in task.train)
    todo = {n: s for n, s in known.items() if any((program_id(s), t.instance) not in have for t in trials)}
    if todo:
        say(f"scoring {len(todo)} published programs on {', '.join(task.train)} first")
    futures = {
        n: executor.submit(measure, Job(config.task, s, trials, config.seed, limits, config.sandbox)) for n, s in todo.items()
    }
    for done, (name, future) in enumerate(futures.items()):
        tell(done)
        patience, began = PATIENCE, time.monotonic()
        while not future.done() and not stop():
            wait([future], timeout=0.2)
            if time.monotonic() - began > patience:
                patience *= 2.0
                so_far = time.monotonic() - began
                say(f"{name} is being scored, {so_far:.0f} s so far; it is ended after {limits.cpu_seconds:.0f} CPU seconds")
        if stop():
            for other in futures.values():
                other.cancel()
            break
        outcome = future.result()
        if outcome.status != OK:
            say(f"{name} has no score: {outcome.status}: {outcome.reason}")
        program = program_row(task, known[name])
        with store.transaction():
            store.add_program(program)
            for trial, value in zip(trials, outcome.values, strict=False):
                store.add_evaluation(
                    Evaluation(program.id, trial.instance, trial.horizon, config.seed, "known", ENGINE, value, OK)
                )  # fmt: skip
            for trial, seconds in zip(trials, outcome.seconds, strict=False):
                store.add_time("known", seconds, program=program.id, instance=trial.instance, horizon=trial.horizon)
            store.set("isolation", outcome.level)
    with store.transaction():
        store.set("known", {name: program_id(source) for name, source in known.items()})
        store.set("references", known_values(store, config, task))


def known_values(store: Store, config: DiscoveryConfig, task: Task) -> dict[str, dict[str, float]]:
    """Return the costs of the published programs on the training instances: name -> instance -> cost."""
    values: dict[str, dict[str, float]] = {}
    for e in store.evaluations():
        if e.horizon == config.horizon and e.instance in task.train and e.value is not None and e.seed == config.seed:
            values.setdefault(e.program, {})[e.instance] = e.value
    names = {name: program_id(task.canonical(source)) for name, source in task.known().items()}
    return {name: values[key] for name, key in names.items() if len(values.get(key, {})) == len(task.train)}


def load_run(store: Store, *, flagged: bool = False) -> Journal:
    """Return what is known of the run of a store; with programs that are `flagged`, if the run has none of them itself."""
    config = config_of(store)
    config = replace(config, flagged=flagged or config.flagged)
    return Journal(store, config, find_task(config.task))


def ranked(members: list[Member]) -> list[Member]:
    """Return the members, best first."""
    return sorted(members, key=quality, reverse=True)


def member_record(member: Member) -> dict[str, Any]:
    """Return what is shown of a program."""
    return {
        "id": member.id,
        "step": member.n,
        "operator": member.operator,
        "score": member.score,
        "log": log_score(member.values),
        "average": average_score(member.values),
        "size": member.size,
        "values": dict(member.values),
    }


def run_record(store: Store) -> dict[str, Any]:
    """Return how a run stands: what ``--json`` prints."""
    run = load_run(store)
    config, task = run.config, run.task
    members = ranked(run.members())
    steps = run.steps
    evaluated = [step for step in steps if step.same_as is None and step.fingerprint]
    structures = {program.id: program.structure for program in store.programs()}
    seen: set[str] = set()
    new = 0
    for step in evaluated:
        structure = structures.get(step.program or "", "")
        new += structure not in seen
        seen.add(structure)
    times = store.times()
    calls = store.calls()
    known = {
        name: {"log": log_score(values), "average": average_score(values), "values": values}
        for name, values in (store.get("references") or {}).items()
    }
    return {
        "schema": SCHEMA,
        "command": "evolve",
        "task": config.task,
        "measure": task.measure,
        "run": str(store.path),
        "status": store.get("status") or "unfinished",
        "steps": len(steps),
        "evaluations": run.counted,
        "programs": len(members),
        "best": member_record(members[0]) if members else None,
        "known": known,
        "rejections": dict(Counter(step.status for step in steps if step.status != OK).most_common()),
        "isolation": store.get("isolation") or "",
        "cost": {
            "run_seconds": times.get("run", 0.0),
            "compile_seconds": times.get("compile", 0.0) + times.get("recompile", 0.0),
            "overhead_seconds": times.get("overhead", 0.0),
            "known_seconds": times.get("known", 0.0),
            "wall_seconds": times.get("wall", 0.0),
            "run_seconds_per_evaluation": times.get("run", 0.0) / max(1, len(evaluated)),
            "new_structures": new / max(1, len(evaluated)),
            "calls": len(calls),
            "tokens": sum(call["tokens_in"] + call["tokens_out"] for call in calls),
            "money": sum(call["cost"] for call in calls),
        },
        "config": asdict(config),
    }
