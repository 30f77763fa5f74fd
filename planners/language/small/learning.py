"""Learning a language from answers: cross-entropy of the tokens of answers (Adam with decoupled weight decay), epoch by epoch."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
import optax

from games.errors import GameplanError
from planners.language.small.network import Size, forward, initial
from planners.language.small.tokens import END, PAD, SAY, Vocabulary
from planners.learning.learner import Diverged

EVALUATIONS = 20  # on the held-out texts, over a run
NEAR = 16  # batches of texts drawn at random, among which those of like length are put together: less of a batch is filling


class Texts(NamedTuple):
    """Questions with answers as tokens: `rows` (texts, time) int32, filled up with PAD; `begins` (texts,): where answers begin."""

    rows: np.ndarray
    begins: np.ndarray


def encode_texts(vocabulary: Vocabulary, pairs: Sequence[tuple[str, str]], longest: int) -> Texts:
    """Return (question, answer) pairs as tokens.

    Raises
    ------
    GameplanError
        If one is longer than `longest` tokens.
    """
    made = [([*vocabulary.encode(question), SAY], [*vocabulary.encode(answer), END]) for question, answer in pairs]
    time = max((len(asked) + len(said) for asked, said in made), default=1)
    if time > longest:
        raise GameplanError(
            f"a question with its answer has {time} tokens; say --context {16 * -(-time // 16)} or make shorter chains"
        )
    rows = np.full((len(made), time), PAD, np.int32)
    for row, (asked, said) in zip(rows, made, strict=True):
        row[: len(asked) + len(said)] = asked + said
    return Texts(rows, np.array([len(asked) for asked, _ in made], np.int64))


def few_shapes(time: int, context: int) -> int:
    """Return how long rows of up to `time` tokens are made: every length is compiled anew, so there are few."""
    return min(16 * -(-time // 16), context)


class LanguageLearner:
    """A `planners.learning.learner.Learner` of a language model; an update is one batch.

    Equal seeds give equal batches, not equal bits: those depend on the machine and its threads.

    Parameters
    ----------
    size : Size
    texts, held : Texts
        What is learned, and what is held out: `figures` tell the loss of its answers twenty times.
    batch : int
        Texts of a batch.
    epochs : int
        Times that all texts are seen; over them the rate falls (cosine, after a warm-up of a twentieth).
    rate, decay : float
        The greatest rate, and the weight decay.
    """

    unit = "batches"

    def __init__(
        self, size: Size, texts: Texts, held: Texts, batch: int, epochs: int, rate: float, decay: float, seed: int
    ) -> None:  # fmt: skip
        self.size, self._texts, self._held = size, texts, held
        self._batch, self._seed = min(batch, len(texts.rows)), seed
        self.total = total = epochs * (len(texts.rows) // self._batch)
        self._lengths = (texts.rows != PAD).sum(axis=1)
        self.updates = self.environment_steps = self.expansions = 0
        self.tokens = 0
        warm = max(1, total // 20)
        schedule = optax.warmup_cosine_decay_schedule(0.0, rate, warm, max(total, warm + 1), 0.05 * rate)
        self._optimiser = optax.chain(optax.clip_by_global_norm(1.0), optax.adamw(schedule, 0.9, 0.95, 1e-8, weight_decay=decay))
        self.parameters: dict[str, Any] = {name: jnp.asarray(a) for name, a in initial(size, seed).items()}
        self._moments = self._optimiser.init(self.parameters)
        self._figures = dict.fromkeys(("loss", "gradient_norm", "validation_loss"), float("nan"))
        self._step = jax.jit(self._updated)
        self._judge = jax.jit(lambda parameters, rows, counted: _loss(parameters, rows, counted, size.heads))

    def advance(self) -> None:
        """See `planners.learning.learner.Learner`."""
        rows = self._rows()
        time = few_shapes(int(self._lengths[rows].max()), self.size.context)
        tokens = _wide(self._texts.rows[rows], time)
        counted = (np.arange(1, time) >= self._texts.begins[rows][:, None]) & (tokens[:, 1:] != PAD)
        parameters, moments, loss, norm = self._step(self.parameters, self._moments, tokens, counted.astype(np.float32))
        if not np.isfinite(float(loss)):
            raise Diverged(f"the loss of update {self.updates + 1} is {float(loss)}")
        self.parameters, self._moments = parameters, moments
        self.updates += 1
        self.tokens += int((tokens != PAD).sum())
        self._figures |= {"loss": float(loss), "gradient_norm": float(norm)}
        if self.judges(self.updates):
            self._figures["validation_loss"] = self.judged(self._held)

    def judges(self, update: int) -> bool:
        """Return whether the held-out texts are looked at after so many updates."""
        return update % max(1, self.total // EVALUATIONS) == 0 or update == self.total

    def judged(self, texts: Texts) -> float:
        """Return the mean loss of the tokens of answers in other texts."""
        if not len(texts.rows):
            return float("nan")
        total, number = 0.0, 0.0
        time = few_shapes(texts.rows.shape[1], self.size.context)
        for begin in range(0, len(texts.rows), self._batch):
            tokens = np.full((self._batch, time), PAD, np.int32)
            part = texts.rows[begin : begin + self._batch]
            tokens[: len(part), : part.shape[1]] = part
            begins = np.full(self._batch, time)
            begins[: len(part)] = texts.begins[begin : begin + self._batch]
            counted = (np.arange(1, time) >= begins[:, None]) & (tokens[:, 1:] != PAD)
            weight = float(counted.sum())
            total += weight * float(self._judge(self.parameters, tokens, counted.astype(np.float32)))
            number += weight
        return total / max(number, 1.0)

    def figures(self) -> dict[str, float]:
        """See `planners.learning.learner.Learner`."""
        return self._figures | {"tokens": float(self.tokens)}

    def state(self) -> dict[str, np.ndarray]:
        """See `planners.learning.learner.Learner`."""
        leaves = jax.tree_util.tree_leaves(self._moments)
        found = {f"parameter/{name}": np.asarray(array) for name, array in self.parameters.items()}
        found |= {f"moment/{k:03}": np.asarray(leaf) for k, leaf in enumerate(leaves)}
        return found | {"tokens": np.array([self.tokens]), "figures": np.array(list(self._figures.values()))}

    def restore(self, updates: int, arrays: dict[str, np.ndarray]) -> None:
        """See `planners.learning.learner.Learner`."""
        self.updates, self.tokens = updates, int(arrays["tokens"][0])
        self._figures = dict(zip(self._figures, arrays["figures"].tolist(), strict=True))
        self.parameters = {name: jnp.asarray(arrays[f"parameter/{name}"]) for name in self.parameters}
        leaves, form = jax.tree_util.tree_flatten(self._moments)
        kept = [jnp.asarray(arrays[f"moment/{k:03}"]).reshape(leaf.shape) for k, leaf in enumerate(leaves)]
        self._moments = jax.tree_util.tree_unflatten(form, kept)

    def learned(self) -> tuple[Any, ...]:
        """See `planners.learning.learner.Learner`; models have files of their own."""
        return ()

    def _rows(self) -> np.ndarray:
        """Return which texts the next batch has: every epoch goes through all in another order, texts of like length together."""
        a_epoch = len(self._texts.rows) // self._batch
        epoch, place = divmod(self.updates, a_epoch)
        order = np.random.Generator(np.random.PCG64([self._seed, epoch])).permutation(len(self._texts.rows))
        window = NEAR * self._batch
        begin = place * self._batch // window * window
        near = order[begin : min(begin + window, a_epoch * self._batch)]
        near = near[np.argsort(self._lengths[near], kind="stable")]
        return near[place * self._batch - begin :][: self._batch]

    def _updated(self, parameters: Any, moments: Any, tokens: Any, counted: Any) -> Any:
        loss, slopes = jax.value_and_grad(_loss)(parameters, tokens, counted, self.size.heads)
        changes, moments = self._optimiser.update(slopes, moments, parameters)
        return optax.apply_updates(parameters, changes), moments, loss, jnp.sqrt(sum((leaf**2).sum() for leaf in slopes.values()))


def _loss(parameters: Any, tokens: Any, counted: Any, heads: int) -> Any:
    logits = forward(parameters, tokens[:, :-1], heads)
    losses = optax.softmax_cross_entropy_with_integer_labels(logits, tokens[:, 1:])
    return (losses * counted).sum() / jnp.maximum(counted.sum(), 1.0)


def _wide(rows: np.ndarray, time: int) -> np.ndarray:
    """Return rows cut or filled up to so many tokens."""
    found = np.full((len(rows), time), PAD, np.int32)
    found[:, : rows.shape[1]] = rows[:, :time]
    return found
