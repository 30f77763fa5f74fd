"""The trainer: collect turns, estimate advantages, update the policy. It names no method (`planners.learning.method`)."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from games.errors import GameplanError, with_article
from games.params import Value
from games.random import stream
from games.world import Instance
from planners.learning import collecting
from planners.learning.batch import OWN, Batch
from planners.learning.collecting import Played
from planners.learning.learner import Diverged
from planners.learning.method import Method, clipped, logit_slopes, row_weights
from planners.learning.play import Turns
from planners.learning.questions import Questions
from planners.learning.seats import Seats, stacked
from planners.policies.catalogue import Learned, kind_module
from planners.policies.policy import settle


class Trainer:
    """A `planners.learning.learner.Learner` that optimises a policy by a method.

    Parameters
    ----------
    method : Method
    policy, value : Learned or None
        Mutated; a value only where the method needs one, no policy where a subclass has another.
    begin : callable
        Returns the instance that training episode number k plays.
    options : mapping
        A value for each of `planners.learning.method.OPTIONS`.
    seed : int
    """

    unit = "batches"

    def __init__(
        self,
        method: Method,
        policy: Learned | None,
        value: Learned | None,
        begin: Callable[[int], Instance],
        options: Mapping[str, Value],
        seed: int,
    ) -> None:
        self.method, self.options, self.seed = method, dict(options), seed
        self._learned = tuple(learned for learned in (policy, value) if learned is not None)
        self._policy, self._value = (None if learned is None else learned.record for learned in (policy, value))
        self.updates = self.expansions = 0
        self._figures: Callable[[], dict[str, float]] = dict  # asked of some updates only
        self._memory: dict[str, np.ndarray] = {}
        whole = method.sampling == "episodes"
        self.seats = Seats(begin, 1 if whole else int(self.options["environments"]), seed, whole)

    # What the loop around it sees.

    @property
    def environment_steps(self) -> int:
        """See `planners.learning.learner.Learner`."""
        return self.seats.environment_steps

    @property
    def episodes(self) -> int:
        """See `planners.learning.learner.Learner`."""
        return self.seats.episodes

    def advance(self) -> None:
        """See `planners.learning.learner.Learner`."""
        method = self.method
        batch = self.collect()
        if "positive" in method.needs and (batch.rewards < 0.0).any():
            raise GameplanError(f"{method.name} needs rewards that are never negative, and met {batch.rewards.min():g}")
        shown = batch.held()
        if method.rewards is not None:
            shown.rewards = self._checked("rewards", method.rewards(shown, method.params), batch.at.shape)
        advantage = self._checked("advantage", method.advantage(shown, method.params), batch.at.shape)
        targets = shown.memory.pop("targets", None) if isinstance(shown.memory, dict) else None
        mask = np.ones(len(batch.at), bool)
        if method.mask is not None:
            mask = self._checked("mask", method.mask(shown, method.params), batch.at.shape) != 0.0
        for name in OWN:
            setattr(batch, name, self._checked(name, getattr(shown, name, None), getattr(batch, name).shape))
        self._keep(shown)
        batch.hopeless = batch.hopeless != 0.0
        self._figures = self._update(batch, advantage, mask)
        if targets is not None and self._value is not None:
            self._fit(batch, self._checked("targets", targets, batch.gained.shape))
        self.expansions += batch.ask.expansions
        self.seats.give_up(batch)
        for learned in self._learned:
            module = kind_module(learned.kind)
            if hasattr(module, "check"):
                module.check(learned.record)
        self.updates += 1

    def figures(self) -> dict[str, float]:
        """See `planners.learning.learner.Learner`."""
        return self._figures()

    def learned(self) -> tuple[Learned, ...]:
        """See `planners.learning.learner.Learner`."""
        return self._learned

    def state(self) -> dict[str, np.ndarray]:
        """See `planners.learning.learner.Learner`."""
        counts = [self.environment_steps, self.expansions, self.episodes]
        found = {"counts": np.array(counts, np.int64)} | self.seats.state()
        for learned in self._learned:
            found |= {f"{learned.role}/{name}": array for name, array in kind_module(learned.kind).state(learned.record).items()}
        return found | {f"memory/{name}": array for name, array in self._memory.items()}

    def restore(self, updates: int, arrays: dict[str, np.ndarray]) -> None:
        """See `planners.learning.learner.Learner`."""
        self.updates = updates
        self.seats.environment_steps, self.expansions, self.seats.episodes = (int(n) for n in arrays["counts"])
        self.seats.restore(arrays)
        for learned in self._learned:
            mark = f"{learned.role}/"
            own = {name.removeprefix(mark): array for name, array in arrays.items() if name.startswith(mark)}
            kind_module(learned.kind).restore(learned.record, own)
        self._memory = {name.removeprefix("memory/"): array for name, array in arrays.items() if name.startswith("memory/")}

    def _keep(self, shown: Batch) -> None:
        """Remember what a method has put into the memory of the batch that it was shown, if a checkpoint can hold it."""
        name, memory = self.method.name, shown.memory
        if not isinstance(memory, dict):
            raise GameplanError(
                f"{name}: batch.memory is {with_article(type(memory).__name__)}; it must stay a dictionary of arrays"
            )
        for key, kept in memory.items():
            told = f"memory[{key!r}] is no array of numbers"
            if not isinstance(key, str) or not isinstance(kept, np.ndarray) or kept.dtype.kind not in "biuf":
                raise GameplanError(f"{name}: {told} under a text, so a run could not go on with it")
            if kept.dtype.itemsize > 8 or not kept.dtype.isnative:
                raise GameplanError(
                    f"{name}: {told} of at most 64 bits, but of the type {kept.dtype}, so a run could not go on with it"
                )
        self._memory = memory

    # Collecting.

    def collect(self) -> Batch:
        """Play, and return what was played as the method samples it."""
        if self.method.sampling == "episodes":
            return self._batch(collecting.episodes(self.seats, self._policy, self.options))
        batch = self._batch(collecting.turns(self.seats, self._policy, self.options))
        if self.method.sampling == "groups":
            return collecting.grouped(batch, int(self.options["group"]), self.seed, self.updates)
        return batch

    def _batch(self, played: Played) -> Batch:
        parts, instances = played.parts, played.instances
        models = [instance.model for instance in instances]
        ends = np.cumsum([len(part["gained"]) for part in parts]).tolist()
        made = {name: stacked([part[name] for part in parts]) for name in parts[0]}
        count = len(made["gained"])
        ask = Questions(
            Turns(made["states"], made["offered"], made["counts"]), made["afters"],
            list(zip(models, [0, *ends], ends, strict=False)), self._value, self.options,
            stream("critic of learning", self.seed, self.updates)[0], self._policy, instances, self.method.teacher,
        )  # fmt: skip
        return Batch(
            states=made["states"], offered=made["offered"], counts=made["counts"], old=self._log_chances(ask),
            sequence=made["sequence"], place=made["place"], gained=made["gained"], over=made["over"],
            cut=made["cut"] | made["over"], afters=made["afters"], at=np.arange(count), chosen=made["chosen"],
            rewards=made["gained"].copy(),
            group=made.get("group", np.arange(count)), weight=np.ones(count), lengths=played.lengths, solved=played.solved,
            hopeless=np.zeros(count, bool), options=self.options, ask=ask, memory=self._memory,
        )  # fmt: skip

    def _log_chances(self, ask: Questions) -> np.ndarray:
        return ask.log_chances(self._policy)

    # Updating.

    def _update(self, batch: Batch, advantage: np.ndarray, mask: np.ndarray) -> Callable[[], dict[str, float]]:
        """Let the policy learn from the batch, and return what tells what there is to know of the update."""
        weight, clip, rate = self.weights(batch, mask), float(self.options["clip"]), self.rate()
        loss, slopes = self.ascent(batch, advantage, weight, batch.old)
        with np.errstate(over="ignore"):
            norm = float(np.sqrt((slopes**2).sum()))
        if not np.isfinite(norm):
            raise Diverged(f"{self.method.name}: the norm of the gradient is {norm} in update {self.updates + 1}")
        figures = {"loss": loss, "gradient_norm": norm}
        size, turns = self.minibatch(len(batch.states)), len(batch.states)
        compiled = size == 1 and self.method.surrogate is None
        rows = np.argsort(batch.at, kind="stable")
        at, chosen, a, w = batch.at[rows], batch.chosen[rows], advantage[rows], weight[rows]
        rng = np.random.Generator(np.random.PCG64([self.seed, self.updates, 1]))
        for _ in range(int(self.options["passes"])):
            if compiled:
                batch.ask.improve(self._policy, batch.old, at, chosen, a, w, clip, rate, rng)
                settle(self._policy, rate)
                continue
            order = rng.permutation(turns) if size < turns else np.arange(turns)
            for begin in range(0, turns, size):
                here = np.sort(order[begin : begin + size])
                inside = np.where(np.isin(batch.at, here), weight, 0.0)
                if inside.any():
                    logs = batch.old.copy()
                    logs[here] = batch.ask.log_chances(self._policy, here)
                    slopes = self.ascent(batch, advantage, inside, logs)[1]
                    batch.ask.push(self._policy, slopes, rate, here)
                    settle(self._policy, rate)
        score = self.seats.score()
        new = batch.ask.log_chances(self._policy)
        if np.isnan(new).any() or (new == np.inf).any():
            raise Diverged(f"the policy's preferences are no numbers after update {self.updates + 1}")
        return lambda: {**figures, **self._measured(batch, new, advantage, mask, score)}

    def ascent(self, batch: Batch, advantage: np.ndarray, weight: np.ndarray, logs: np.ndarray) -> tuple[float, np.ndarray]:
        """Return the loss where the log-probabilities are `logs`, and minus its slopes in the logits (turns, actions)."""
        rows = batch.at, batch.chosen
        ratio = np.exp(logs[rows] - batch.old[rows])
        loss, slope = self.surrogate(ratio, advantage, batch)
        with np.errstate(over="ignore", invalid="ignore"):  # what comes of numbers that are too large is told of in a line
            return float(weight @ loss), logit_slopes(logs, batch.at, batch.chosen, -weight * slope * ratio)

    def rate(self) -> float:
        """Return the rate at which the policy learns in the present update."""
        rate, decay = float(self.options["rate"]), int(self.options["decay"])
        return rate / (1.0 + self.updates / decay) if decay else rate

    def surrogate(self, ratio: np.ndarray, advantage: np.ndarray, batch: Batch) -> tuple[np.ndarray, np.ndarray]:
        """Return the loss of every row of `batch` before weights, and its slope in the ratio."""
        own = self.method.surrogate
        if own is None:
            found = clipped(ratio, advantage, float(self.options["clip"]))
        else:
            found = own(ratio, advantage, batch.held(), self.method.params)
        if not isinstance(found, tuple) or len(found) != 2:
            kind = type(found).__name__
            raise GameplanError(f"{self.method.name}: surrogate returned one {kind}; it must be (loss, slope in the ratio), arrays")
        loss, slope = (self._checked("loss", part, ratio.shape) for part in found)
        return loss, slope

    def minibatch(self, turns: int) -> int:
        """Return how many turns are learned from at once, given how many a batch has."""
        if self.options["minibatch"]:
            return min(int(self.options["minibatch"]), turns)
        if settle.known(self._policy):
            return turns
        return 1 if self.method.surrogate is None else min(16, turns)

    def weights(self, batch: Batch, mask: np.ndarray) -> np.ndarray:
        """Return how much each row counts in the loss, after mask and normaliser."""
        return row_weights(batch, mask, self.options)

    def _measured(self, batch: Batch, new: np.ndarray, advantage: np.ndarray, mask: np.ndarray, score: float) -> dict[str, float]:
        has = np.isfinite(batch.old)
        chances = np.exp(batch.old)
        apart = np.where(has, batch.old - np.where(has, new, 0.0), 0.0)
        ratio = np.exp(new[batch.at, batch.chosen] - batch.old[batch.at, batch.chosen])
        low, middle, high = np.quantile(ratio, (0.05, 0.5, 0.95)) if len(ratio) else (1.0, 1.0, 1.0)
        return {
            "score": score,
            "entropy": float(-np.where(has, chances * np.where(has, batch.old, 0.0), 0.0).sum(axis=1).mean()),
            "kl": float((chances * apart).sum(axis=1).mean()),
            "clip_fraction": float(np.mean(np.abs(ratio - 1.0) > float(self.options["clip"]))) if len(ratio) else 0.0,
            "ratio_low": float(low), "ratio_median": float(middle), "ratio_high": float(high),
            "advantage_variance": float(advantage[mask].var()) if mask.any() else 0.0,
        }  # fmt: skip

    def _fit(self, batch: Batch, targets: np.ndarray) -> None:
        """Move the learned value towards `targets`, no further from the old one than the clip allows."""
        old, clip = batch.ask.learned(), float(self.options["value_clip"])
        for _ in range(int(self.options["passes"])):
            wanted = targets
            if clip > 0.0:  # 0.5 max((v - R)^2, (v_clipped - R)^2) is flat where the clipped part is the greater
                now = batch.ask.learned()
                held = old + np.clip(now - old, -clip, clip)
                wanted = np.where((held - targets) ** 2 > (now - targets) ** 2, now, targets)
            batch.ask.approach(self._value, wanted, float(self.options["value_rate"]))
            settle(self._value, float(self.options["value_rate"]))

    def _checked(self, what: str, found: Any, shape: tuple[int, ...]) -> np.ndarray:
        told = f"it must be {shape}, a number a row"
        try:
            array = np.asarray(found)
        except ValueError as error:
            raise GameplanError(f"{self.method.name}: {what} is no array; {told}") from error
        if array.dtype.kind not in "biuf":
            raise GameplanError(f"{self.method.name}: {what} is of the type {array.dtype}; {told}")
        with np.errstate(over="ignore"):
            array = np.asarray(array, np.float64)
        if array.shape != shape:
            raise GameplanError(f"{self.method.name}: {what} has the shape {array.shape}; {told}")
        if not np.isfinite(array).all():
            place = int(np.flatnonzero(~np.isfinite(array))[0])
            raise Diverged(f"{self.method.name}: {what} of row {place} is {array.flat[place]} in update {self.updates + 1}")
        return array
