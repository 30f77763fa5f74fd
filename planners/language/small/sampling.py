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

    Attributes
    ----------
    parameters : mapping
        They may be replaced between two calls.
    """

    def __init__(self, parameters: Parameters, size: Size, vocabulary: Vocabulary, batch: int = 32) -> None:
        self.size, self.vocabulary, self.batch = size, vocabulary, batch
        self.parameters: Parameters = {name: jnp.asarray(array) for name, array in parameters.items()}

    def fitted(self, count: int) -> "Speaker":
        """Return a speaker for `count` questions: this one unless it is too small for them or four times too large.

        What is left of a batch costs as much as a full one, and another shape is compiled anew.
        """
        if count <= self.batch < 4 * count:
            return self
        return Speaker(self.parameters, self.size, self.vocabulary, count)

    def answer(
        self, questions: Sequence[Sequence[int]], seeds: Sequence[int], temperature: float = 1.0, longest: int | None = None
    ) -> list[tuple[str, int]]:
        """Return text and number of tokens of an answer to each of `questions` (tokens, without marks).

        An answer is a function of question, seed and temperature, whatever else is answered beside it; at temperature 0 the
        likeliest token is taken. It ends with the context, or after `longest` tokens, if the model does not end it. A question that
        is too long loses its beginning.
        """
        drawn = self.tokens(questions, seeds, temperature, longest)
        return [(self.vocabulary.decode(tokens), len(tokens)) for tokens in drawn]

    def tokens(
        self, questions: Sequence[Sequence[int]], seeds: Sequence[int], temperature: float = 1.0, longest: int | None = None
    ) -> list[list[int]]:
        """Return what `answer` says as tokens, with the mark of its end if it has one."""
        found: list[list[int]] = []
        for begin in range(0, len(questions), self.batch):
            found += self._drawn(
                questions[begin : begin + self.batch], seeds[begin : begin + self.batch], temperature, longest or self.size.context
            )
        return found

    def asked(self, question: Sequence[int]) -> list[int]:
        """Return the tokens of a question as the model is shown it: not too many of them, and the mark that it is to answer."""
        return [*list(question)[-(self.size.context // 2 - 1) :], SAY]

    def _drawn(self, questions: Sequence[Sequence[int]], seeds: Sequence[int], temperature: float, longest: int) -> list[list[int]]:
        context = self.size.context
        given = np.full((self.batch, context), PAD, np.int32)
        lengths = np.full(self.batch, 1, np.int32)
        given[:, 0] = SAY
        for row, question in enumerate(questions):
            asked = self.asked(question)
            given[row, : len(asked)], lengths[row] = asked, len(asked)
        numbers = np.zeros(self.batch, np.uint32)
        numbers[: len(seeds)] = [seed % 2**32 for seed in seeds]
        ends = np.minimum(context, lengths + longest)
        ends[len(questions) :] = 1
        rows = np.asarray(_draw(self.parameters, given, lengths, ends, numbers, np.float32(temperature), size=self.size))
        found = []
        for row in range(len(questions)):
            tokens = rows[row, lengths[row] : ends[row]].tolist()
            found.append(tokens[: tokens.index(END) + 1] if END in tokens else tokens)
        return found


@partial(jax.jit, static_argnames="size")
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
