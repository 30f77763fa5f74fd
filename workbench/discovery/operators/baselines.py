"""Baselines: what is left of the search when selection, the population or structure is taken away."""

import numpy as np

from workbench.discovery.books.records import Proposal
from workbench.discovery.operators.symbolic import MUTATIONS, WEIGHTS, grammar_of, no_grammar, vary
from workbench.discovery.population.view import View

_ALONE = {name: WEIGHTS[name] for name in MUTATIONS}  # what needs no second parent


class RandomSearch:
    """Mutates the seed only: no selection."""

    name = "random"
    slow = False

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return a mutated seed."""
        return _from_seed(view, rng, self.name, None)


class Independent:
    """Draws a fresh program each time: a seed after many mutations."""

    name = "iid"
    slow = False

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return a seed after four to twelve mutations."""
        return _from_seed(view, rng, self.name, int(rng.integers(4, 13)))


class Sequential:
    """Mutates the best program so far: hill climbing without a population."""

    name = "sequential"
    slow = False

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return the best program, mutated."""
        grammar = grammar_of(view.task)
        if grammar is None:
            return no_grammar(view, self.name)
        best = view.best()
        return vary(view, best.source, (best.id,), grammar, rng, self.name, _ALONE)


def _from_seed(view: View, rng: np.random.Generator, name: str, count: int | None) -> Proposal:
    grammar = grammar_of(view.task)
    if grammar is None:
        return no_grammar(view, name)
    seed = view.seeds[int(rng.integers(len(view.seeds)))]
    return vary(view, seed.source, (seed.id,), grammar, rng, name, _ALONE, count=count)
