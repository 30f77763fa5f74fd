"""The network: a decoder-only transformer in JAX, float32, with root-mean-square norms before its blocks and tied embeddings.

Parameters are a dictionary of arrays, those of the layers stacked along their first axis. Nothing here draws random numbers but
`initial`, and nothing is mutated.
"""

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

Parameters = dict[str, Any]
_TINY = 1e-6


class Size(NamedTuple):
    """Layers, width, heads, number of tokens, and longest text."""

    layers: int
    width: int
    heads: int
    tokens: int
    context: int


class Cache(NamedTuple):
    """Keys and values of the tokens so far: (layers, batch, heads, context, width of a head)."""

    keys: Any
    values: Any


def initial(size: Size, seed: int) -> dict[str, np.ndarray]:
    """Return parameters to begin with: normal, of deviation 0.02, the last map of every block less by the depth."""
    draw = np.random.Generator(np.random.PCG64([seed, 7]))
    deep = 0.02 / (2 * size.layers) ** 0.5

    def made(name: str, shape: tuple[int, ...]) -> np.ndarray:
        if name in ("norm", "norms"):
            return np.ones(shape, np.float32)
        return ((deep if name in ("joined", "narrowed") else 0.02) * draw.standard_normal(shape)).astype(np.float32)

    return {name: made(name, shape) for name, shape in shapes_of(size).items()}


def shapes_of(size: Size) -> dict[str, tuple[int, ...]]:
    """Return name -> shape of the parameters."""
    layers, wide = size.layers, size.width
    return {
        "embedding": (size.tokens, wide), "places": (size.context, wide), "norm": (wide,), "norms": (layers, 2, wide),
        "mixed": (layers, wide, 3 * wide), "joined": (layers, wide, wide), "widened": (layers, wide, 4 * wide),
        "narrowed": (layers, 4 * wide, wide),
    }  # fmt: skip


def count(parameters: Parameters) -> int:
    """Return the number of weights."""
    return sum(int(np.prod(array.shape)) for array in parameters.values())


def _normed(x: Any, gain: Any) -> Any:
    return x * gain * jax.lax.rsqrt(jnp.mean(x * x, axis=-1, keepdims=True) + _TINY)


def _layers(parameters: Parameters) -> dict[str, Any]:
    return {name: parameters[name] for name in ("norms", "mixed", "joined", "widened", "narrowed")}


def _split(x: Any, heads: int) -> tuple[Any, Any, Any]:
    """Return queries, keys, values (batch, heads, time, width of a head)."""
    batch, time, wide = x.shape
    parts = x.reshape(batch, time, 3, heads, wide // (3 * heads)).transpose(2, 0, 3, 1, 4)
    return parts[0], parts[1], parts[2]


def forward(parameters: Parameters, tokens: Any, heads: int) -> Any:
    """Return the logits (batch, time, tokens) of what comes next after each of `tokens` (batch, time)."""
    batch, time = tokens.shape
    x = parameters["embedding"][tokens] + parameters["places"][:time]
    hidden = jnp.where(jnp.tril(jnp.ones((time, time), bool)), 0.0, -1e9)

    def layer(x: Any, own: dict[str, Any]) -> tuple[Any, None]:
        q, k, v = _split(_normed(x, own["norms"][0]) @ own["mixed"], heads)
        weights = jax.nn.softmax(q @ k.swapaxes(-1, -2) / q.shape[-1] ** 0.5 + hidden, axis=-1)
        x = x + (weights @ v).transpose(0, 2, 1, 3).reshape(batch, time, -1) @ own["joined"]
        return x + jax.nn.gelu(_normed(x, own["norms"][1]) @ own["widened"]) @ own["narrowed"], None

    x, _ = jax.lax.scan(layer, x, _layers(parameters))
    return _normed(x, parameters["norm"]) @ parameters["embedding"].T


def empty_cache(size: Size, batch: int) -> Cache:
    """Return the cache before the first token."""
    shape = (size.layers, batch, size.heads, size.context, size.width // size.heads)
    return Cache(jnp.zeros(shape, jnp.float32), jnp.zeros(shape, jnp.float32))


def step(parameters: Parameters, cache: Cache, tokens: Any, place: Any, heads: int) -> tuple[Any, Cache]:
    """Return the logits (batch, tokens) after one more token (batch,) at `place`, and the cache with it."""
    x = (parameters["embedding"][tokens] + parameters["places"][place])[:, None]
    batch = x.shape[0]
    seen = jnp.where(jnp.arange(cache.keys.shape[3]) <= place, 0.0, -1e9)

    def layer(x: Any, own: Any) -> tuple[Any, Any]:
        weights, keys, values = own
        q, k, v = _split(_normed(x, weights["norms"][0]) @ weights["mixed"], heads)
        keys = jax.lax.dynamic_update_slice_in_dim(keys, k, place, axis=2)
        values = jax.lax.dynamic_update_slice_in_dim(values, v, place, axis=2)
        looked = jax.nn.softmax(q @ keys.swapaxes(-1, -2) / q.shape[-1] ** 0.5 + seen, axis=-1)
        x = x + (looked @ values).transpose(0, 2, 1, 3).reshape(batch, 1, -1) @ weights["joined"]
        x = x + jax.nn.gelu(_normed(x, weights["norms"][1]) @ weights["widened"]) @ weights["narrowed"]
        return x, (keys, values)

    x, (keys, values) = jax.lax.scan(layer, x, (_layers(parameters), cache.keys, cache.values))
    return (_normed(x, parameters["norm"]) @ parameters["embedding"].T)[:, 0], Cache(keys, values)
