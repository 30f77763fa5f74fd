"""Log-probabilities of tokens and their slopes in the weights, piece by piece, and the step of Adam along them."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from planners.language.small.learning import Texts, few_shapes
from planners.language.small.network import forward
from planners.language.small.tokens import PAD

OPTIMISER = optax.chain(optax.clip_by_global_norm(1.0), optax.scale_by_adam())
PIECE = 32  # answers that are looked at in one call


def token_logs(parameters: Any, rows: Any, heads: int) -> Any:
    """Return the log-probability (rows, time - 1) of every token after the first; filling is never drawn."""
    logits = forward(parameters, rows[:, :-1], heads)
    logits = logits.at[:, :, PAD].set(-1e9)
    found = jnp.take_along_axis(jax.nn.log_softmax(logits, axis=-1), rows[:, 1:, None], axis=-1)[:, :, 0]
    return jnp.where(rows[:, 1:] == PAD, 0.0, found)


logs_of = jax.jit(token_logs, static_argnums=2)


@partial(jax.jit, static_argnums=4)
def added_slopes(total: Any, parameters: Any, rows: Any, rates: Any, heads: int) -> Any:
    """Return `total` and the slopes of ``sum rates log p(token)``."""
    slopes = jax.grad(lambda parameters: (rates * token_logs(parameters, rows, heads)).sum())(parameters)
    return jax.tree.map(jnp.add, total, slopes)


@jax.jit
def ascended(parameters: Any, moments: Any, slopes: Any, rate: Any) -> Any:
    """Return parameters and moments after a step of Adam along `slopes`, and their norm."""
    norm = jnp.sqrt(sum((leaf**2).sum() for leaf in slopes.values()))
    changes, moments = OPTIMISER.update(slopes, moments)
    return jax.tree.map(lambda p, change: p + rate * change, parameters, changes), moments, norm


def rows_of(pairs: list[tuple[list[int], list[int]]], context: int) -> Texts:
    """Return (question, answer) tokens as rows, none longer than `context`."""
    time = few_shapes(max(len(asked) + len(said) for asked, said in pairs), context)
    rows = np.full((len(pairs), time), PAD, np.int32)
    for row, (asked, said) in zip(rows, pairs, strict=True):
        row[: len(asked) + len(said)] = asked + said
    return Texts(rows, np.array([len(asked) for asked, _ in pairs], np.int64))


def answered(texts: Texts) -> np.ndarray:
    """Return which of the tokens after the first (texts, time - 1) are of answers."""
    found: np.ndarray = (np.arange(1, texts.rows.shape[1]) >= texts.begins[:, None]) & (texts.rows[:, 1:] != PAD)
    return found


def pieces(count: int, which: np.ndarray | None) -> list[np.ndarray]:
    """Return the numbers of `count` rows, or of those among `which`, `PIECE` at a time."""
    found = np.arange(count) if which is None else np.flatnonzero(which)
    return [found[begin : begin + PIECE] for begin in range(0, len(found), PIECE)]


def filled(rows: np.ndarray) -> np.ndarray:
    """Return rows with as many of zeros behind them (filling, or no rate) as a piece has."""
    return np.concatenate([rows, np.zeros((PIECE - len(rows), rows.shape[1]), rows.dtype)])
