"""The symbolic operator: mutations of syntax trees. It needs no network and is a function of the run and its seed."""

import ast
from collections.abc import Callable, Mapping

import numpy as np

from workbench.discovery.books.records import Proposal, rejected
from workbench.discovery.genome.canonical import canonical, count_nodes
from workbench.discovery.genome.draft import Draft, opened_source
from workbench.discovery.genome.grammar import Grammar
from workbench.discovery.operators import mutations, splicing
from workbench.discovery.population.view import View
from workbench.discovery.task import Task

Mutation = Callable[[Draft, np.random.Generator], str | None]
MUTATIONS: dict[str, Mutation] = {
    "replace": mutations.replace_subtree,
    "point": mutations.point,
    "hoist": mutations.hoist,
    "wrap": mutations.wrap,
    "insert": mutations.insert_term,
    "delete": mutations.delete,
    "jitter": mutations.jitter,
    "remember": mutations.remember,
    "idiom": splicing.splice,
}
WEIGHTS: Mapping[str, float] = {
    "replace": 1.5,
    "point": 1.5,
    "hoist": 0.5,
    "wrap": 1.5,
    "insert": 1.5,
    "delete": 1.0,
    "jitter": 3.0,
    "remember": 0.5,
    "idiom": 3.0,
    "part": 1.0,
    "expression": 0.5,
}
ATTEMPTS = 30


def grammar_of(task: Task) -> Grammar | None:
    """Return the grammar of a task, which may have none."""
    return getattr(task, "grammar", None)


def no_grammar(view: View, operator: str) -> Proposal:
    """Return the proposal that there is none, because the task says nothing of its expressions."""
    return Proposal("", operator, status=rejected("no-grammar"), reason=f"the task {view.task.name} has no grammar")


def mutate(
    source: str,
    grammar: Grammar,
    rng: np.random.Generator,
    count: int,
    others: Callable[[], str] | None = None,
    weights: Mapping[str, float] = WEIGHTS,
) -> tuple[str, list[str]]:
    """Return the program after `count` mutations and what they did; `others` draws a second parent."""
    draft = Draft(source, grammar)
    names = [name for name in weights if others is not None or name in MUTATIONS]
    shares = np.array([weights[name] for name in names])
    done: list[str] = []
    for _ in range(8 * count):
        name = names[int(rng.choice(len(names), p=shares / shares.sum()))]
        if name in MUTATIONS:
            what = MUTATIONS[name](draft, rng)
        else:
            assert others is not None
            take = splicing.take_function if name == "part" else splicing.take_expression
            what = take(draft, others(), rng)
        if what is not None:
            done.append(f"{name}: {what}")
            if len(done) == count:
                break
    return draft.source(), done


class Symbolic:
    """Mutates a parent once, sometimes twice or three times.

    Parameters
    ----------
    weights : mapping
        How often each mutation is drawn, relative to the others.
    pressure : float
        With up to this probability a program that became larger is drawn again: mild pressure towards short programs.
    count : int, optional
        Number of mutations; None draws it.
    """

    name = "symbolic"
    slow = False

    def __init__(self, weights: Mapping[str, float] = WEIGHTS, pressure: float = 0.3, count: int | None = None) -> None:
        self.weights = weights
        self.pressure = pressure
        self.count = count

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return a mutated parent."""
        grammar = grammar_of(view.task)
        if grammar is None:
            return no_grammar(view, self.name)
        parent = view.parent(rng)
        return vary(view, parent.source, (parent.id,), grammar, rng, self.name, self.weights, self.pressure, self.count)


def vary(
    view: View,
    source: str,
    parents: tuple[str, ...],
    grammar: Grammar,
    rng: np.random.Generator,
    operator: str,
    weights: Mapping[str, float] = WEIGHTS,
    pressure: float = 0.0,
    count: int | None = None,
) -> Proposal:
    """Return a proposal: `source` after mutations, checked, and different from before."""
    unchanged = canonical(source, grammar.functions)
    opened = opened_source(source, grammar)
    before = count_nodes(ast.parse(opened))
    drawn: list[str] = []

    def other() -> str:
        member = view.parent(rng)
        drawn.append(member.id)
        return member.source

    faults = ["every mutation left the program as it was"]
    for _ in range(ATTEMPTS):
        drawn.clear()
        number = count if count is not None else 1 + int(rng.choice(3, p=(0.6, 0.3, 0.1)))
        made, what = mutate(source, grammar, rng, number, other, weights)
        if not what or made in (unchanged, opened):
            continue
        after = count_nodes(ast.parse(made))
        larger = after - before
        if after > max(grammar.size_limit, before) or (larger > 0 and rng.random() < pressure * min(1.0, larger / 20.0)):
            continue
        found = view.task.problems(made)
        if found:
            faults = found
            continue
        detail = {"mutations": what}
        return Proposal(made, operator, tuple(dict.fromkeys((*parents, *drawn))), detail)
    return Proposal("", operator, parents, status=rejected("unchanged"), reason=faults[0])
