"""A server for a small language model, by the protocol of OpenAI's chat completions; requests that come together share a batch."""

import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from games.errors import GameplanError
from planners.language.small.files import Model
from planners.language.small.sampling import Speaker
from planners.language.small.tokens import question_of
from planners.language.stub import StubServer, StubSettings

WAIT = 0.01  # seconds that a batch waits for others to join it


@dataclass
class _Request:
    question: list[int]
    seed: int
    temperature: float
    longest: int
    done: threading.Event = field(default_factory=threading.Event)
    text: str = ""


class ModelServer(StubServer):
    """Serves a model; ``counts`` has "requests" and "batches".

    A request's ``temperature`` (default 1), ``max_tokens`` and ``seed`` are honoured; equal requests with equal seeds get equal
    answers, whatever they share a batch with.
    """

    def __init__(self, model: Model, name: str, port: int = 0, batch: int = 32) -> None:
        super().__init__(StubSettings(lambda messages, rng: "", name), port)
        self._model, self._speaker = model, Speaker(model.parameters, model.size, model.vocabulary, batch)
        self._waiting: queue.Queue[_Request] = queue.Queue()
        threading.Thread(target=self._work, daemon=True).start()

    def answer(self, body: Mapping[str, Any]) -> tuple[str, set[str]]:
        """Return the text that answers the request `body`."""
        with self._lock:
            self.counts["requests"] += 1
            number = self.counts["requests"]
        messages = body["messages"]
        users = [message["content"] for message in messages if message["role"] == "user"]
        if not users:
            raise GameplanError("the conversation has no message of the user")
        system = messages[0]["content"] if messages[0]["role"] == "system" else ""
        question = self._model.vocabulary.encode(question_of(system, users[-1]))
        seed = body.get("seed")
        request = _Request(
            question,
            seed if isinstance(seed, int) else number,
            min(max(_number(body.get("temperature"), 1.0), 0.0), 10.0),
            max(1, int(_number(body.get("max_tokens"), self._model.size.context))),
        )
        self._waiting.put(request)
        request.done.wait()
        return request.text, set()

    def _work(self) -> None:
        while True:
            batch = [self._waiting.get()]
            while len(batch) < self._speaker.batch:
                try:
                    batch.append(self._waiting.get(timeout=WAIT))
                except queue.Empty:
                    break
            groups: dict[tuple[float, int], list[_Request]] = {}
            for request in batch:
                groups.setdefault((request.temperature, request.longest), []).append(request)
            for (temperature, longest), group in groups.items():
                found = self._speaker.answer([r.question for r in group], [r.seed for r in group], temperature, longest)
                for request, (text, _) in zip(group, found, strict=True):
                    request.text = text
                    request.done.set()
                with self._lock:
                    self.counts["batches"] += 1


def _number(value: Any, default: float) -> float:
    return float(value) if isinstance(value, (int, float)) and not isinstance(value, bool) and value == value else default
