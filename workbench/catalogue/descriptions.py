"""What is told of everything that can be run: title, reference, parameters, and the documentation of its module."""

import importlib
from typing import Any

from games.modules import is_file, located
from planners.catalogue import PLANNERS, planner_maker, planner_params
from planners.catalogue import Entry as PlannerEntry
from workbench.catalogue.algorithms import Algorithm, find_algorithm
from workbench.catalogue.entries import Entry
from workbench.catalogue.families import ALGORITHMS, Request
from workbench.catalogue.sources import ALGORITHM, read_source


def describe(name: str) -> dict[str, Any]:
    """Return name, title, reference, parameters with defaults, memory and doc of an algorithm or a rule file.

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
        "form": family.name,
        "params": algorithm.params,
        "iterations": family.iterations,
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
    from planners.learning.catalogue import find_method, method_module
    from planners.learning.method import CHOICES

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
        "choices": CHOICES,
        "doc": doc,
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
        "doc": doc,
    }
