"""Learned policies and values in planner runs: which parameter of a planner names one, and what is known of its file."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from games.errors import UsageError
from games.modules import is_attribute, is_program
from games.params import Value
from games.world import Instance
from planners.catalogue import PLANNERS, planner_maker
from planners.policies.catalogue import POLICY, VALUE
from planners.policies.files import NAMES, is_symmetric, learned_path, load_learned, read_header

# The parameters of planners that name a file, by what is in it; a planner has at most one for each.
PARAMETERS = {POLICY: ("file", "prior", "learned"), VALUE: ("value", "evaluator")}
_PREFIXES = {"evaluator": "value:"}  # of the parameters that may say something else


def parameter(params: Mapping[str, Any], role: str) -> str | None:
    """Return the parameter among all `params` of a planner by which it is told of a learned policy or value (`role`)."""
    return next((name for name in PARAMETERS[role] if isinstance(params.get(name), str)), None)


def policy_params(planner: str, policy: str | None, temperature: float | None) -> dict[str, Value]:
    """Return the parameters by which `planner` uses a learned `policy`, a run of training or a file, at a `temperature`.

    Raises
    ------
    UsageError
        If the planner uses none, or there is no such policy.
    """
    if temperature is not None and planner != "policy":
        raise UsageError(f"--temperature is for --planner policy, which plays without search, not for {planner}; leave it out")
    params = {} if policy is None else params_of(planner, POLICY, policy)
    return params if temperature is None else {**params, "temperature": temperature}


def params_of(planner: str, role: str, name: str) -> dict[str, Value]:
    """Return the parameters by which `planner` uses a learned policy or value (`role`), the run of training or file `name`.

    Raises
    ------
    UsageError
        If the planner uses none, or there is no such file.
    """
    param = parameter(planner_maker(planner)[0].defaults, role)
    if param is None:
        raise UsageError(f"{planner} takes no learned {role}; planners that do: {', '.join(users(role))}")
    return {param: _PREFIXES.get(param, "") + str(learned_path(name, role).resolve())}


def is_function(name: str) -> bool:
    """Return whether `name` means a program with a function as a policy, rather than a run or a file of what was learned."""
    return name.endswith(".py") or is_attribute(name)


def takes(planner: str, role: str) -> bool:
    """Return whether `planner` uses a learned policy or value (`role`)."""
    return parameter(planner_maker(planner)[0].defaults, role) is not None


def users(role: str) -> list[str]:
    """Return the planners of the catalogue that use a learned policy or value (`role`)."""
    return [name for name in PLANNERS if takes(name, role)]


def learned_names(planner: str, params: Mapping[str, Any]) -> dict[str, str]:
    """Return role -> run or file of what the resolved `params` of a planner name."""
    found = {}
    for role in PARAMETERS:
        param = parameter(params, role) or ""
        value, prefix = str(params.get(param, "")), _PREFIXES.get(param, "")
        if len(value) > len(prefix) and value.startswith(prefix):
            name = value.removeprefix(prefix)
            file = Path(name) / NAMES[role]
            if not is_program(planner) or file.suffix == Path(name).suffix or file.is_file():  # one's own may mean something else
                found[role] = name
    return found


def renamed(params: Mapping[str, Value], paths: Mapping[str, str]) -> dict[str, Value]:
    """Return resolved `params` with other `paths` (role: path) of what they name."""
    found = dict(params)
    for role, path in paths.items():
        param = parameter(params, role) or ""
        found[param] = _PREFIXES.get(param, "") + path
    return found


def found_files(names: Mapping[str, str], instance: Instance) -> dict[str, str]:
    """Return role -> file of what is named in `names` (role: run or file), which is for the world of `instance`.

    Raises
    ------
    UsageError
        If there is none, or it is of another role or world.
    GameplanError
        If it is damaged.
    """
    found = {role: learned_path(name, role).resolve() for role, name in names.items()}
    for role, path in found.items():
        load_learned(path, role, instance)  # whole: what is damaged is said of the user's file, before a run begins or is replaced
    return {role: str(path) for role, path in found.items()}


def symmetry(files: Mapping[str, str], instance: Instance) -> str:
    """Return in words which of the `files` (role: path) are from the same game in other units than that of `instance`, or ""."""
    told = []
    for role, path in files.items():
        header = read_header(learned_path(path, role))
        if is_symmetric(header, instance):
            told.append(f"the {role} was trained in {header.world}, the same game with other tiles")
    return f"{' and '.join(told)}: a symmetry, not a generalisation" if told else ""
