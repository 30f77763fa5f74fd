"""Questions to models as they are logged, and what they have cost: functions of the log alone."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple, TypedDict

from workbench.discovery.books.records import OK, failed


class Call(TypedDict):
    """A row of the store's table llm_call: `request` is JSON; `status` is "ok", "ok:estimated" or "error:<failure>".

    Tokens are estimated where the server reports none, or a number that cannot be one. `cost` is by the price table, for answers
    from recordings too, so that a replayed run has the rows of the recorded one.
    """

    model: str
    request: str
    reply: str
    status: str
    tokens_in: int
    tokens_out: int
    cost: float


ESTIMATED = f"{OK}:estimated"
LARGEST = 10**9  # tokens of one answer, far beyond any model's


def believable(tokens: object) -> bool:
    """Return whether a server's number of tokens can be one; what cannot is estimated."""
    return type(tokens) is int and 0 <= tokens <= LARGEST


class Spent(NamedTuple):
    """What budgets count: questions (failed ones too), tokens in and out, and money."""

    calls: int = 0
    tokens: int = 0
    money: float = 0.0


def spent(calls: Iterable[Mapping[str, Any]]) -> Spent:
    """Return what the logged `calls` have used, the same in whatever order they came."""
    rows = list(calls)
    tokens = sum(row["tokens_in"] + row["tokens_out"] for row in rows)
    return Spent(len(rows), tokens, math.fsum(row["cost"] for row in rows))


def account(calls: Iterable[Mapping[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return for each model: ``calls``, ``tokens_in``, ``tokens_out``, ``cost``, ``estimated``, and ``failures`` by kind."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in calls:
        rows.setdefault(row["model"], []).append(row)
    return {
        model: {
            "calls": len(own),
            "tokens_in": sum(row["tokens_in"] for row in own),
            "tokens_out": sum(row["tokens_out"] for row in own),
            "cost": math.fsum(row["cost"] for row in own),
            "estimated": sum(row["status"] == ESTIMATED for row in own),
            "failures": dict(sorted(Counter(why.partition(" (")[0] for row in own if (why := failure(row))).items())),
        }
        for model, own in sorted(rows.items())
    }


def failure(call: Mapping[str, Any]) -> str:
    """Return why a call has no answer, such as "time-out"; an empty text if it has one."""
    return str(call["status"]).removeprefix(failed("")) if str(call["status"]).startswith(failed("")) else ""
