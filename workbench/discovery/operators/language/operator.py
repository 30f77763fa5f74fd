"""The operator ``llm``: a language model is shown a program and what became of others, and answers with changes to it."""

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from planners.language.client import Client, estimate_tokens
from workbench.discovery.books.records import OK, Proposal, failed
from workbench.discovery.books.text import storable
from workbench.discovery.operators.language.accounting import ESTIMATED, Call, believable, failure
from workbench.discovery.operators.language.choice import choose, draw
from workbench.discovery.operators.language.context import about_member, about_parent, about_task, examples
from workbench.discovery.operators.language.edits import Refused, read_reply
from workbench.discovery.operators.language.prompts import Prompts, load_prompts
from workbench.discovery.operators.language.settings import LanguageSettings, Model, resolve
from workbench.discovery.population.view import Member, View

NAME = "llm"
QUESTION_AT_FAULT = (400, 413, 422)  # a prompt that is too long, or that a filter stops: the next one may pass

Messages = list[dict[str, str]]
Record = Callable[[int, int, Call], None]
Recall = Callable[[int, int], Mapping[str, Any] | None]


def make(settings: Mapping[str, Any], *, record: Record, recall: Recall, templates: Path) -> "LanguageOperator":
    """Return the operator for `settings` (`settings.complete`) and the prompts in the folder `templates` (`copy_templates`).

    ``record(n, attempt, call)`` keeps a question and its answer, from whatever thread; ``recall(n, attempt)`` returns what was
    kept, or None: a resumed run asks only what is not there.

    Raises
    ------
    UsageError
        If no endpoint or model is named, or a setting or template is wrong.
    """
    return LanguageOperator(resolve(settings), load_prompts(templates), record, recall)


class LanguageOperator:
    """Proposes programs that language models write; threads may share it."""

    name = NAME
    slow = True

    def __init__(self, settings: LanguageSettings, prompts: Prompts, record: Record, recall: Recall) -> None:
        self.settings = settings
        self._prompts, self._record, self._recall = prompts, record, recall
        self._clients = {model.name: Client(model.endpoint, tolerated=QUESTION_AT_FAULT) for model in settings.models}

    def propose(self, view: View, rng: np.random.Generator) -> Proposal:
        """Return the program that a model makes of a parent, or a proposal without one that says what went wrong.

        Raises
        ------
        GameplanError
            If the endpoint cannot be reached, refuses or stops answering.
        """
        s = self.settings
        parent = view.parent(rng)
        model = choose(s.models, view.trail(NAME), s.exploration, rng) if s.choice == "bandit" else draw(s.models, rng)
        slots = self._prompts.draw(rng)
        shown = examples(view, parent, s.examples, s.diverse, rng)
        samples = rng.integers(2**31, size=s.attempts).tolist()
        messages = self._messages(view, parent, shown, slots)
        detail: dict[str, Any] = {
            "model": model.name,
            "slots": slots,
            "examples": [member.id for member in shown],
            "parent_score": parent.score,
            "attempts": 0,
            "tokens_in": 0,
            "tokens_out": 0,
            "cost": 0.0,
        }

        def proposal(source: str = "", status: str = OK, reason: str = "") -> Proposal:
            return Proposal(source, NAME, (parent.id,), detail, status, reason)

        refused: Refused | None = None
        for attempt, sample in enumerate(samples):
            call = self._ask(view.n, attempt, model, messages, sample)
            detail["attempts"] += 1
            for key in ("tokens_in", "tokens_out", "cost"):
                detail[key] += call[key]
            why = failure(call)
            if why:
                return proposal(status=failed("endpoint"), reason=f"no answer from {model.name}: {why}")
            try:
                edited = read_reply(call["reply"], parent.source)
            except Refused as error:
                refused = error
                again = self._prompts.fill("retry", {"reason": str(error)})
                messages = [*messages, {"role": "assistant", "content": call["reply"]}, {"role": "user", "content": again}]
                continue
            detail["blocks"] = edited.blocks
            return proposal(edited.source)
        assert refused is not None  # there is at least one attempt
        return proposal(status=refused.status, reason=str(refused))

    def close(self) -> None:
        """Close connections."""
        for client in self._clients.values():
            client.close()

    def _messages(self, view: View, parent: Member, shown: list[Member], slots: Mapping[str, str]) -> Messages:
        task = about_task(view.task)
        previous = "\n\n".join(self._prompts.fill("previous", about_member(member)) for member in shown)
        values = {**task, **about_parent(parent, view.members, self.settings.failures), **slots, "previous": previous}
        system, user = self._prompts.fill("system", task), self._prompts.fill("user", values)
        return [{"role": "system", "content": system}, {"role": "user", "content": user}]

    def _ask(self, n: int, attempt: int, model: Model, messages: Messages, sample: int) -> Mapping[str, Any]:
        """Return the call that answers `messages`, from the log if it has this very question."""
        endpoint = model.endpoint
        asked = {"messages": messages, "temperature": endpoint.temperature, "max_tokens": endpoint.max_tokens, "sample": sample}
        request = json.dumps(asked, sort_keys=True)
        kept = self._recall(n, attempt)
        if kept is not None and (kept["model"], kept["request"]) == (model.name, request):  # else a template was edited since
            return kept
        answer = self._clients[model.name].ask(messages, sample)
        counted = believable(answer.tokens_in) and believable(answer.tokens_out)
        tokens_in = answer.tokens_in if counted else estimate_tokens(sum(len(message["content"]) for message in messages))
        tokens_out = answer.tokens_out if counted else estimate_tokens(len(answer.text))
        call = Call(
            model=model.name,
            request=request,
            reply=storable(answer.text),  # what is kept is what is read, now and when the run is resumed
            status=failed(answer.failure) if answer.failure else OK if counted and not answer.estimated else ESTIMATED,
            tokens_in=tokens_in,
            tokens_out=tokens_out,
            cost=model.cost(tokens_in, tokens_out),
        )
        self._record(n, attempt, call)
        return call
