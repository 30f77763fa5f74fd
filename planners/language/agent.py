"""A language model as the whole planner: every decision is one answer to one request that shows the present state, no history.

Parameters
----------
mode : how a state is shown: as ProAct does, clean with real line breaks, or as a menu; auto is proact where it can be
parser : whether an answer must keep to the format, or is searched for an action
thinking : whether the model is asked to think first, in its own channel
prompts : folder of prompts in place of the shipped ones
samples : answers to every decision, of which the most frequent action counts; at least 1
on_failure : what happens when no answer comes: the episode is given up, or a random legal action taken
log : file to which every question and answer is appended; none if it is empty
and those of planners.language.settings
"""

import json
import time
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from games.dispatch import plain
from games.errors import GameplanError, UsageError
from games.process import unlisted
from games.random import below, next_word
from games.world import Instance
from planners.budget import FALLBACKS, QUESTIONS, TOKENS_IN, TOKENS_OUT, Budget, new_cost
from planners.language import settings as endpoint
from planners.language.client import Client
from planners.language.parser import lenient_move, menu_numbers, strict_move
from planners.language.prompts import PROMPTS, Messages, menu_messages, read_prompts
from planners.language.recordings import Answer
from planners.language.settings import Settings
from planners.language.speech import Speech
from planners.planner import Decision

PARAMS = {
    "mode": "auto",
    "parser": "strict",
    "thinking": False,
    "prompts": "",
    "samples": 1,
    "on_failure": "give-up",
    "log": "",
    **endpoint.PARAMS,
}
CHOICES = {
    "mode": ("auto", "proact", "clean", "menu"),
    "parser": ("strict", "lenient"),
    "on_failure": ("give-up", "random"),
}

OK, FORMAT_ERROR, ILLEGAL, FAILURE = "ok", "format errors", "illegal", "failures"
_next_word, _below = plain(next_word), plain(below)


class Reading(NamedTuple):
    """What an answer says: the action, None if the world has none for it, and the verdict."""

    action: int | None
    verdict: str


class LanguagePlanner:
    """Asks a language model for every decision; parameters as in `PARAMS`.

    In ProAct's worlds an answer in the wrong format is an action of its own, with its penalty. Elsewhere, and for an answer that
    names an action that is not legal, a random legal action takes its place, and the decision is marked as a fallback.
    """

    def __init__(
        self,
        name: str,
        client: Client,
        mode: str,
        parser: str,
        thinking: bool,
        prompts: str,
        samples: int,
        on_failure: str,
        log: str,
    ) -> None:
        self.name, self.client = name, client
        self._mode, self._parser, self._thinking, self._on_failure = mode, parser, thinking, on_failure
        self._prompts = read_prompts(Path(prompts)) if prompts else PROMPTS
        self._samples, self._log = samples, Path(log) if log else None
        self._tally: Counter[str] = Counter()

    def begin(self, instance: Instance, rng: np.ndarray) -> None:
        """Start an episode (see `Planner`)."""
        self._speech, self._rng, self._turn = Speech(instance), rng, 0
        self._tally = Counter()
        self._prompt = None if self._mode == "menu" else self._speech.prompt(self._prompts)
        if self._prompt is None and self._mode not in ("auto", "menu"):
            raise UsageError(
                f"{self.name}: mode={self._mode} has no prompt for this world; there are prompts for {', '.join(self._prompts)}, "
                "and mode=menu serves every world"
            )

    def decide(self, state: np.ndarray, steps_left: int | None, budget: Budget) -> Decision:
        """Return the model's decision (see `Planner`).

        Its record has what was ``shown``, the ``answers``, their ``verdicts``, the actions ``named``, and ``seconds`` of waiting.
        """
        actions, names = self._speech.options(state)
        messages = self._messages(state, names)
        cost = new_cost()
        begin = time.monotonic()
        samples = [int(_next_word(self._rng) >> np.uint64(33)) for _ in range(self._samples)]
        answers = self.client.ask_all([(messages, sample) for sample in samples])
        seconds = time.monotonic() - begin
        account(cost, answers)
        readings = [self._read(answer.text, state, actions) for answer in answers if not answer.failure]
        cost[FALLBACKS] += self._count(answers, readings)
        record = {
            "shown": messages[-1]["content"],
            "answers": [a.failure or a.text for a in answers],
            "verdicts": [r.verdict for r in readings],
            "named": [None if r.action is None else self._speech.names(state, [r.action])[0] for r in readings],
            "seconds": seconds,
        }
        votes = Counter(reading.action for reading in readings if reading.action is not None)
        if votes:
            decision = Decision(votes.most_common(1)[0][0], cost, 1, record=record)
        elif not readings and self._on_failure == "give-up":
            decision = Decision(None, cost, 1, note=f"the endpoint gave no answer ({answers[0].failure})", record=record)
        else:
            decision = Decision(actions[_below(self._rng, len(actions))], cost, 1, fallback=True, record=record)
        if self._log is not None:
            self._write(self._log, state, decision)
        self._turn += 1
        return decision

    def report(self) -> dict[str, int]:
        """Return counts of the episode's answers.

        ``answers`` asked for, ``failures`` among them; of the rest, ``format errors`` under the parser in use, and under the
        ``strict`` and the ``lenient`` one; ``illegal`` ones name an action that is not legal or changes nothing.
        """
        names = ("answers", FAILURE, FORMAT_ERROR, "strict format errors", "lenient format errors", ILLEGAL, "estimated")
        return {name.replace(" ", "_"): self._tally[name] for name in names}

    def _messages(self, state: np.ndarray, names: list[str]) -> Messages:
        if self._prompt is None:
            return menu_messages(self._speech.task, self._speech.text(state), names, 1)
        return self._prompt.messages(self._speech.observation(state, self._mode == "clean"))

    def _read(self, text: str, state: np.ndarray, actions: list[int]) -> Reading:
        if self._prompt is None:
            numbers = menu_numbers(text, len(actions))
            return Reading(actions[numbers[0] - 1], OK) if numbers else Reading(None, FORMAT_ERROR)
        words = self._speech.words()
        strict, lenient = strict_move(text, words, self._thinking), lenient_move(text, words)
        self._tally["strict format errors"] += not strict.legal
        self._tally["lenient format errors"] += not lenient.legal
        answered = strict if self._parser == "strict" else lenient
        action = self._speech.move((answered.text or "") if answered.legal else "")
        verdict = OK if answered.legal else FORMAT_ERROR
        if answered.legal and action is not None and action not in self._speech.effective(state):
            verdict = ILLEGAL
        if action is not None and action not in actions and not unlisted(self._speech.instance.model, action):
            action = None
        return Reading(action, verdict)

    def _write(self, path: Path, state: np.ndarray, decision: Decision) -> None:
        """Add the line of a decision to the log, in one piece, since processes share it."""
        line = {
            "instance": self._speech.instance.name,
            "turn": self._turn,
            **decision.record,
            "action": None if decision.action is None else self._speech.names(state, [decision.action])[0],
            "fallback": decision.fallback,
            "tokens_in": int(decision.cost[TOKENS_IN]),
            "tokens_out": int(decision.cost[TOKENS_OUT]),
        }
        try:
            with path.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps(line, ensure_ascii=False) + "\n")
        except OSError as error:
            raise GameplanError(f"{self.name}: the log {path} cannot be written ({error.strerror}); name another") from error

    def _count(self, answers: list[Answer], readings: list[Reading]) -> int:
        """Count the answers to one question; return how many could not be used, or not be read."""
        failures = len(answers) - len(readings)
        self._tally.update({"answers": len(answers), FAILURE: failures, "estimated": sum(answer.estimated for answer in answers)})
        self._tally.update(reading.verdict for reading in readings)
        return failures + sum(reading.verdict == FORMAT_ERROR for reading in readings)


def account(cost: np.ndarray, answers: list[Answer]) -> None:
    """Add the questions and tokens behind `answers` to the counters `cost`."""
    cost[QUESTIONS] += len(answers)
    cost[TOKENS_IN] += sum(answer.tokens_in for answer in answers)
    cost[TOKENS_OUT] += sum(answer.tokens_out for answer in answers)


def make(name: str, **params: Any) -> LanguagePlanner:
    """Return the planner; `params` as in `PARAMS`.

    Raises
    ------
    UsageError
        If no endpoint is named or a value is impossible.
    """
    own = {key: params.pop(key) for key in list(params) if key not in endpoint.PARAMS}
    if own["samples"] < 1:
        raise UsageError(f"{name}: samples={own['samples']} is too small; at least one answer is needed for a decision")
    return LanguagePlanner(name, Client(Settings.resolve(**params)), **own)
