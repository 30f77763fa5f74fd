"""Sampling answers, many side by side: questions are read and answers drawn token by token, with a cache of keys and values."""

from collections.abc import Sequence
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from planners.language.small.network import Parameters, Size, empty_cache, step
from planners.language.small.tokens import END, PAD, SAY, Vocabulary


class Speaker:
    """A trained model that answers questions.

    Parameters
    ----------
    parameters : mapping
    size : Size
    vocabulary : Vocabulary
    batch : int
        Answers drawn side by side; more questions are answered in turn. One shape is compiled.
    """

    def __init__(self, parameters: Parameters, size: Size, vocabulary: Vocabulary, batch: int = 32) -> None:
        self.size, self.vocabulary, self.batch = size, vocabulary, batch
        self._parameters = {name: jnp.asarray(array) for name, array in parameters.items()}
        self._draw = jax.jit(partial(_draw, size=size))

    def answer(
        self, questions: Sequence[Sequence[int]], seeds: Sequence[int], temperature: float = 1.0, longest: int | None = None
    ) -> list[tuple[str, int]]:
        """Return text and number of tokens of an answer to each of `questions` (tokens, without marks).

        An answer is a function of question, seed and temperature, whatever else is answered beside it; at temperature 0 the
        likeliest token is taken. It ends with the context, or after `longest` tokens, if the model does not end it. A question that
        is too long loses its beginning.
        """
        found: list[tuple[str, int]] = []
        for begin in range(0, len(questions), self.batch):
            found += self._answered(
                questions[begin : begin + self.batch], seeds[begin : begin + self.batch], temperature, longest or self.size.context
            )
        return found

    def _answered(
        self, questions: Sequence[Sequence[int]], seeds: Sequence[int], temperature: float, longest: int
    ) -> list[tuple[str, int]]:
        context = self.size.context
        given = np.full((self.batch, context), PAD, np.int32)
        lengths = np.full(self.batch, 1, np.int32)
        given[:, 0] = SAY
        for row, question in enumerate(questions):
            asked = [*list(question)[-(context // 2 - 1) :], SAY]
            given[row, : len(asked)], lengths[row] = asked, len(asked)
        numbers = np.zeros(self.batch, np.uint32)
        numbers[: len(seeds)] = [seed % 2**32 for seed in seeds]
        ends = np.minimum(context, lengths + longest)
        ends[len(questions) :] = 1
        drawn = self._draw(self._parameters, given, lengths, ends, numbers, np.float32(temperature))
        rows = np.asarray(drawn)
        found = []
        for row in range(len(questions)):
            tokens = rows[row, lengths[row] : ends[row]].tolist()
            if END in tokens:
                tokens = tokens[: tokens.index(END) + 1]
            found.append((self.vocabulary.decode(tokens), len(tokens)))
        return found


def _draw(parameters: Any, given: Any, lengths: Any, ends: Any, seeds: Any, temperature: Any, *, size: Size) -> Any:
    """Return `given` (batch, context) with an answer behind every question; rows stop at END or at their `ends`."""
    keys = jax.vmap(jax.random.key)(seeds)

    def unfinished(carry: Any) -> Any:
        place, _, _, done = carry
        return (place + 1 < size.context) & ~done.all()

    def move(carry: Any) -> Any:
        place, tokens, cache, done = carry
        logits, cache = step(parameters, cache, tokens[:, place], place, size.heads)
        noise = jax.vmap(lambda key: jax.random.gumbel(jax.random.fold_in(key, place), logits.shape[1:]))(keys)
        logits = logits.at[:, PAD].set(-jnp.inf)
        drawn = jnp.argmax(logits + temperature * noise, axis=1).astype(tokens.dtype)
        reading = place + 1 < lengths
        new = jnp.where(reading, tokens[:, place + 1], jnp.where(done, PAD, drawn))
        done = done | (~reading & (new == END)) | (place + 2 >= ends)
        return place + 1, tokens.at[:, place + 1].set(new), cache, done

    start = (jnp.int32(0), given, empty_cache(size, given.shape[0]), ends <= 1)
    return jax.lax.while_loop(unfinished, move, start)[1]
