"""The configuration of a training run: resolved, saved, resumed."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from games.errors import GameplanError, UsageError
from games.modules import is_program, program_text, short_name
from games.params import Value
from games.plugins import METHOD, PLANNER, WORLD, expanded
from games.world import Instance, World
from games.worlds import WORLDS, load_world, under_proact, world_options
from planners.catalogue import PLANNERS
from planners.language.small import model_path, needs_learn
from planners.learning.catalogue import Found, find_method, method_module
from planners.learning.learner import Learner, checked_learner
from planners.learning.names import METHODS
from planners.learning.trainer import Trainer
from planners.policies.catalogue import POLICY, VALUE, Learned, kind_params, make_learned, usual_kind
from planners.policies.files import NAMES, learned_path, load_learned, read_header
from planners.policies.ntuple import VALUE_PARAMS as AFTERSTATES
from workbench.runs.directory import INITIAL, LEVELS, RunDirectory
from workbench.runs.formats import SCHEMA, differing
from workbench.runs.kinds import TRAINING_RUN, read_config
from workbench.runs.programs import (
    KINDS,
    data_digest,
    digests_of,
    explained,
    kept_data,
    kept_programs,
    read_programs,
    resolved_name,
)
from workbench.training.needs import check_needs

CHANGEABLE = ("updates", "steps", "time_limit")  # what a resumed run may change
HELD_OUT = 5  # of a collection of levels every so manieth is held out
FIRST_SEED = 1 << 30  # of training episodes in worlds with an instance for every seed; evaluation has those from 0 on
EPISODES = 100  # of the evaluation
TEACHER = "planner"  # the parameter of methods that names one to be asked
_PLUGINS: dict[str, tuple[str, Collection[str]]] = {  # role: kind, and what ships
    "env": (WORLD, WORLDS), "method": (METHOD, METHODS), TEACHER: (PLANNER, PLANNERS),
}  # fmt: skip
LANGUAGE = "language"  # the policy is a small language model, which is no kind of `planners.policies`


@dataclass(frozen=True)
class TrainConfig:
    """A training run, resolved: everything that decides its result.

    `policy` and `value` are kinds (`planners.policies.catalogue`), with values for all their parameters; `params` has a value for
    every parameter of the method and every option of the trainer. `init` names the run or file that it started from; a copy is
    kept. `updates`, `steps` (of the environment) and `time_limit` (seconds of learning) end it, 0 or None for no such limit;
    `episodes` are played at the end on held-out seeds or levels. `programs` has the digests of the user's own files, a file of
    levels among them.
    """

    env: str
    method: str
    policy: str = ""
    value: str = ""
    init: str = ""
    world: dict[str, Value] = field(default_factory=dict)
    params: dict[str, Value] = field(default_factory=dict)
    policy_params: dict[str, Value] = field(default_factory=dict)
    value_params: dict[str, Value] = field(default_factory=dict)
    programs: dict[str, str] = field(default_factory=dict)
    updates: int = 0
    steps: int = 0
    time_limit: float | None = None
    seed: int = 0
    episodes: int = EPISODES
    schema: int = SCHEMA


def own_names(config: TrainConfig) -> dict[str, str]:
    """Return role -> name of the programs of the user's own, the planner that a method asks among them."""
    names = {"env": config.env, "method": config.method, TEACHER: str(config.params.get(TEACHER, ""))}
    return {role: name for role, name in names.items() if is_program(name)}


def own_texts(config: TrainConfig) -> dict[str, str]:
    """Return role -> text of the programs of the user's own, as they are now."""
    return read_programs(own_names(config))


def resolve_train(config: TrainConfig) -> TrainConfig:
    """Return `config` with everything filled in.

    Raises
    ------
    UsageError
        For an unknown world, method, kind, option or parameter, a number out of range, or a method that the world is not for.
    GameplanError
        If what it starts from is damaged.
    """
    for name, least in (("updates", 0), ("steps", 0), ("episodes", 1), ("seed", 0)):
        if getattr(config, name) < least:
            raise UsageError(f"{name} = {getattr(config, name)} is too small; it must be at least {least}")
    _check_ends(config)
    config = _named(config)
    texts = own_texts(config)
    model = model_path(config.init) if config.init else None
    if model is not None:
        return _resolved_language(config, model, texts)
    options = world_options(config.env, config.world, texts.get("env"))
    digests = digests_of(texts) | _levels(config.env, options)
    world = load_world(config.env, options, texts.get("env"))
    found = _found(config, config.params, texts)
    with explained(own_names(config)):
        check_needs(found, split(world)[0](0), config.env)
    if found.method.learner is not None:
        return _resolved_value(config, found, options, digests, world)
    kind, preset = usual_kind(split(world)[0](0))
    kinds = {"policy": config.policy or kind, "value": config.value or kind}
    given = {"policy": config.policy_params, "value": config.value_params}
    for role in kinds:
        if not getattr(config, role):
            given[role] = {**preset, **given[role]}
    if config.init:
        path, instance = learned_path(config.init, POLICY), split(world)[0](0)
        kinds["policy"], given["policy"] = _learned(path, POLICY, instance, config.policy, config.policy_params)
        digests[INITIAL[POLICY]] = data_digest(path, POLICY)
        config = replace(config, init=str(path.resolve()))
        value = path.parent / NAMES[VALUE]
        if "value" in found.method.needs and Path(config.init).name == NAMES[POLICY] and value.is_file():
            kinds["value"], given["value"] = _learned(value, VALUE, instance, config.value, config.value_params)
            digests[INITIAL[VALUE]] = data_digest(value, VALUE)
    policy_params = kind_params(kinds["policy"], given["policy"])
    has_value = "value" in found.method.needs
    value_params = kind_params(kinds["value"], given["value"]) if has_value else {}
    # What cannot be made here is refused before a run begins, or is replaced.
    for role, params in ((POLICY, policy_params), *([(VALUE, value_params)] if has_value else [])):
        if INITIAL[role] not in digests:
            make_learned(role, kinds[role], split(world)[0](0), params)
    return replace(
        config, world=options, params={**found.method.params, **found.options}, programs=digests, policy=kinds["policy"],
        value=kinds["value"] if has_value else "", policy_params=policy_params, value_params=value_params,
    )  # fmt: skip


def _named(config: TrainConfig) -> TrainConfig:
    """Return `config` with programs of the user's own by their absolute paths, also one that a method of the user's own asks."""
    env, path = expanded(WORLD, config.env, WORLDS), expanded(METHOD, config.method, METHODS)
    params = dict(config.params)
    if TEACHER not in params and is_program(path):
        default = method_module(path).PARAMS.get(TEACHER)
        params |= {TEACHER: default} if isinstance(default, str) else {}
    if isinstance(params.get(TEACHER), str):
        params[TEACHER] = resolved_name(expanded(PLANNER, str(params[TEACHER]), PLANNERS))
    return replace(config, env=resolved_name(env), method=resolved_name(path), params=params)


def _found(config: TrainConfig, given: Mapping[str, Value], texts: Mapping[str, str]) -> Found:
    """Return the method with `given` values, and the text of the planner that it asks."""
    found = find_method(config.method, given, texts.get("method"))
    return found._replace(method=found.method._replace(teacher=texts.get(TEACHER)))


def _check_ends(config: TrainConfig) -> None:
    if not (config.updates or config.steps or config.time_limit):
        raise UsageError("say how long to learn: --time-limit 1m, --steps 100000 or --updates 500")


def _levels(env: str, options: dict[str, Value]) -> dict[str, str]:
    """Return the digest of the file of levels that the `options` of the world `env` name, if any; its path becomes absolute."""
    if not options.get(LEVELS) or env not in WORLDS:
        return {}
    options[LEVELS] = str(Path(str(options[LEVELS])).resolve())
    return {LEVELS: data_digest(str(options[LEVELS]), LEVELS)}


def _learned(path: Path, role: str, instance: Instance, kind: str, given: Mapping[str, Value]) -> tuple[str, dict[str, Value]]:
    """Return kind and parameters of what was learned in the file at `path`; a `kind` and `given` ones, if any, must be these.

    The file is read whole, so that a damaged one is refused before a run begins or is replaced.
    """
    header = read_header(path)
    if kind not in ("", header.kind):
        raise UsageError(f"{path} holds a {role} of kind {header.kind}, not {kind}; leave --{role} out")
    load_learned(path, role, instance)
    params = kind_params(header.kind, header.params)
    for name, wanted in kind_params(header.kind, {**params, **given}).items():
        if wanted != params[name]:
            raise UsageError(f"{path} holds a {role} with {name} = {params[name]}, not {wanted}; leave --{role}-set out")
    return header.kind, params


def _resolved_value(
    config: TrainConfig, found: Found, options: dict[str, Value], digests: dict[str, str], world: World
) -> TrainConfig:
    """Return `config` with everything filled in, for a method that learns a value by its own learner and no policy."""
    for given, what in ((config.policy, "policy"), (config.init, "init")):
        if given:
            raise UsageError(f"{found.method.name} learns a value from nothing; leave --{what} out")
    if config.value not in ("", "ntuple"):
        raise UsageError(f"{found.method.name} learns a value of kind ntuple, not {config.value}; leave --value out")
    value_params = kind_params("ntuple", {**AFTERSTATES, **config.value_params})
    make_learned(VALUE, "ntuple", split(world)[0](0), value_params)
    return replace(config, world=options, params=found.method.params, programs=digests, value="ntuple", value_params=value_params)


def _resolved_language(config: TrainConfig, path: Path, texts: Mapping[str, str]) -> TrainConfig:
    """Return `config` with everything filled in, for the small language model at `path`, which plays by ProAct's rules."""
    needs_learn()
    from planners.language.small.reinforcement import OPTIONS

    if config.policy not in ("", LANGUAGE) or config.policy_params:
        raise UsageError(f"{config.init} holds a language model; leave --policy and --policy-set out")
    config = replace(config, env=under_proact(config.env))
    module = method_module(config.method, texts.get("method"))
    own = {key: value for key, value in OPTIONS.items() if key not in getattr(module, "OPTIONS", {})}
    found = _found(config, {**own, **config.params}, texts)
    if found.method.learner is not None:
        raise UsageError(f"{found.method.name} learns a value from nothing; leave --init out")
    options = world_options(config.env, config.world, texts.get("env"))
    digests = digests_of(texts) | _levels(config.env, options)
    world = load_world(config.env, options, texts.get("env"))
    with explained(own_names(config)):
        check_needs(found, split(world)[0](0), config.env)
    value, value_params = "", {}
    if "value" in found.method.needs:
        value, preset = usual_kind(split(world)[0](0)) if not config.value else (config.value, {})
        value_params = kind_params(value, {**preset, **config.value_params})
    digests[INITIAL[POLICY]] = data_digest(path, POLICY)
    return replace(
        config, init=str(path.resolve()), world=options, params={**found.method.params, **found.options}, programs=digests,
        policy=LANGUAGE, value=value, value_params=value_params,
    )  # fmt: skip


def split(world: World) -> tuple[Callable[[int], Instance], Callable[[int], Instance], int]:
    """Return what gives training episode k its instance, what gives evaluation episode k its own, and how many the latter are.

    There are 0, any number, in worlds with an instance for every seed. In a collection of levels every fifth is held out; of fewer
    than five none is, and the same levels are played.
    """
    count = len(world)
    if not count:
        return (lambda k: world.instance(FIRST_SEED + k)), world.instance, 0
    held = list(range(HELD_OUT - 1, count, HELD_OUT)) or list(range(count))
    learned = [k for k in range(count) if k not in set(held)] or held
    return (lambda k: world.instance(learned[k % len(learned)])), (lambda k: world.instance(held[k % len(held)])), len(held)


def training_world(config: TrainConfig, texts: Mapping[str, str], run: RunDirectory | None = None) -> World:
    """Return the world of a resolved `config`, with the levels of which the `run`, if given, keeps a copy.

    Raises
    ------
    GameplanError
        If it cannot be made, or the copy is not what was recorded.
    """
    options = config.world
    if run is not None and LEVELS in config.programs:
        options = {**options, LEVELS: str(kept_data(run, LEVELS, str(options[LEVELS]), config.programs).resolve())}
    return load_world(config.env, options, texts.get("env"))


def load_train(config: TrainConfig, texts: Mapping[str, str], run: RunDirectory | None = None) -> tuple[World, Learner]:
    """Return the world and a learner at its beginning, for a resolved `config`; `texts` has the user's own programs.

    What the run started from, and its levels, are read from its own copies if the `run` is given.

    Raises
    ------
    GameplanError
        If something cannot be made.
    """
    world = training_world(config, texts, run)
    begin, _, _ = split(world)
    found = _found(config, config.params, texts)
    instance = begin(0)

    if found.method.learner is not None:
        made = found.method.learner(instance, config.value_params, found.method.params, config.seed)
        return world, checked_learner(found.method.name, made)

    def initial(role: str) -> Path:
        name = INITIAL[role]
        path = initial_path(config, role)
        if run is not None:
            path = run.copy_of(name, path)
        if data_digest(path, role) != config.programs[name]:
            raise GameplanError(f"{path} is not the {role} that the run started from (another digest); start anew")
        return path

    def learned(role: str, kind: str, params: dict[str, Value]) -> Learned:
        if INITIAL[role] not in config.programs:
            return make_learned(role, kind, instance, params)
        return load_learned(initial(role), role, instance)

    value = learned(VALUE, config.value, config.value_params) if config.value else None
    if config.policy == LANGUAGE:
        needs_learn()
        from planners.language.small.files import read_model
        from planners.language.small.reinforcement import LanguageTrainer

        return world, LanguageTrainer(found.method, read_model(initial(POLICY)), value, begin, found.options, config.seed)
    policy = learned(POLICY, config.policy, config.policy_params)
    return world, Trainer(found.method, policy, value, begin, found.options, config.seed)


def initial_path(config: TrainConfig, role: str) -> Path:
    """Return the file of what a run starts from; a value lies beside its policy."""
    return Path(config.init) if role == POLICY else Path(config.init).parent / NAMES[role]


def identity(config: TrainConfig) -> dict[str, Any]:
    """Return what makes a run this one: all but how long it goes on."""
    return {key: value for key, value in asdict(config).items() if key not in (*CHANGEABLE, "schema", "episodes")}


def saved_train(run: RunDirectory) -> TrainConfig:
    """Return the configuration of the training run in `run`.

    Raises
    ------
    UsageError
        If it is a run of another command.
    """
    return read_config(run, TRAINING_RUN, TrainConfig)


def resumed_train(run: RunDirectory, changes: Mapping[str, Any], trusted: bool = False) -> TrainConfig:
    """Return the configuration of the run in `run` with `changes`, which may only let it go on for longer.

    Raises
    ------
    UsageError
        If a change would make it another run, or a program in the directory is neither among them nor `trusted`.
    """
    saved = saved_train(run)
    for role, name in own_names(saved).items():
        if trusted:
            break
        again = (changes.get("params") or {}).get(TEACHER) if role == TEACHER else changes.get(role)
        again = None if again is None else expanded(_PLUGINS[role][0], str(again), _PLUGINS[role][1])
        if again is None or not is_program(again):
            raise UsageError(
                f"the run in {run.path} has a {KINDS[role]} of its own, {name}, which runs as you only if you name it again or "
                f"trust the run: gameplan train --resume {run.path} --trusted"
            )
        if digests_of({role: program_text(again, "file")})[role] != saved.programs.get(role):
            raise UsageError(f"{again} is not the file with which the run in {run.path} started; start anew")
    if saved.world.get(LEVELS) and saved.env in WORLDS and LEVELS not in saved.programs and not trusted:
        raise UsageError(
            f"the run in {run.path} keeps no copy of its levels, {saved.world[LEVELS]}, which is not read because a run directory "
            f"says so; if you trust the run: gameplan train --resume {run.path} --trusted"
        )
    for name, value in changes.items():
        before = getattr(saved, name)
        if name in saved.programs and name in _PLUGINS:
            value = expanded(_PLUGINS[name][0], str(value), _PLUGINS[name][1])
        if name in saved.programs and is_program(str(value)):
            continue
        if name == "world" and LEVELS in value and LEVELS in saved.programs:
            if data_digest(str(value[LEVELS]), LEVELS) != saved.programs[LEVELS]:
                raise UsageError(f"{value[LEVELS]} is not the file with which the run in {run.path} started; start anew")
            value = {key: given for key, given in value.items() if key != LEVELS}
        if name == "params" and TEACHER in saved.programs:  # its text was compared, or it is trusted
            value = {key: given for key, given in value.items() if key != TEACHER}
        other = differing(name, before, value)
        if name not in CHANGEABLE and other is not None:
            raise UsageError(
                f"the run in {run.path} has {other[0]} = {other[1]}, not {other[2]}; a resumed run keeps it: leave it out or start "
                "anew"
            )
    now = replace(saved, **{name: value for name, value in changes.items() if name in CHANGEABLE})
    _check_ends(now)
    return now


def kept_texts(config: TrainConfig, run: RunDirectory) -> dict[str, str]:
    """Return role -> text of the programs that the run keeps."""
    return kept_programs(run, {role: digest for role, digest in config.programs.items() if role in own_names(config)})


def default_name(config: TrainConfig) -> tuple[str, str, int]:
    """Return (world, method, seed) as they name a run's directory."""
    return short_name(config.env), short_name(config.method), config.seed
