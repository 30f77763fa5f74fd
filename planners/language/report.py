"""What a run says about its language model: how much of what it answered could be used."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

DEGRADED = 0.01  # share of unusable answers above which a run is no result of a language model


def language_record(costs: Sequence[Mapping[str, int]], reports: Sequence[Mapping[str, int]]) -> dict[str, Any] | None:
    """Return the record of a run's questions, None if there were none.

    Parameters
    ----------
    costs : sequence of mappings
        The counters of every episode by name (`planners.budget.COUNTERS`).
    reports : sequence of mappings
        What the planner reported of every episode, such as `LanguagePlanner.report`; counts are summed.

    Returns
    -------
    dict
        ``questions``, ``unusable`` answers (none came, or none that could be read), their ``share``, whether the run is
        ``degraded``, tokens in and out a question, and the summed reports.
    """
    total: Counter[str] = Counter()
    for cost in costs:
        total.update({name: cost[name] for name in ("questions", "fallbacks", "tokens_in", "tokens_out")})
    questions = total["questions"]
    if not questions:
        return None
    counts: Counter[str] = Counter()
    for report in reports:
        counts.update(report)
    share = total["fallbacks"] / questions
    return {
        "questions": questions,
        "unusable": total["fallbacks"],
        "share": share,
        "degraded": share > DEGRADED,
        "tokens_in_per_question": total["tokens_in"] / questions,
        "tokens_out_per_question": total["tokens_out"] / questions,
        **counts,
    }
