"""What is told of everything that can be run: title, reference, parameters with a sentence each, and what its module says."""

import importlib
import re
from typing import Any

from games.modules import is_file, located
from games.sentences import sentences, without_sentences
from planners.catalogue import PLANNERS, planner_maker, planner_params
from planners.catalogue import Entry as PlannerEntry
from solvers.psro.catalogue import SOLVERS
from workbench.catalogue.algorithms import Algorithm, find_algorithm
from workbench.catalogue.entries import Entry
from workbench.catalogue.families import ALGORITHMS, Request, find_meta_solver
from workbench.catalogue.naming import POLICY, TASK, what_is
from workbench.catalogue.shipped import TASKS
from workbench.catalogue.sources import ALGORITHM, META_SOLVER, METHOD, PLANNER, read_source


def describe_any(name: str) -> dict[str, Any]:
    """Return what is told of `name`, whichever kind of thing to run it is.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    kinds = [meaning.kind for meaning in what_is(name)]
    told = {
        PLANNER: describe_planner, METHOD: describe_method, ALGORITHM: describe, META_SOLVER: describe_meta_solver,
        POLICY: describe_policy, TASK: describe_task,
    }  # fmt: skip
    return next((function(name) for kind, function in told.items() if kind in kinds), None) or describe(name)


def describe(name: str) -> dict[str, Any]:
    """Return name, title, reference, definition, parameters with defaults, memory and doc of an algorithm or a rule file.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    algorithm = _exported(name) or find_algorithm(name, {})
    family, program = algorithm.family, algorithm.program
    entry = ALGORITHMS.get(name, Entry("", getattr(program, "summary", ""), f"file {name}"))
    return {
        "name": name,
        "title": entry.title,
        "reference": entry.reference,
        "definition": entry.definition,
        "form": family.name,
        "params": algorithm.params,
        "iterations": family.iterations,
        "iterate": algorithm.iterate,
        "parameters": family.parameters,
        **algorithm.told(),
    }


def _exported(name: str) -> Algorithm | None:
    """Return what can be said of a file that a discovery wrote without running it; None for anything else."""
    name = located(name)
    if not is_file(name):
        return None
    from workbench.runs.programs import is_marked
    from workbench.solving.isolated import isolated_algorithm

    source = read_source(name, ALGORITHM)
    if not is_marked(source.text):
        return None
    return isolated_algorithm(Request(name, {}, sources={"algo": source}), game="", max_histories=0)


def describe_method(name: str) -> dict[str, Any]:
    """Return name, title, reference, parameters and options of the trainer with their defaults, and doc of a method of learning.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    from planners.learning import method
    from planners.learning.catalogue import find_method, method_module

    found, module = find_method(name), method_module(name)
    doc = (module.__doc__ or "").strip()
    return {
        "name": name,
        "title": getattr(module, "TITLE", "") or next(iter(doc.splitlines()), "a method of your own"),
        "reference": getattr(module, "REFERENCE", ""),
        "form": "method",
        "sampling": found.method.sampling,
        "needs": list(found.method.needs),
        "params": {**found.method.params, **found.options},
        "choices": {**method.CHOICES, **getattr(module, "CHOICES", {})},
        "sentences": {**sentences(method.__doc__), **sentences(doc)},
        "doc": without_sentences(doc),
    }


def describe_planner(name: str) -> dict[str, Any]:
    """Return name, title, reference, parameters with defaults and doc of a planner.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    params = planner_params(name)
    maker, program = planner_maker(name)
    module = program.module if program is not None else importlib.import_module(PLANNERS[name].module)
    doc = (module.__doc__ or "").strip()
    own = PlannerEntry("", {}, next(iter(doc.splitlines()), "a planner of your own"), f"file {name}")
    entry = PLANNERS.get(name, own)
    return {
        "name": name,
        "title": entry.title,
        "reference": entry.reference,
        "form": "planner",
        "params": params,
        "choices": maker.choices,
        "sentences": sentences(doc),
        "doc": without_sentences(doc),
    }


def describe_meta_solver(name: str) -> dict[str, Any]:
    """Return name, title, parameters of both roles with defaults and doc of a meta-strategy solver of PSRO.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    solvers = [find_meta_solver(name, role, {}) for role in ("train", "eval")]
    doc = solvers[0].doc
    title = SOLVERS[name][1] if name in SOLVERS else next(iter(doc.strip().splitlines()), "a solver of your own")
    cited = re.search(r"\(([^()]*\b\d{4}\b[^()]*)\)\.?$", title)
    return {
        "name": name,
        "title": title[: cited.start()].strip() if cited else title,
        "reference": cited[1] if cited else "",
        "form": META_SOLVER,
        "params": {f"{solver.role}.{key}": value for solver in solvers for key, value in solver.params.items()},
        "choices": {},
        "sentences": {f"{s.role}.{key}": text for s in solvers for key, text in sentences(s.doc).items() if key in s.params},
        "doc": without_sentences(doc),
    }


def describe_policy(name: str) -> dict[str, Any]:
    """Return name, title, parameters with defaults and doc of a kind of policies and values.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    from planners.policies.catalogue import KINDS, kind_module

    module = kind_module(name)
    return {
        "name": name,
        "title": KINDS[name].title,
        "reference": "",
        "form": POLICY,
        "params": module.PARAMS,
        "choices": getattr(module, "CHOICES", {}),
        "sentences": sentences(module.__doc__),
        "doc": without_sentences(module.__doc__),
    }


def describe_task(name: str) -> dict[str, Any]:
    """Return name, title, settings of a discovery with defaults, and doc of a task of evolution.

    Raises
    ------
    UsageError
        For an unknown name.
    """
    from workbench.discovery import config
    from workbench.discovery.operators.language import settings
    from workbench.discovery.task import find_task

    task = find_task(name)
    doc = importlib.import_module(type(task).__module__).__doc__
    language = {f"{config.LANGUAGE}.{key}": value for key, value in settings.PARAMS.items()}
    said = {f"{config.LANGUAGE}.{key}": text for key, text in sentences(settings.__doc__).items()}
    return {
        "name": name,
        "title": TASKS.get(name, "a task of your own"),
        "reference": "",
        "form": TASK,
        "train": list(task.train),
        "held_out": list(task.held_out),
        "measure": task.measure,
        "params": config.defaults() | {"horizon": task.horizon} | language,
        "choices": {**config.CHOICES, **{f"{config.LANGUAGE}.{key}": legal for key, legal in settings.CHOICES.items()}},
        "sentences": {**sentences(config.__doc__), **said},
        "doc": without_sentences(doc),
    }
