"""The configuration of a solver run: resolved, saved, resumed."""

import shlex
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from games.compiler import MAX_HISTORIES
from games.errors import UsageError
from games.gambit.files import is_game_file
from games.loader import reads_file
from games.modules import digest_of, is_file, located, read_text
from games.params import PLANNED, Value
from games.plugins import ALGORITHM, META_SOLVER, expanded
from solvers.psro.catalogue import SOLVERS
from workbench.catalogue.algorithms import Algorithm, algorithm_of
from workbench.catalogue.families import ALGORITHMS, BEST, LAST, SAMPLING, Request
from workbench.catalogue.sources import Source, read_source, source_of
from workbench.runs.directory import GAME, LOCKED, PROGRAMS, RunDirectory, blamed
from workbench.runs.formats import SCHEMA, YOUNGER, differing
from workbench.runs.kinds import SOLVER_RUN, read_config
from workbench.runs.programs import KINDS, data_digest, kept_data, kept_programs
from workbench.solving.isolated import NO_WORD, Trust, isolated_algorithm, isolates
from workbench.solving.locking import SETTINGS as LOCK_SETTINGS
from workbench.solving.locking import policy_file, resolve_lock
from workbench.solving.policies import UNIFORM

ROLES = ("algo", "train", "eval")  # of programs in a configuration
CHANGEABLE = ("iterations", "target", "time_limit", "threads", "max_histories", "max_memory")  # what a resumed run may change


@dataclass(frozen=True)
class SolveConfig:
    """A solver run, resolved: everything that decides its result.

    `params` holds a value for every parameter of the algorithm; `train` and `eval` choose PSRO's meta-strategy solvers; `programs`
    has hashes of the user's own files, the game's among them; `iterate` is which policy is reported, None the algorithm's own
    choice; `every` evaluates each so many iterations, and None on a logarithmic grid, unless the family of the algorithm says
    otherwise, as it says how many `iterations` are meant by 0; None is no limit, see `until`; `target` stops at an exploitability,
    `time_limit` after seconds of iterating. `max_memory` (bytes) is for compiling the game. With a `jitter` its payoffs are off
    by so much, in the way that has the number `seed` (`games.jitter`).
    `gaps` asks how far the play is from correlated equilibria (`solvers.play`), None where that says more than the
    exploitability and costs little.
    `time_limit` after seconds of iterating. `max_memory` (bytes) is for compiling the game. `lock` is the policy, a file or
    "uniform", to which `lock_player` is locked with a `lock_probability`, where `lock_infosets`, a pattern, says; None: everywhere.
    """

    game: str
    algo: str
    iterations: int | None = 0
    params: dict[str, Value] = field(default_factory=dict)
    train: str | None = None
    eval: str | None = None
    programs: dict[str, str] = field(default_factory=dict)
    updates: str = "alternating"
    iterate: str | None = None
    every: int | None = None
    target: float | None = None
    time_limit: float | None = None
    seed: int = 0
    threads: int = 1
    max_histories: int = MAX_HISTORIES
    max_memory: int | None = None
    jitter: float = field(default=0.0, metadata=YOUNGER)
    gaps: bool | None = field(default=False, metadata=YOUNGER)
    lock: str | None = None
    lock_player: int | None = None
    lock_infosets: str | None = None
    lock_probability: float | None = None
    schema: int = SCHEMA


def resolve_config(
    config: SolveConfig, copies: RunDirectory | None = None, trust: Trust = NO_WORD
) -> tuple[SolveConfig, Algorithm]:
    """Return `config` with all parameters filled in, and its algorithm (from the run's copies of the user's files, if given).

    Raises
    ------
    UsageError
        For an unknown algorithm or parameter, a number out of range, or a program of the run that may not run as the user.
    """
    for name, lowest in (("iterations", 0), ("threads", 1), ("max_histories", 1)):
        if getattr(config, name) is not None and getattr(config, name) < lowest:
            raise UsageError(f"{name} = {getattr(config, name)} is too small; it must be at least {lowest}")
    if not 0.0 <= config.jitter < 1.0:
        raise UsageError(
            f"jitter = {config.jitter:g} is not possible; payoffs are scaled by 1 +- jitter, so it must be from 0 to below 1"
        )
    for role in ROLES:
        if copies is None and getattr(config, role) == "":
            what = "an algorithm" if role == "algo" else "a meta-strategy solver"
            raise UsageError(f"{role} is empty; name {what}, or leave it out")
    named: dict[str, Any] = {role: program_of(role, name) for role in ROLES if (name := getattr(config, role))}
    config = replace(config, **named)
    with blamed(copies):
        config, locked = resolve_lock(config, copies)
    sources = _sources(config, copies)
    game, data = config.game, dict(locked)
    if is_game_file(game):
        if copies is not None and GAME in config.programs:
            game = str(kept_data(copies, GAME, game, config.programs))
        data[GAME] = data_digest(game, GAME)
    request = Request(config.algo, config.params, config.iterations or 0, config.train, config.eval, sources)
    if sources and isolates(sources, config.programs if copies else None, trust, copies.path if copies else None):
        algorithm = isolated_algorithm(request, game=game, max_histories=config.max_histories, jitter=(config.jitter, config.seed))
    else:
        with blamed(copies):
            algorithm = algorithm_of(request)
    family = algorithm.family
    if config.jitter and family.random:
        raise UsageError(f"{config.algo} samples: how sure its results are is said by other seeds; leave out the jitter")
    if config.lock is not None and family is SAMPLING:
        raise UsageError(
            f"{config.algo} walks the tree of the game itself, which has no lock; choose another algorithm, such as cfr+ or vad-cfr"
        )
    named = {role: algorithm.chosen[role] for role in algorithm.chosen if role not in sources}
    own = {role: str(Path(getattr(config, role) or config.train or "").resolve()) for role in sources}
    resolved = replace(
        config,
        params=algorithm.params,
        iterations=_length(config, algorithm),
        iterate=_iterate(config, algorithm),
        every=family.every if config.every is None else config.every,
        programs={role: source.digest for role, source in sources.items()} | data,
        **{**named, **own},
    )
    return resolved, algorithm


def until(config: SolveConfig) -> SolveConfig:
    """Return `config`, not resolved yet, without a limit of iterations if it has none but a target or time limit to end it."""
    ends = config.target is not None or config.time_limit is not None
    return replace(config, iterations=None) if ends and not config.iterations else config


def _length(config: SolveConfig, algorithm: Algorithm) -> int | None:
    if algorithm.one_shot:
        return 1
    if config.iterations is None and PLANNED not in algorithm.params:  # one with a plan for its iterations needs their number
        return None
    return config.iterations or algorithm.family.iterations


def _iterate(config: SolveConfig, algorithm: Algorithm) -> str:
    legal = algorithm.family.iterates
    if config.iterate is None:
        return algorithm.iterate
    if config.iterate not in legal:
        raise UsageError(
            f"{config.algo} has no {config.iterate} iterate to report, only its {' or '.join(legal)}; leave out --iterate"
        )
    return config.iterate


def program_of(role: str, name: str) -> str:
    """Return the file that a plug-in or ``module:attribute`` called `name` stands for, any other name as it is."""
    return located(expanded(ALGORITHM, name, ALGORITHMS) if role == "algo" else expanded(META_SOLVER, name, SOLVERS))


def _sources(config: SolveConfig, copies: RunDirectory | None) -> dict[str, Source]:
    """Return the programs of the user's own, by role, read once: the files, or the copies that a run keeps of them."""
    names = {role: getattr(config, role) for role in ROLES}
    if not is_file(config.algo):
        names["eval"] = config.eval or config.train
    files = {role: name for role, name in names.items() if name is not None and is_file(name)}
    if copies is None:
        return {role: read_source(name, KINDS[role]) for role, name in files.items()}
    texts = kept_programs(copies, {role: config.programs.get(role, "") for role in files})
    return {role: source_of(copies.path / PROGRAMS[role], texts[role]) for role in files}


def identity(config: SolveConfig) -> dict[str, Any]:
    """Return what makes a run this one, by which its lines and its checkpoint are known again: not its length, and no path."""
    names = {role: config.programs.get(role, getattr(config, role)) for role in ROLES}
    same = {key: getattr(config, key) for key in ("game", "params", "updates", "every", "seed")}
    other = {"iterate": config.iterate} if config.iterate in (LAST, BEST) else {}  # runs of earlier versions know of none
    lock = {name: getattr(config, name) for name in LOCK_SETTINGS}
    lock["lock"] = config.programs.get(LOCKED, config.lock)
    return {**same, **names, **other, **(lock if config.lock is not None else {})}


def resumed_config(run: RunDirectory, changes: dict[str, Any]) -> SolveConfig:
    """Return the configuration of the run in `run` with `changes` to iterations, target or time limit.

    Raises
    ------
    UsageError
        If a change would make it another run.
    GameplanError
        If the saved configuration is damaged or of another version.
    """
    config = saved_config(run)
    saved = asdict(config)
    for name, value in changes.items():
        before: Any = saved.get(name)
        other = None
        if name == "params":
            given = {key: new for key, new in value.items() if not _equal(before.get(key), new)}
            other = differing(name, before, given)
            same = other is None
        elif name == GAME and GAME in config.programs and is_game_file(value):
            same = data_digest(value, GAME) == config.programs[GAME]
        elif name == LOCKED and LOCKED in config.programs and value not in (None, UNIFORM):
            same = data_digest(policy_file(value), LOCKED) == config.programs[LOCKED]
        elif name in PROGRAMS and value is not None and is_file(value := program_of(name, value)):
            same = is_file(str(before)) and digest_of(read_text(Path(value))) == config.programs.get(name)
        else:
            same = name in CHANGEABLE or value == before
        if not same:
            has = other or (name, before, value)
            raise UsageError(
                f"the run in {run.path} has {has[0]} = {has[1]}, not {has[2]}; a resumed run keeps it: leave it out or start anew"
            )
    if GAME not in changes:
        check_named(config, run)
    kept = {name: value for name, value in changes.items() if name in CHANGEABLE}
    return replace(config, **kept)


def saved_config(run: RunDirectory) -> SolveConfig:
    """Return the configuration of the solver run in `run`.

    Raises
    ------
    UsageError
        If it is a run of another command.
    GameplanError
        If the saved configuration is damaged or of a newer version.
    """
    return read_config(run, SOLVER_RUN, SolveConfig)


def _equal(before: Any, text: Any) -> bool:
    try:
        return float(before) == float(text)
    except (TypeError, ValueError):
        return False


def check_named(config: SolveConfig, run: RunDirectory) -> None:
    """Refuse to read a game's file that only the run names; errors are those of `workbench.solving.run.load_run_game`."""
    if GAME not in config.programs and reads_file(config.game):
        raise UsageError(
            f"the run in {run.path} keeps no copy of the file of its game, {config.game}, which is not read because a run "
            f"directory says so; name it: gameplan solve {shlex.quote(config.game)} --resume {run.path}"
        )
