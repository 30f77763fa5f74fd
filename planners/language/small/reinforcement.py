"""Learning from play with answers: the methods of `planners.learning` on a small language model, token by token.

loss = sum over answers i and their tokens j of w_ij l(rho_ij, A_i),   rho_ij = p_new(token) / p_old(token)

A row of a batch is an answer, and what a method says of it holds for all its tokens: the advantage, whether it counts, and the
surrogate l (PPO's clipped one by default); the normaliser w goes over tokens, as if they were rows. Answers are drawn by the very
weights that an update begins with, at temperature 1, so ProAct's correction for answers of older weights is 1. An answer in the
wrong format is an action of its own. Source: ProAct, arXiv 2602.05327.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.params import Value
from games.process import unlisted
from games.random import stream
from games.world import Instance
from planners.episode import options as look
from planners.episode import step
from planners.language.small.files import Model
from planners.language.small.gradients import (
    OPTIMISER,
    added_slopes,
    answered,
    ascended,
    filled,
    logs_of,
    pieces,
    rows_of,
)
from planners.language.small.learning import Texts
from planners.language.small.play import asked_in, word_in
from planners.language.small.sampling import Speaker
from planners.language.speech import Speech
from planners.learning.batch import Batch
from planners.learning.collecting import Played
from planners.learning.learner import Diverged
from planners.learning.method import Method, row_weights
from planners.learning.questions import Questions
from planners.learning.trainer import Trainer
from planners.policies.catalogue import Learned

# What differs from the trainer's defaults where a method says nothing else. ProAct takes a rate of 1e-6 for large models.
OPTIONS: dict[str, Value] = {
    "environments": 4, "turns": 2, "group": 8, "passes": 4, "rate": 3e-5, "normaliser": "token", "listed": True,
}  # fmt: skip
LONGEST = 5000  # turns of an episode


@dataclass
class _Turn:
    """A turn: the state, what could be done, what came of the action played, and all answers with the places of their actions."""

    state: np.ndarray
    offered: np.ndarray
    count: int
    rows: list[tuple[list[int], list[int]]]
    chosen: list[int]
    gained: float = 0.0
    after: np.ndarray | None = None
    over: bool = False
    solved: bool = False


class LanguageTrainer(Trainer):
    """A `planners.learning.learner.Learner` that optimises a small language model by a method.

    Parameters
    ----------
    method, value, begin, options, seed
        See `planners.learning.trainer.Trainer`.
    model : Model
        What it starts from.
    """

    def __init__(
        self, method: Method, model: Model, value: Learned | None, begin: Callable[[int], Instance],
        options: Mapping[str, Value], seed: int,
    ) -> None:  # fmt: skip
        if options["rollout_policy"] == "learned":
            raise UsageError("rollout_policy=learned is not possible with a language model, which is too slow for rollouts")
        if method.sampling == "groups" and int(options["group"]) < 1:
            raise UsageError(f"{method.name}: group={options['group']} is not possible with a language model; it is at least 1")
        super().__init__(method, None, value, begin, options, seed)
        self._model = model
        self._speaker = Speaker(model.parameters, model.size, model.vocabulary, 1)
        self._moments = OPTIMISER.init(self._speaker.parameters)
        self._texts = Texts(np.zeros((0, 1), np.int32), np.zeros(0, np.int64))
        self._format_errors = 0.0

    def model(self) -> Model:
        """Return what was learned."""
        return self._model._replace(parameters={name: np.asarray(array) for name, array in self._speaker.parameters.items()})

    def state(self) -> dict[str, np.ndarray]:
        """See `planners.learning.learner.Learner`."""
        leaves = jax.tree_util.tree_leaves(self._moments)
        found = {f"parameter/{name}": np.asarray(array) for name, array in self._speaker.parameters.items()}
        return super().state() | found | {f"moment/{k:03}": np.asarray(leaf) for k, leaf in enumerate(leaves)}

    def restore(self, updates: int, arrays: dict[str, np.ndarray]) -> None:
        """See `planners.learning.learner.Learner`."""
        super().restore(updates, arrays)
        self._speaker.parameters = {name: jnp.asarray(arrays[f"parameter/{name}"]) for name in self._speaker.parameters}
        leaves, form = jax.tree_util.tree_flatten(self._moments)
        kept = [jnp.asarray(arrays[f"moment/{k:03}"]).reshape(leaf.shape) for k, leaf in enumerate(leaves)]
        self._moments = jax.tree_util.tree_unflatten(form, kept)

    # Collecting.

    def collect(self) -> Batch:
        """Let the model play, all games side by side, and return what was played; the tokens are kept beside it."""
        whole = self.method.sampling == "episodes"
        starts, group = int(self.options["starts"]), int(self.options["group"]) or 1
        seats: list[list[_Turn]] = [[] for _ in range(starts * group if whole else len(self.seats.states))]
        if whole:
            instances = [instance for _ in range(starts) for instance in [self.seats.next(0)] * group]
            states, rngs = [instance.start.copy() for instance in instances], self._chances(len(seats))
        else:
            instances, states, rngs = self.seats.instances, self.seats.states, list(self.seats.rngs)
        size = group if self.method.sampling == "groups" else 1
        played: list[list[Instance]] = [[] for _ in seats]
        for turn in range(LONGEST if whole else int(self.options["turns"])):
            live = [k for k, turns in enumerate(seats) if not (whole and turns and turns[-1].over)]
            if not live:
                break
            said = self._say([instances[k] for k in live], [states[k] for k in live], size, turn)
            for k, found in zip(live, said, strict=True):
                self._play(instances[k], states[k], found, rngs[k], len(seats[k]) + 1 if whole else int(self.seats.steps[k]) + 1)
                seats[k].append(found)
                played[k].append(instances[k])
                if not whole:
                    self._seat_moved(k, found)
                elif found.over:
                    self.seats.finished(sum(turn.gained for turn in seats[k]))
        return self._batched(seats, played, size, group if whole else 0)

    def _chances(self, count: int) -> list[np.ndarray]:
        return [stream("language learning", self.seed, self.updates, k) for k in range(count)]

    def _say(self, instances: list[Instance], states: list[np.ndarray], size: int, turn: int) -> list[_Turn]:
        """Return a turn for each state, with `size` answers to it; nothing is played yet."""
        speeches = [Speech(instance) for instance in instances]
        questions = [self._model.vocabulary.encode(asked_in(speech, state)) for speech, state in zip(speeches, states, strict=True)]
        many = [question for question in questions for _ in range(size)]
        self._speaker = self._speaker.fitted(len(many))
        seeds = np.random.Generator(np.random.PCG64([self.seed, self.updates, turn])).integers(0, 1 << 32, len(many)).tolist()
        answers = self._speaker.tokens(many, seeds)
        found = []
        for n, (speech, state) in enumerate(zip(speeches, states, strict=True)):
            offered, model = np.zeros(speech.instance.model.actions + 1, np.int64), speech.instance.model
            listed, _ = speech.options(state)
            wrong = speech.move("")
            if wrong is None or not unlisted(model, wrong):
                raise UsageError(
                    f"{speech.world.name} has no action for answers in the wrong format; legal are worlds with ProAct's rules, "
                    "such as 2048-proact and sokoban-proact"
                )
            offered[: len(listed) + 1] = [*listed, wrong]
            rows, chosen = [], []
            for tokens in answers[n * size : (n + 1) * size]:
                action = word_in(speech, self._model.vocabulary.decode(tokens))[0]
                chosen.append(listed.index(action) if action in listed else len(listed))
                rows.append((self._speaker.asked(questions[n]), tokens))
            found.append(_Turn(state.copy(), offered, len(listed) + 1, rows, chosen))
        return found

    def _play(self, instance: Instance, state: np.ndarray, turn: _Turn, rng: np.ndarray, number: int) -> None:
        """Play the first answer of `turn` in `state`, in place."""
        model = instance.model
        turn.gained = float(suited(step, model)(model, state, int(turn.offered[turn.chosen[0]]), rng))
        turn.after = state.copy()
        count, turn.solved = suited(look, model)(model, state, np.empty(model.actions, np.int64))
        turn.over = bool(not count or turn.solved or number == instance.horizon)
        self.seats.environment_steps += 1

    def _seat_moved(self, k: int, found: _Turn) -> None:
        self.seats.played(k, [int(found.offered[found.chosen[0]])], found.gained)
        if found.over:
            self.seats.over(k)

    def _batched(self, seats: list[list[_Turn]], played: list[list[Instance]], size: int, group: int) -> Batch:
        parts: list[dict[str, np.ndarray]] = []
        instances: list[Instance] = []
        for k, turns in enumerate(seats):
            for n, turn in enumerate(turns):
                made = {
                    "states": turn.state[None], "offered": turn.offered[None], "counts": np.array([turn.count]),
                    "chosen": np.array(turn.chosen[:1]), "gained": np.array([turn.gained]), "afters": np.asarray(turn.after)[None],
                    "over": np.array([turn.over]), "sequence": np.array([k]), "place": np.array([n]),
                    "cut": np.array([n == len(turns) - 1]),
                }  # fmt: skip
                parts.append(made | ({"group": np.array([k // group])} if group else {}))
                instances.append(played[k][n])
        solved = np.array([bool(group and turns[-1].solved) for turns in seats])
        batch = self._batch(Played(parts, instances, np.array([len(turns) for turns in seats]), solved))
        every = [turn for turns in seats for turn in turns]
        if self.method.sampling == "groups":
            batch.at = batch.group = np.repeat(np.arange(len(every)), size)
            batch.chosen = np.array([place for turn in every for place in turn.chosen])
            batch.weight = np.full(len(batch.at), 1.0 / size)
            batch.rewards = batch.ask.rewards(batch.at, batch.chosen, stream("rewards", self.seed, self.updates))
        self._texts = rows_of([row for turn in every for row in turn.rows], self._model.size.context)
        self._format_errors = float(np.mean([place == turn.count - 1 for turn in every for place in turn.chosen]))
        return batch

    def _log_chances(self, ask: Questions) -> np.ndarray:
        return np.full(ask.shape, np.nan)  # of actions: those of answers are known, and there are too many of them to be summed

    # Updating.

    def _update(self, batch: Batch, advantage: np.ndarray, mask: np.ndarray) -> Callable[[], dict[str, float]]:
        """Let the model learn from the batch, and return what tells what there is to know of the update."""
        tokens, counted = self._texts.rows, answered(self._texts)
        old = self.log_tokens(tokens)
        weight = self.token_weights(batch, counted, mask)
        loss = self.token_ascent(batch, advantage, weight, counted, old, old)[0]
        size = int(self.options["minibatch"]) or len(batch.states)
        rng = np.random.Generator(np.random.PCG64([self.seed, self.updates, 1 << 20]))
        rate, norms = np.float32(self.rate()), []
        for _ in range(int(self.options["passes"])):
            order = rng.permutation(len(batch.states))
            for begin in range(0, len(order), size):
                here = counted & np.isin(batch.at, order[begin : begin + size])[:, None]
                now = self.log_tokens(tokens, np.asarray(here.any(axis=1)))
                slopes = self.slopes(tokens, self.token_ascent(batch, advantage, weight, here, now, old)[1])
                found = ascended(self._speaker.parameters, self._moments, slopes, rate)
                self._speaker.parameters, self._moments = found[:2]
                norms.append(float(found[2]))
                if not np.isfinite(norms[-1]):
                    raise Diverged(f"the gradient of update {self.updates + 1} is {norms[-1]}")
        new = self.log_tokens(tokens)
        apart, score = (new - old)[counted], self.seats.score()
        ratio = np.exp(apart)
        low, middle, high = np.quantile(ratio, (0.05, 0.5, 0.95))
        figures = {
            "loss": loss, "gradient_norm": norms[0], "score": score, "entropy": float(-old[counted].mean()),
            "kl": float((ratio - 1.0 - apart).mean()),  # an estimate from the tokens drawn, which is never negative
            "clip_fraction": float(np.mean(np.abs(ratio - 1.0) > float(self.options["clip"]))),
            "ratio_low": float(low), "ratio_median": float(middle), "ratio_high": float(high),
            "advantage_variance": float(advantage[mask].var()) if mask.any() else 0.0,
            "format_errors": self._format_errors, "tokens": float(counted.sum(axis=1).mean()),
        }  # fmt: skip
        return lambda: figures

    def token_weights(self, batch: Batch, counted: np.ndarray, mask: np.ndarray) -> np.ndarray:
        """Return how much each token (answers, time - 1) counts in the loss; `counted` says which are of answers."""
        rows = np.nonzero(counted)[0]
        found = np.zeros(counted.shape)
        found[counted] = row_weights(_of_tokens(batch, rows), mask[rows], self.options)
        return found

    def token_ascent(
        self, batch: Batch, advantage: np.ndarray, weight: np.ndarray, counted: np.ndarray, logs: np.ndarray, old: np.ndarray
    ) -> tuple[float, np.ndarray]:
        """Return the loss of the tokens `counted` where their log-probabilities are `logs`, and minus its slopes in these."""
        rows = np.nonzero(counted)[0]
        ratio = np.exp((logs - old)[counted])
        loss, slope = self.surrogate(ratio, advantage[rows], _of_tokens(batch, rows))
        rates = np.zeros(counted.shape)
        rates[counted] = -weight[counted] * slope * ratio
        return float(weight[counted] @ loss), rates

    def log_tokens(self, rows: np.ndarray, which: np.ndarray | None = None) -> np.ndarray:
        """Return the log-probabilities (answers, time - 1) of the tokens after the first; 0 of rows that are not among `which`."""
        found, heads = np.zeros((len(rows), rows.shape[1] - 1)), self._model.size.heads
        for part in pieces(len(rows), which):
            found[part] = np.asarray(logs_of(self._speaker.parameters, filled(rows[part]), heads))[: len(part)]
        return found

    def slopes(self, rows: np.ndarray, rates: np.ndarray) -> dict[str, Any]:
        """Return ``sum rates d log p(token) / d parameters`` over all tokens after the first of `rows`."""
        total = jax.tree.map(jnp.zeros_like, self._speaker.parameters)
        for part in pieces(len(rows), (rates != 0.0).any(axis=1)):
            rated = filled(rates[part].astype(np.float32))
            total = added_slopes(total, self._speaker.parameters, filled(rows[part]), rated, self._model.size.heads)
        return total


def _of_tokens(batch: Batch, rows: np.ndarray) -> Batch:
    """Return a batch whose rows are tokens, given the row of each in `batch`."""
    return replace(
        batch, at=batch.at[rows], chosen=batch.chosen[rows], rewards=batch.rewards[rows], group=batch.group[rows],
        weight=batch.weight[rows],
    )  # fmt: skip
