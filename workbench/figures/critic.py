"""Bias and variance of the Monte-Carlo critic against M, T and gamma: the numbers, and the figure."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from games.world import Instance, World
from planners.critic.monte_carlo import Critic, action_values, make_critic
from workbench.figures.frame import Look, check_format, fit_axes, legend_below, panels_of, save_figure
from workbench.figures.style import COLOURS, MARKERS, QUIET

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
    path: Path | None,
    *,
    length: int = 0,
    gamma: float = 0.0,
    policy: str = "all",
    seed: int = 0,
    look: Look | None = None,
) -> Figure:
    """Return the figure of bias and standard error at `state` against T, M and gamma.

    It is written to `path` (PNG, SVG or PDF by its suffix), unless that is None.

    The first panel varies T at the given gamma, the second M at the given T and gamma, the third gamma at the given T.
    """
    if path is not None:
        check_format(path.suffix)
    own = make_critic(instance.model, 1, length, gamma, policy)
    length, gamma = own.steps, own.discount
    by_length = measure(instance.model, [state], gammas=(gamma,), counts=(100,), policy=policy, seed=seed)
    by_count = measure(instance.model, [state], gammas=(gamma,), lengths=(length,), policy=policy, seed=seed)
    by_gamma = measure(instance.model, [state], gammas=GAMMAS, lengths=(length,), counts=(100,), policy=policy, seed=seed)
    look = look or Look(title=f"{world.name} {instance.name}: the Monte-Carlo critic")
    with look.context():
        figure, panels = panels_of(3, look)
        for axes, rows, name, title, across in (
            (panels.flat[0], by_length, "length", f"M = 100, gamma = {gamma:g}", "T, steps of a rollout"),
            (panels.flat[1], by_count, "rollouts", f"T = {length}, gamma = {gamma:g}", "M, rollouts"),
            (panels.flat[2], by_gamma, "gamma", f"M = 100, T = {length}", "gamma, discount"),
        ):
            x = [getattr(row, name) for row in rows]
            for place, (measured, label) in enumerate((("bias", f"bias against T = {LONG}"), ("error", "standard error"))):
                y = [getattr(row, measured) for row in rows]
                axes.plot(x, y, color=COLOURS[place], marker=MARKERS[place], markersize=2.6, linewidth=1.0, label=label)
            axes.plot(x, [row.gap for row in rows], linestyle="--", linewidth=0.8, color=QUIET, label="best action over the second")
            if name != "gamma":
                axes.set_xscale("log")
            axes.set_title(title)
            axes.set_xlabel(across)
            fit_axes(axes, look)
        for line in panels:
            line[0].set_ylabel("units of the world's rewards")
        handles, labels = panels.flat[0].get_legend_handles_labels()
        legend_below(figure, dict(zip(labels, handles, strict=True)), look.font_size)
        return save_figure(figure, path)
