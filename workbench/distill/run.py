"""Making a data set: games in order, their positions accepted or rejected one by one, in any number of processes alike."""

import importlib
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import nullcontext
from dataclasses import asdict
from functools import cache
from typing import Any, NamedTuple

from games.errors import GameplanError
from games.random import stream
from workbench.catalogue.shipped import CHAINS
from workbench.distill.candidates import DUPLICATE, HELD_OUT, Candidate, Stop
from workbench.distill.config import PHASES, SPLITS, DistillConfig
from workbench.distill.export import finish
from workbench.distill.store import Store
from workbench.engines.jobs import in_order
from workbench.runs.directory import RunDirectory
from workbench.runs.environment import describe_environment
from workbench.runs.formats import SCHEMA
from workbench.terminal.interrupts import patience

DONE, INTERRUPTED = "done", "interrupted"
MOST_IDLE = 400  # games in a row that bring nothing new: then there is nothing more to find
SLOW_SAMPLES = 300  # processes are started for more than so many


class Game(NamedTuple):
    """A game to play (a job for `workbench.engines.jobs`): the configuration as JSON, its number, and its phase."""

    config: str
    number: int
    phase: str


@cache
def _source(config: str) -> Any:
    found = DistillConfig(**json.loads(config))
    return importlib.import_module(CHAINS[found.world]).Source(found)


def play_game(game: Game, stop: Stop = lambda: False) -> tuple[list[Candidate], float]:
    """Return the candidates of a game, and the CPU seconds that they took."""
    begin = time.process_time()
    found = []
    for candidate in _source(game.config).candidates(game.number, game.phase, stop):
        if stop():
            raise KeyboardInterrupt
        found.append(candidate)
    if stop():
        raise KeyboardInterrupt
    return found, time.process_time() - begin


def split_of(config: DistillConfig, group: int) -> str:
    """Return the split of all positions of a group: by its hash alone, so that it is the same in every data set of these shares."""
    ticket = int(stream("split", group)[0] % 100)
    for split, share in zip(SPLITS, config.shares, strict=True):
        ticket -= share
        if ticket < 0:
            return split
    raise AssertionError


def quotas(config: DistillConfig) -> dict[str, int]:
    """Return how many examples of each phase there are to be."""
    return {phase: (config.samples + len(PHASES) - 1 - k) // len(PHASES) for k, phase in enumerate(PHASES)}


def run_distill(
    config: DistillConfig,
    run: RunDirectory,
    *,
    resume: bool = False,
    executor: Callable[[], Executor] | None = None,
    workers: int = 1,
    stop: Stop = lambda: False,
    on_accepted: Callable[[int], None] = lambda count: None,
    say: Callable[[str], None] = lambda text: None,
) -> dict[str, Any]:
    """Make the data set of `config` in the directory `run` and return the record, which is also saved there.

    Parameters
    ----------
    config : DistillConfig
        Resolved (`workbench.distill.config.resolve_distill`).
    resume : bool
        Go on after the last whole game. All files end with the same bytes as if the run had never been stopped.
    executor : callable, optional
        Makes an executor with `workers` workers; asked for only if much is to be done. The bytes are the same without.
    stop : callable
        Asked several times a second; when true, whole games are kept, and the status is "interrupted".

    Raises
    ------
    GameplanError
        If there are not so many different positions, or a disk cannot be written.
    """
    with run.writing(resume=resume):
        started = time.perf_counter(), time.process_time()
        if not resume:
            run.start(asdict(config), describe_environment(1))
        store = Store(run)
        try:
            with patience(say, f"compiling what plays {config.world}"):
                text = json.dumps(asdict(config))
                source = _source(text)
            if resume and sum(store.accepted.values()) >= config.samples:
                say(f"{run.path} was finished: it has all its {config.samples:,} chains")
            status, remote = _collect(config, text, source, store, executor, workers, stop, on_accepted, say)
            if status == DONE:
                store.sync()
                finish(config, run, store)
        finally:
            store.close()
        record = distill_record(config, run, store, status)
        record["seconds"] = time.perf_counter() - started[0]
        record["cpu_seconds"] = time.process_time() - started[1] + remote
        run.write_result(record)
        return record


def _collect(
    config: DistillConfig,
    text: str,
    source: Any,
    store: Store,
    executor: Callable[[], Executor] | None,
    workers: int,
    stop: Stop,
    on_accepted: Callable[[int], None],
    say: Callable[[str], None],
) -> tuple[str, float]:
    """Fill `store`; return how that ended, and the CPU seconds that other processes spent on it."""
    wanted, remote = quotas(config), 0.0
    total, forbidden = sum(store.accepted.values()), source.held_out()

    def is_full(number: int) -> bool:
        phase = PHASES[number % len(PHASES)]
        return store.accepted[phase] >= wanted[phase]

    def games() -> Iterator[Game]:
        number = store.games
        while total < config.samples:
            if not is_full(number):
                yield Game(text, number, PHASES[number % len(PHASES)])
            number += 1

    begun = False
    many = executor is not None and workers > 1 and config.samples - total > SLOW_SAMPLES
    made = in_order(executor() if many and executor else None, play_game, games(), stop, 2 * workers)
    try:
        while total < config.samples:
            with nullcontext() if begun else patience(say, f"compiling what plays {config.world}"):
                game, (found, seconds) = next(made)
            begun = True
            if is_full(game.number):
                continue
            remote += seconds if many else 0.0
            before = store.accepted[game.phase]
            for candidate in found:
                if store.accepted[game.phase] < wanted[game.phase]:
                    _judge(config, store, game, candidate, forbidden)
            store.games = game.number + 1
            new = store.accepted[game.phase] - before
            store.idle[game.phase] = 0 if new else store.idle[game.phase] + 1
            store.commit()
            total += new
            on_accepted(total)
            if store.idle[game.phase] > MOST_IDLE:
                raise GameplanError(
                    f"{MOST_IDLE} games in a row had no new position of the phase {game.phase}, of which "
                    f"{wanted[game.phase]:,} are wanted and {store.accepted[game.phase]:,} were found "
                    f"({_reasons(store.rejected)}); ask for fewer --samples, other players, more noise or a smaller margin"
                )
    except KeyboardInterrupt:
        return INTERRUPTED, remote
    return DONE, remote


def _judge(config: DistillConfig, store: Store, game: Game, candidate: Candidate, forbidden: set[int]) -> None:
    """Add a candidate to the data set, or count why not."""
    reason = candidate.reason
    if candidate.key in forbidden or candidate.group in forbidden:
        reason = HELD_OUT
    elif candidate.key in store.keys:
        reason = DUPLICATE
    if reason:
        store.rejected[reason] += 1
        return
    split = split_of(config, candidate.group)
    store.keys.add(candidate.key)
    store.accepted[game.phase] += 1
    where = {"key": f"{candidate.key:016x}", "group": f"{candidate.group:016x}", "phase": game.phase}
    store.add(split, candidate.messages, {**where, **candidate.about})


def _reasons(rejected: Counter[str]) -> str:
    return ", ".join(f"{count:,} {reason}" for reason, count in rejected.most_common()) or "none rejected"


def distill_record(config: DistillConfig, run: RunDirectory, store: Store, status: str) -> dict[str, Any]:
    """Return the record of a data set: what ``--json`` prints and result.json holds."""
    return {
        "schema": SCHEMA,
        "command": "distill",
        "world": config.world,
        "seed": config.seed,
        "samples": config.samples,
        "accepted": sum(store.accepted.values()),
        "splits": {split: store.lines[split] for split in SPLITS},
        "phases": dict(store.accepted),
        "rejected": dict(sorted(store.rejected.items())),
        "games": store.games,
        "tokens": token_lengths(store),
        "status": status,
        "run": str(run.path),
    }


def token_lengths(store: Store) -> dict[str, float | int | None]:
    """Return mean, median and largest number of tokens of an answer."""
    counts: Counter[int] = Counter()
    for split in SPLITS:
        counts.update(entry["tokens"] for entry in store.metadata(split))
    n = sum(counts.values())
    if not n:
        return {"mean": None, "median": None, "max": None}
    seen, median = 0, 0
    for tokens in sorted(counts):
        seen += counts[tokens]
        median = tokens
        if 2 * seen >= n:
            break
    return {"mean": sum(k * c for k, c in counts.items()) / n, "median": median, "max": max(counts)}
