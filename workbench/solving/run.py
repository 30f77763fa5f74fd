"""One solver run, from a resolved configuration to a result record."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from games.compiler import Progress
from games.errors import GameplanError, UsageError
from games.files import read_file
from games.jitter import jittered
from games.loader import load_game
from games.modules import short_name
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluation
from solvers.play import Watched
from workbench.catalogue.algorithms import Algorithm, Solver
from workbench.catalogue.families import BEST, CLASS_PROGRAM, RULE
from workbench.runs.directory import CHECKPOINT, CONFIG, GAME, METRICS, PROGRAMS, TIMING, RunDirectory, blamed, copy_name
from workbench.runs.environment import describe_environment
from workbench.runs.formats import POPULATION, SCHEMA
from workbench.runs.programs import kept_data, read_copies
from workbench.solving.config import ROLES, SolveConfig, check_named, identity, resolve_config
from workbench.solving.grid import grid_before, is_evaluated, next_evaluation, on_grid
from workbench.solving.isolated import NO_WORD, Trust, with_lock
from workbench.solving.iterates import Reported
from workbench.solving.locking import Played, played, read_lock
from workbench.solving.policies import SUFFIXES, encode_arrays, encode_policy
from workbench.terminal.interrupts import patience

SMALL = 100_000  # histories up to which gaps to correlated equilibria, an evaluation an iteration, need not be asked for
CHUNK_SECONDS = 0.25  # length of one call into compiled code, so that Ctrl-C and progress work
CHECKPOINT_SECONDS = 1.0  # what a crash can cost

DONE, REACHED, MISSED, INTERRUPTED, TIME_UP = "done", "target reached", "target missed", "interrupted", "time limit"
BY_COUNT, BY_TARGET, BY_TIME, BY_PERSON = "iterations", "target", "time limit", "interruption"  # what ended a run
INEXACT = "not exact"  # a program that claims exact solutions could not prove this one

OnProgress = Callable[[int, float | None], None]
OnEnd = Callable[[Played, Solver, np.ndarray], None]


def solve(
    config: SolveConfig,
    run: RunDirectory,
    *,
    resume: bool = False,
    stop: Callable[[], bool] = lambda: False,
    on_progress: OnProgress = lambda iteration, exploitability: None,
    on_compile: Progress | None = None,
    say: Callable[[str], None] = lambda text: None,
    trust: Trust = NO_WORD,
    on_end: OnEnd = lambda game, solver, policy: None,
) -> dict[str, Any]:
    """Run `config` in the directory `run` and return the result record, which is also saved there.

    Parameters
    ----------
    config : SolveConfig
        Need not be resolved.
    run : RunDirectory
        A new one, or with `resume` that of an earlier run of the same configuration (iterations, target and time limit may
        differ); the run then ends with the same bits as one that was never stopped.
    stop : callable
        Asked several times a second; when true, the run saves a checkpoint and ends with status "interrupted".
    on_progress, on_compile, say : callable
        Told of (iteration, last exploitability), of histories walked, and of what a user should know.
    trust : Trust
        What the command line says of programs of the user's own.
    on_end : callable
        Given the game that was played, the solver and the reported policy, of the game itself, as they are when the run ends, also
        by an interruption.

    Raises
    ------
    GameplanError
        For a game that cannot be solved, a rule that breaks down (metrics so far are kept), a disk that cannot be written, a run
        that another process is working on, or files that are not this run's.
    """
    with run.writing(resume=resume):
        return _solve(config, run, resume, stop, on_progress, on_compile, say, trust, on_end)


def _solve(
    config: SolveConfig,
    run: RunDirectory,
    resume: bool,
    stop: Callable[[], bool],
    on_progress: OnProgress,
    on_compile: Progress | None,
    say: Callable[[str], None],
    trust: Trust,
    on_end: OnEnd,
) -> dict[str, Any]:
    saved = config
    config, algorithm = resolve_config(config, run if resume else None, trust)
    if algorithm.isolated:
        say(f"{config.algo} runs isolated; to run it as you, name the file again, or say --trusted" if resume else
            f"{config.algo} runs isolated")  # fmt: skip
    for role, digest in saved.programs.items() if resume else ():
        if config.programs.get(role) != digest:
            raise GameplanError(
                f"{run.path / PROGRAMS[role]} is not the file that the run was started with (digest {config.programs.get(role)}, "
                f"not {digest}); put it back, or start a new run"
            )

    def walked(histories: int) -> None:
        if on_compile:
            on_compile(histories)
        if stop():  # nothing to save yet
            raise KeyboardInterrupt

    with blamed(run if resume else None):
        game = load_run_game(config, run if resume and GAME in saved.programs else None, walked)
        what = played(config, game, run if resume else None, lambda text: say(f"warning: {text}"))
        if not algorithm.isolated:
            algorithm.family.prepare(what.solved, walked)
    compiling, own = f"compiling {short_name(config.algo)}", bool(set(ROLES) & set(config.programs))
    with patience(say, compiling, own=own):
        solver = make_solver(algorithm, what, config)
    config = replace(config, gaps=_watches(config, algorithm, what.solved), lock_player=what.player)
    if config.gaps:
        solver = Watched(solver)
    reported = Reported(solver, what.solved, config.iterate or "")
    started = time.perf_counter()
    spent, whose = 0.0, _whose(config, what.solved)
    if resume:
        spent = _restore(solver, reported, run, config, whose, say)
        if GAME in config.programs and GAME not in saved.programs:  # of an earlier version, which kept no copy
            for name, content in read_copies({GAME: config.game}, config.programs).items():
                run.write(name, content)
        run.write_json(CONFIG, asdict(config))
    else:  # a resumed run goes on with these copies of the user's files, whatever becomes of them
        copies = {copy_name(role, ""): read_file(Path(getattr(config, role))) for role in config.programs if role in ROLES}
        data = {role: getattr(config, role) for role in config.programs if role not in ROLES}
        copies |= read_copies(data, config.programs)
        run.start(asdict(config), describe_environment(config.threads), copies)
    if hint := advice(config):
        say(hint)
    with patience(say, compiling, own=own):
        solver.advance(solver.iteration)  # before the clock starts
    progress = _Progress(config, whose, run, solver, reported, stop, on_progress, spent)
    status, evaluation = progress.run()
    if resume and progress.finished:
        say(f"{run.path} was finished: {progress.finished}")
    exact = solver.remarks() if algorithm.family.concludes or config.gaps else {}
    if algorithm.one_shot and status == DONE and exact["proof"] is None:
        status = INEXACT
    record = result_record(config, run, game, solver, evaluation, status, progress.seconds)
    record |= exact | {"ended_by": progress.ended_by}
    record |= {POPULATION: solver.remarks()[POPULATION]} if config.params.get(POPULATION) else {}
    record |= {"best_iteration": reported.iteration} if config.iterate == BEST else {}
    record |= what.record(config, reported.policy)
    policy = what.unlock(reported.policy)
    on_end(what, solver, policy)
    if status != INTERRUPTED and run.lasting:
        for suffix in SUFFIXES:
            run.write(f"policy{suffix}", encode_policy(game, policy, suffix))
        for name, arrays in solver.artifacts().items():
            run.write(f"{name}.npz", encode_arrays(arrays))
    record["total_seconds"] = time.perf_counter() - started
    run.write_result(record)
    return record


def _watches(config: SolveConfig, algorithm: Algorithm, game: SequenceGame) -> bool:
    """Return whether the gaps to correlated equilibria are reported."""
    able = algorithm.family in (RULE, CLASS_PROGRAM)
    if config.gaps and not able:
        raise UsageError(f"{config.algo} has no play of iterations to look at; leave out --gaps, which is for CFR variants")
    if config.gaps is not None:
        return config.gaps
    return able and not algorithm.isolated and game.histories <= SMALL and (game.players > 2 or game.constant_sum is None)


def check_replaced(config: SolveConfig, path: Path, progress: Progress | None = None) -> None:
    """Look at what a new run of the resolved `config` needs, before what may be in the directory `path` is replaced by it.

    Raises
    ------
    UsageError, GameplanError
        If a file of the user's own is in that directory, or the policy cannot be locked.
    """
    if not path.exists():
        return
    for role in config.programs:
        if Path(getattr(config, role)).resolve().is_relative_to(path.resolve()):
            raise UsageError(f"{getattr(config, role)} is in {path}, which the run would replace; choose another --out")
    if config.lock is not None:
        read_lock(config, load_run_game(config, progress=progress))


def make_solver(algorithm: Algorithm, what: Played, config: SolveConfig) -> Solver:
    """Return a fresh solver for what a run of `config` solves."""
    if what.locked is not None:
        algorithm = with_lock(algorithm, what.locked.lock)
    return algorithm.make(what.solved, alternating=config.updates == "alternating", seed=config.seed)


def load_played(config: SolveConfig, run: RunDirectory) -> Played:
    """Return the game of the `run`, of the resolved `config`, and what of it was solved; errors are those of `load_run_game`."""
    game = load_run_game(config, run)
    with blamed(run):
        return played(config, game, run)


def load_run_game(config: SolveConfig, run: RunDirectory | None = None, progress: Progress | None = None) -> SequenceGame:
    """Return the game of a run; given the `run`, no file that only it names is read, but the copy that it keeps.

    Raises
    ------
    UsageError
        If the run keeps no copy of its game's file.
    GameplanError
        If the game cannot be compiled.
    """
    name = config.game
    if run is not None and GAME in config.programs:
        name = str(kept_data(run, GAME, name, config.programs))
    elif run is not None:
        check_named(config, run)
    with blamed(run):
        game = load_game(name, max_histories=config.max_histories, max_memory=config.max_memory, progress=progress)
    game = game if name == config.game else replace(game, name=config.game, source=name)
    return jittered(game, config.seed, config.jitter) if config.jitter else game


def result_record(
    config: SolveConfig, run: RunDirectory, game: SequenceGame, solver: Solver, evaluation: Evaluation, status: str, seconds: float
) -> dict[str, Any]:
    """Return the record of a run: what ``--json`` prints and result.json holds."""
    return {
        "schema": SCHEMA,
        "command": "solve",
        "game": config.game,
        "algo": config.algo,
        "params": config.params,
        "iterations": solver.iteration,
        "exploitability": evaluation.exploitability,
        "nash_conv": evaluation.nash_conv,
        "values": list(evaluation.values),
        "seconds": seconds,
        "status": status,
        "target": config.target,
        "time_limit": config.time_limit,
        "run": str(run.path),
        "players": game.players,
        "histories": game.histories,
        "infosets": game.infosets,
        "updates": config.updates,
        "iterate": config.iterate,
        **({"train": config.train, "eval": config.eval} if config.train else {}),
        "seed": config.seed,
        **({"jitter": config.jitter} if config.jitter else {}),
    }


class _Progress:
    """The loop over iterations: chunks, evaluations, checkpoints, reasons to stop."""

    def __init__(
        self,
        config: SolveConfig,
        whose: dict[str, Any],
        run: RunDirectory,
        solver: Solver,
        reported: Reported,
        stop: Callable[[], bool],
        on_progress: OnProgress,
        spent: float,
    ) -> None:
        self.config, self.run_directory, self.solver, self.reported = config, run, solver, reported
        self.stop, self.on_progress = stop, on_progress
        self.seconds = spent
        self._per_iteration = 0.0
        self._saved_at = time.perf_counter()
        self._checkpoint_pause = CHECKPOINT_SECONDS
        self._identity, self._whose = identity(config), whose
        self._recorded = 0
        self.ended_by = BY_COUNT
        self.finished = ""  # why a resumed run had nothing left to do

    def run(self) -> tuple[str, Evaluation]:
        config, solver = self.config, self.solver
        if solver.iteration:  # a resumed run may be where it should end, or have stopped between a checkpoint and its metrics
            evaluation = self._evaluate()
            if is_evaluated(solver.iteration, config):
                self._record(evaluation)
            if self._all_done():
                self.finished = f"{solver.iteration:,} iterations are done; -n with more goes on"
                return self._verdict(evaluation, DONE), evaluation
            if is_evaluated(solver.iteration, config) and self._reaches(evaluation):
                self.finished, self.ended_by = f"the target is reached at iteration {solver.iteration:,}", BY_TARGET
                return REACHED, evaluation
        while True:
            due = next_evaluation(solver.iteration, config)
            reason = self._advance(due)
            evaluation = self._evaluate()
            if reason is not None:
                self._record(evaluation)
                self._checkpoint()
                self.ended_by = BY_TIME if reason == TIME_UP else BY_PERSON
                return self._verdict(evaluation, reason), evaluation
            self._record(evaluation)
            self.on_progress(solver.iteration, evaluation.exploitability)
            if self._reaches(evaluation):
                self._checkpoint()
                self.ended_by = BY_TARGET
                return REACHED, evaluation
            if self._all_done():
                self._checkpoint()
                return self._verdict(evaluation, DONE), evaluation
            if time.perf_counter() - self._saved_at > self._checkpoint_pause:
                self._checkpoint()

    def _evaluate(self) -> Evaluation:
        return self.reported.evaluate(keep=on_grid(self.solver.iteration, self.config))

    def _all_done(self) -> bool:
        return self.config.iterations is not None and self.solver.iteration >= self.config.iterations

    def _reaches(self, evaluation: Evaluation) -> bool:
        return self.config.target is not None and evaluation.exploitability <= self.config.target

    def _verdict(self, evaluation: Evaluation, reason: str) -> str:
        if self.config.target is None or reason == INTERRUPTED:
            return reason
        return REACHED if self._reaches(evaluation) else MISSED

    def _advance(self, due: int) -> str | None:
        """Run up to iteration `due` in short calls; return why it stopped before, or None."""
        solver, limit = self.solver, self.config.time_limit
        while solver.iteration < due:
            if self.stop():
                return INTERRUPTED
            if limit is not None and self.seconds >= limit:
                return TIME_UP
            allowed = CHUNK_SECONDS if limit is None else min(CHUNK_SECONDS, max(limit - self.seconds, 0.0))
            chunk = max(1, int(allowed / self._per_iteration)) if self._per_iteration else 1
            begin, before = time.perf_counter(), solver.iteration
            solver.advance(min(due, before + chunk))
            took = time.perf_counter() - begin
            self.seconds += took
            self._per_iteration = took / (solver.iteration - before)
            self.on_progress(solver.iteration, None)
            if time.perf_counter() - self._saved_at > self._checkpoint_pause:
                self._checkpoint()
        return None

    def _record(self, evaluation: Evaluation) -> None:
        t = self.solver.iteration
        if t == self._recorded:
            return
        self._recorded = t
        line = {
            "iteration": t,
            "exploitability": evaluation.exploitability,
            "nash_conv": evaluation.nash_conv,
            "values": list(evaluation.values),
            **self.solver.remarks(),
        }
        self.run_directory.append_pair(METRICS, line, {"iteration": t, "seconds": self.seconds}, self._identity)

    def _checkpoint(self) -> None:
        begin = time.perf_counter()
        arrays = {**({} if self.solver.replays else self.solver.state()), **self.reported.state()}
        self.run_directory.save_checkpoint(self.solver.iteration, arrays, self._whose)
        self._saved_at = time.perf_counter()
        self._checkpoint_pause = max(CHECKPOINT_SECONDS, 20 * (self._saved_at - begin))  # at most a twentieth of the time


def _restore(
    solver: Solver, reported: Reported, run: RunDirectory, config: SolveConfig, whose: dict[str, Any], say: Callable[[str], None]
) -> float:
    """Bring `solver` to the last checkpoint, cut the metrics back to it, and return the seconds spent until then."""
    checkpoint = run.load_checkpoint(whose)
    reached, arrays = checkpoint if checkpoint else (0, {})
    if config.iterations is not None and reached > config.iterations:
        raise UsageError(f"{run.path} has already done {reached} iterations; ask for at least that many with -n")
    if not reached:
        say("no checkpoint yet: starting from iteration 1")
        for name in (METRICS, TIMING):
            run.keep_lines(name, [])
        return 0.0
    pairs = [pair for pair in run.read_pairs(METRICS, "iteration", identity(config)) if pair[0]["iteration"] <= reached]
    # An iteration that was evaluated only because the run stopped there would not be in an uninterrupted run's metrics; the one of
    # the checkpoint is evaluated again.
    kept = [pair for pair in pairs if pair[0]["iteration"] < reached and on_grid(pair[0]["iteration"], config)]
    lost = set(grid_before(reached, config)).difference(line["iteration"] for line, _ in kept)
    if lost:
        raise GameplanError(
            f"{run.path / METRICS} and {TIMING} have no line for iteration {min(lost)}, although the checkpoint is of iteration "
            f"{reached}; put them back, or remove {CHECKPOINT} to run again from the start"
        )
    if solver.replays:
        say(f"{config.algo} keeps memory of its own, so iterations 1 to {reached} are computed again")
    try:
        solver.restore(reached, reported.restored(arrays))
        solver.average_policy()
    except GameplanError:
        raise
    except (KeyError, IndexError, ValueError, TypeError) as error:  # schema 1 does not say whose it is
        raise GameplanError(
            f"{run.path / CHECKPOINT} does not belong to this run; remove it to run again from the start"
        ) from error
    for place, name in enumerate((METRICS, TIMING)):
        run.keep_lines(name, [pair[place] for pair in kept])
    say(f"resuming after iteration {reached}")
    return float(pairs[-1][1]["seconds"]) if pairs else 0.0


def _whose(config: SolveConfig, game: SequenceGame) -> dict[str, Any]:
    """Return `identity` with a digest of the game's arrays: the file that a game was read from may change."""
    total = hashlib.sha256()
    for array in (*game.tree, *game.rows, game.action_ids):
        total.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return {**identity(config), "game digest": total.hexdigest()[:16]}


def advice(config: SolveConfig) -> str | None:
    """Return what a person should know before a run with the resolved `config` begins, or None."""
    warmup = config.params.get("warmup_iterations")
    if not isinstance(warmup, int) or config.iterations is None or config.iterations > warmup:
        return None
    return (
        f"warning: {config.algo} averages nothing in its first {warmup} iterations, so the reported policy stays uniform; "
        f"run more than {warmup} iterations or say --set warmup_iterations=0"
    )
