"""The operators of a run, ready to be asked."""

from workbench.discovery.books.store import Store
from workbench.discovery.config import LANGUAGE, DiscoveryConfig
from workbench.discovery.operators.catalogue import make_operator
from workbench.discovery.population.view import Operator

PROMPTS = "prompts"  # the folder of a run with its editable prompt templates


def open_operators(store: Store, config: DiscoveryConfig) -> dict[str, Operator]:
    """Return the operators that the configuration names; language models write to the store what they were asked and answered."""
    made: dict[str, Operator] = {}
    for name in config.operators:
        if name != LANGUAGE:
            made[name] = make_operator(name)
            continue
        from workbench.discovery.operators.language.operator import make

        made[name] = make(config.language, record=store.add_call, recall=store.call, templates=store.path / PROMPTS)
    return made
