"""What a run may still do. Questions to language models are counted by steps, so that any number of workers asks the same ones."""

import math
from collections.abc import Collection, Sequence
from typing import Any

from workbench.discovery.books.store import Step
from workbench.discovery.config import LANGUAGE, DiscoveryConfig
from workbench.discovery.operators.language.accounting import Spent

ASKING = ("calls", "tokens", "money")  # budgets of questions; when one is spent the run goes on without them


def asked(steps: Sequence[Step]) -> tuple[Spent, int]:
    """Return what the proposals of language models in `steps` have used, and how many there were."""
    own = [step.detail for step in steps if step.operator == LANGUAGE]
    tokens = sum(_number(d, "tokens_in") + _number(d, "tokens_out") for d in own)
    return Spent(
        int(sum(_number(d, "attempts") for d in own)), int(tokens), math.fsum(_number(d, "cost") for d in own)
    ), len(own)  # fmt: skip


def may_ask(config: DiscoveryConfig, steps: Sequence[Step], under_way: int) -> bool:
    """Return whether another step may ask a language model after `steps`, of which `under_way` more such steps are not known yet.

    Those count with all their attempts, and with the mean tokens and money of those before.
    """
    used, count = asked(steps)
    each = under_way / max(1, count)
    attempts = int(config.language.get("attempts", 1)) if config.language else 1
    return not (
        (config.calls is not None and used.calls + under_way * attempts >= config.calls)
        or (config.tokens is not None and used.tokens * (1.0 + each) >= config.tokens)
        or (config.money is not None and used.money * (1.0 + each) >= config.money)
    )


def may_propose(
    config: DiscoveryConfig, names: Sequence[str], steps: Sequence[Step], absorbed: int, under_way: Collection[str]
) -> list[str]:
    """Return which of the operators `names` may propose the next step; none if nothing more may be proposed.

    That depends on the first `absorbed` of `steps` only: those that are later, and the operators of those `under_way`, count as
    questions whose costs are not known yet.
    """
    if LANGUAGE not in names:
        return list(names)
    unknown = [step.operator for step in steps[absorbed:]] + list(under_way)
    if may_ask(config, steps[:absorbed], unknown.count(LANGUAGE)):
        return list(names)
    return [] if only_questions(config) else [name for name in names if name != LANGUAGE]


def only_questions(config: DiscoveryConfig) -> bool:
    """Return whether nothing but a budget of questions ends the run."""
    return config.evals is None and config.cpu_seconds is None and config.wall_seconds is None


def _number(detail: dict[str, Any], key: str) -> float:
    value = detail.get(key, 0)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value) else 0.0
