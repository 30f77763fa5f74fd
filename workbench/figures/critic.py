"""Bias and variance of the Monte-Carlo critic against M, T and gamma: the numbers, and the figure."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from games.files import write_output
from games.world import Instance, World
from planners.critic.monte_carlo import Critic, action_values, make_critic

LENGTHS, COUNTS = (1, 2, 5, 10, 20, 50, 100, 200), (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
GAMMAS = (0.8, 0.9, 0.95, 0.99, 1.0)
REFERENCE = 4000  # rollouts behind each reference value
LONG = 1000  # steps T of the reference


@dataclass(frozen=True)
class Row:
    """One setting of the critic, averaged over actions and states.

    `bias` is the root mean square of the difference from the reference (the same gamma, T = `LONG`), `error` the standard error of
    a value at this M (root mean square over actions), `deviation` that of one rollout, `gap` the mean difference between best and
    second-best action, and `agreement` the share of estimates at this M whose best action is that of the reference.
    """

    gamma: float
    length: int
    rollouts: int
    bias: float
    error: float
    deviation: float
    gap: float
    agreement: float


def measure(
    model: Any,
    states: Sequence[np.ndarray],
    *,
    gammas: Sequence[float] = (0.9,),
    lengths: Sequence[int] = LENGTHS,
    counts: Sequence[int] = COUNTS,
    policy: str = "all",
    reference: int = REFERENCE,
    seed: int = 0,
    threads: int = 1,
) -> list[Row]:
    """Return a row for every gamma, T and M at the `states`.

    Estimates at M are the means of consecutive blocks of M of the `reference` rollouts at (gamma, T); the reference values come
    from rollouts of their own, with the same gamma and T = `LONG`.
    """
    rows = []
    for gamma in gammas:
        truths = [
            action_values(make_critic(model, reference, LONG, gamma, policy), model, state, seed + 1, threads=threads)
            for state in states
        ]
        order = [np.sort(t.values)[::-1] for t in truths]
        gap = float(np.mean([v[0] - v[1] for v in order if len(v) > 1])) if any(len(v) > 1 for v in order) else float("nan")
        for length in lengths:
            critic: Critic = make_critic(model, reference, length, gamma, policy)
            found = [action_values(critic, model, state, seed, threads=threads) for state in states]
            noise = np.concatenate([f.errors**2 + t.errors**2 for f, t in zip(found, truths, strict=True)])
            off = np.concatenate([f.values - t.values for f, t in zip(found, truths, strict=True)])
            bias = float(np.sqrt(max(0.0, np.mean(off**2) - np.mean(noise))))  # what sampling adds to the square is known
            deviation = float(np.sqrt(np.mean(np.concatenate([f.spreads**2 for f in found]))))
            for m in (n for n in counts if n <= reference):
                same = [
                    np.mean(_blocks(f.returns, m).argmax(axis=0) == t.values.argmax()) for f, t in zip(found, truths, strict=True)
                ]
                rows.append(Row(gamma, length, m, bias, deviation / m**0.5, deviation, gap, float(np.mean(same))))
    return rows


def _blocks(returns: np.ndarray, m: int) -> np.ndarray:
    """Return the means (actions, blocks) of consecutive blocks of `m` rollouts."""
    blocks = returns.shape[1] // m
    means: np.ndarray = returns[:, : blocks * m].reshape(len(returns), blocks, m).mean(axis=2)
    return means


def draw_critic(
    world: World,
    instance: Instance,
    state: np.ndarray,
    path: Path,
    *,
    length: int = 0,
    gamma: float = 0.0,
    policy: str = "all",
    seed: int = 0,
) -> list[Row]:
    """Draw bias and standard error at `state` against T, M and gamma to the figure `path`; return the numbers.

    The first panel varies T at the given gamma, the second M at the given T and gamma, the third gamma at the given T.
    """
    from matplotlib.figure import Figure

    from workbench.figures.convergence import check_format

    check_format(path.suffix)
    own = make_critic(instance.model, 1, length, gamma, policy)
    length, gamma = own.steps, own.discount
    by_length = measure(instance.model, [state], gammas=(gamma,), counts=(100,), policy=policy, seed=seed)
    by_count = measure(instance.model, [state], gammas=(gamma,), lengths=(length,), policy=policy, seed=seed)
    by_gamma = measure(instance.model, [state], gammas=GAMMAS, lengths=(length,), counts=(100,), policy=policy, seed=seed)
    figure = Figure(figsize=(11, 3.6), layout="constrained")
    panels = figure.subplots(1, 3)
    for axes, rows, name, title in (
        (panels[0], by_length, "length", f"rollouts of T steps (M = 100, gamma {gamma:g})"),
        (panels[1], by_count, "rollouts", f"M rollouts (T = {length}, gamma {gamma:g})"),
        (panels[2], by_gamma, "gamma", f"discount gamma (T = {length}, M = 100)"),
    ):
        x = [getattr(row, name) for row in rows]
        axes.plot(x, [row.bias for row in rows], marker="o", markersize=3, label=f"bias against T = {LONG}")
        axes.plot(x, [row.error for row in rows], marker="s", markersize=3, label="standard error")
        axes.plot(x, [row.gap for row in rows], linestyle="--", color="0.5", label="best action over the second")
        if name != "gamma":
            axes.set_xscale("log")
        axes.set_title(title, fontsize=9)
        axes.set_xlabel({"length": "T", "rollouts": "M", "gamma": "gamma"}[name])
        axes.grid(alpha=0.3)
    panels[0].set_ylabel("units of the world's rewards")
    panels[0].legend(fontsize=8)
    figure.suptitle(f"{world.name} {instance.name}: the Monte-Carlo critic", fontsize=10)
    drawn = io.BytesIO()
    figure.savefig(drawn, format=path.suffix[1:], dpi=150)
    write_output(path, drawn.getvalue(), "--figure")
    return by_length + by_count + by_gamma
