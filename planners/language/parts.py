"""A language model as a part of any planner: the evaluator ``llm`` of whole trajectories and the proposal ``llm`` of candidates.

Both are Python objects with the methods of `planners.evaluator` and `planners.parts.proposals`, so planners run uncompiled. An
answer that cannot be had or read is replaced, by a value that says nothing or by the actions in the world's order, and counted as a
fallback.
"""

from functools import cache
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.jit import njit
from games.params import resolve_params
from games.process import apply, score
from games.world import Instance
from planners.budget import FALLBACKS, PROPOSALS, SCORES
from planners.evaluator import Batch, Trajectory
from planners.language.agent import account
from planners.language.client import Client
from planners.language.parser import menu_numbers, read_score
from planners.language.prompts import Messages, menu_messages, score_messages
from planners.language.settings import PARAMS, Settings
from planners.language.speech import Speech

NEUTRAL = 0.5  # value of a trajectory that the model has not judged


@njit
def local_score(model, state, action):
    """Return l(s, a) of one action; `state` is not mutated."""
    after = state.copy()
    reward = apply(model, after, action)
    return score(model, state, action, after, reward)


class LanguageEvaluator:
    """R(tau) as a language model sees it: one request a trajectory, the names of its steps and its two ends in, a score out."""

    def __init__(self, instance: Instance, client: Client) -> None:
        self._speech, self._client = Speech(instance), client

    def evaluate(self, model: Any, trajectory: Trajectory, length: int, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.evaluate`."""
        return self._judge([self._question(trajectory.states, trajectory.actions, length)], cost)[0]

    def evaluate_all(
        self, model: Any, batch: Batch, chosen: np.ndarray, count: int, values: np.ndarray, rng: np.ndarray, cost: np.ndarray
    ) -> None:
        """See `planners.evaluator.evaluate_all`; all are asked for at once."""
        places = [int(b) for b in chosen[:count]]
        questions = [self._question(batch.all_states[b], batch.all_actions[b], batch.lengths[b]) for b in places]
        values[places] = self._judge(questions, cost)

    def value(self, model: Any, state: np.ndarray, rng: np.ndarray, cost: np.ndarray) -> float:
        """See `planners.evaluator.value`: here, in [0, 1]."""
        return self._judge([score_messages(self._speech.task, [], self._speech.text(state))], cost)[0]

    def _question(self, states: np.ndarray, actions: np.ndarray, length: int) -> Messages:
        steps = [self._speech.names(states[t], [int(actions[t])])[0] for t in range(length)]
        return score_messages(self._speech.task, steps, self._speech.text(states[length]), self._speech.text(states[0]))

    def _judge(self, questions: list[Messages], cost: np.ndarray) -> list[float]:
        answers = self._client.ask_all([(question, 0) for question in questions])
        account(cost, answers)
        scores = [None if answer.failure else read_score(answer.text) for answer in answers]
        cost[FALLBACKS] += scores.count(None)
        return [NEUTRAL if score is None else score for score in scores]


class LanguageProposal:
    """Candidates as a language model chooses them from a numbered menu of the actions with an effect, best first, at most `k`."""

    def __init__(self, instance: Instance, client: Client, k: int) -> None:
        self._speech, self._client, self._k = Speech(instance), client, k

    def propose(
        self, model: Any, state: np.ndarray, rng: np.ndarray, actions: np.ndarray, scores: np.ndarray, cost: np.ndarray
    ) -> int:
        """See `planners.parts.proposals.propose`; without a choice nothing is asked."""
        found = self._speech.effective(state)
        cost[PROPOSALS] += 1
        if len(found) > 1:
            found = [found[k - 1] for k in self._choice(state, self._speech.names(state, found), cost)]
        weigh = suited(local_score, model)
        for j, action in enumerate(found):
            actions[j], scores[j] = action, weigh(model, state, action)
        cost[SCORES] += len(found)
        return len(found)

    def _choice(self, state: np.ndarray, names: list[str], cost: np.ndarray) -> list[int]:
        wanted = min(self._k, len(names))
        answer = self._client.ask(menu_messages(self._speech.task, self._speech.text(state), names, wanted))
        account(cost, [answer])
        numbers = None if answer.failure else menu_numbers(answer.text, len(names))
        if numbers is None:
            cost[FALLBACKS] += 1
            numbers = list(range(1, len(names) + 1))
        return numbers[:wanted]


def make_evaluator(instance: Instance, argument: str = "") -> LanguageEvaluator:
    """Return the evaluator called ``llm`` or, with settings in its `argument`, ``llm:name=value,name=value``.

    Raises
    ------
    UsageError
        If no endpoint is named or a setting is impossible.
    """
    return LanguageEvaluator(instance, shared_client(argument))


def make_proposal(instance: Instance, k: int, argument: str = "") -> LanguageProposal:
    """Return the proposal called ``llm``, with settings in its `argument` like the evaluator.

    Raises
    ------
    UsageError
        If no endpoint is named or a setting is impossible.
    """
    return LanguageProposal(instance, shared_client(argument), max(1, k))


def shared_client(argument: str) -> Client:
    """Return the process's client with ``name=value,name=value`` settings; temperature is 0 unless they say otherwise."""
    given: dict[str, Any] = {"temperature": 0.0}
    for text in filter(None, argument.split(",")):
        name, equals, value = text.partition("=")
        if not equals:
            raise UsageError(f"llm: {text!r} is no setting of the form name=value; legal names are {', '.join(PARAMS)}")
        given[name.strip()] = value.strip()
    return _client(Settings.resolve(**resolve_params("llm", PARAMS, {}, given)))


@cache
def _client(settings: Settings) -> Client:
    return Client(settings)
