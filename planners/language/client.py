"""Questions to an OpenAI-compatible endpoint: retries, recordings, and an account of what was asked and paid.

What can go wrong has two outcomes. An answer that may well come next time (time-out, HTTP 429 or 5xx, a dropped connection, an
answer that is not JSON or too long) is asked for again, and after the last retry comes back as an `Answer` with its `failure`,
which the caller replaces and counts. What asking again cannot mend (nobody listens, a refused key, a missing recording) is one
`GameplanError`.
"""

import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from games.errors import GameplanError
from planners.language.recordings import Answer, Recordings
from planners.language.settings import Settings
from planners.language.transport import Line, Reply, TransportError

LONGEST_WAIT = 60.0  # seconds between two attempts, whatever the server asks for
GIVE_UP = 10  # questions in a row without an answer: the endpoint is gone
MOST_TOKENS = 10**9  # that a server may say a question or an answer has; beyond that it is not believed
_REFUSED = "refused"  # how the failure of a tolerated refusal begins
_COUNTED = ("requests", "cached", "attempts", "tokens_in", "tokens_out", "paid_in", "paid_out", "estimated")

Messages = Sequence[dict[str, str]]


class Client:
    """Asks one endpoint; threads may share it. `sleep` waits between attempts.

    Refusals with a status in `tolerated` are taken to concern the one question, such as a prompt that is too long: a failed answer,
    not asked for again.
    """

    def __init__(self, settings: Settings, sleep: Callable[[float], None] = time.sleep, tolerated: Collection[int] = ()) -> None:
        self.settings = settings
        self._sleep = sleep
        self._tolerated = tolerated
        self._recordings = Recordings(Path(settings.cache)) if settings.cache else None
        self._lock = threading.Lock()
        self._slots = threading.BoundedSemaphore(settings.concurrency)
        self._idle: list[Line] = []  # connections that nobody uses
        self._counts: Counter[str] = Counter()
        self._failures: Counter[str] = Counter()
        self._seconds = 0.0
        self._silent = 0  # questions in a row without an answer
        self._reached = False

    def ask(self, messages: Messages, sample: int = 0) -> Answer:
        """Return the answer to `messages`; another `sample` is another draw from the model, the same one may come from the cache.

        Raises
        ------
        GameplanError
            If the endpoint cannot be reached or refuses, or stops answering, or a replay has no such recording.
        """
        body: dict[str, Any] = {"model": self.settings.model, "messages": list(messages), "temperature": self.settings.temperature}
        if self.settings.max_tokens:
            body["max_tokens"] = self.settings.max_tokens
        if self.settings.send_seed:
            body["seed"] = sample
        if self._recordings is None:
            answer, cached = self._fetch(body), False
        else:
            answer, cached = self._recordings.answer(body, sample, None if self.settings.replay else lambda: self._fetch(body))
        with self._lock:
            self._counts.update(requests=1, cached=cached, estimated=answer.estimated)
            self._counts.update(tokens_in=answer.tokens_in, tokens_out=answer.tokens_out)
            if not cached:
                self._counts.update(paid_in=answer.tokens_in, paid_out=answer.tokens_out)
            if answer.failure:
                self._failures[answer.failure] += 1
        return answer

    def ask_all(self, batch: Sequence[tuple[Messages, int]]) -> list[Answer]:
        """Return the answers to a batch of (messages, sample), in its order; they are asked for concurrently."""
        if len(batch) < 2:
            return [self.ask(*question) for question in batch]
        with ThreadPoolExecutor(min(len(batch), self.settings.concurrency)) as pool:
            return list(pool.map(lambda question: self.ask(*question), batch))

    def account(self) -> dict[str, Any]:
        """Return what was asked since the start.

        ``requests`` answered or failed, of them ``cached``; ``attempts`` over the network; ``failures`` by kind; ``tokens_in`` and
        ``tokens_out`` of all answers, ``paid_in`` and ``paid_out`` of those over the network, and of how many the tokens are
        ``estimated``; ``seconds`` of waiting, summed over attempts.
        """
        with self._lock:
            counts = {name: self._counts[name] for name in _COUNTED}
            return {**counts, "failures": dict(sorted(self._failures.items())), "seconds": self._seconds}

    def close(self) -> None:
        """Close connections."""
        with self._lock:
            idle, self._idle = self._idle, []
        for line in idle:
            line.close()

    def _fetch(self, body: dict[str, Any]) -> Answer:
        """Return the endpoint's answer, or a failed one after the last retry."""
        answer, wait = Answer(""), 0.0
        for attempt in range(self.settings.retries + 1):
            if attempt:
                self._sleep(min(LONGEST_WAIT, max(wait, self.settings.backoff * 2.0 ** (attempt - 1))))
            with self._slots:
                begin = time.perf_counter()
                answer, wait = self._attempt(body)
                seconds = time.perf_counter() - begin
            with self._lock:
                self._seconds += seconds
                self._counts["attempts"] += 1
                if not answer.failure:
                    self._silent, self._reached = 0, True
            if not answer.failure:
                return answer
            if answer.failure.startswith(_REFUSED) or (answer.failure == "no connection" and not self._reached):
                break  # the same question gets the same answer; most likely the wrong address, which no patience mends
        with self._lock:
            self._silent += 1
            silent = self._silent
        url = self.settings.base_url
        if answer.failure == "no connection":
            raise GameplanError(f"nobody answers at {url}; start the server there, or set base_url or GAMEPLAN_LLM_BASE_URL")
        if silent >= GIVE_UP:
            raise GameplanError(
                f"{silent} questions in a row had no answer from {url} (the last: {answer.failure}); look after the server, "
                "or set a longer timeout or more retries"
            )
        return answer

    def _attempt(self, body: dict[str, Any]) -> tuple[Answer, float]:
        """Return the answer of one request and how long the server asks to wait before another."""
        url = self.settings.base_url.rstrip("/")
        line = self._connection()
        try:
            response = line.post(f"{url}/chat/completions", body)
        except TransportError as error:
            return Answer("", failure=str(error)), 0.0
        finally:
            with self._lock:
                self._idle.append(line)
        status = response.status
        if status in (408, 409, 425, 429) or status >= 500:
            asked = response.headers.get("retry-after", "")
            return Answer("", failure=f"HTTP {status}"), float(asked) if asked.isdecimal() else 0.0
        if status in self._tolerated:
            return Answer("", failure=f"{_REFUSED} (HTTP {status}{self._reason(response)})"), 0.0
        if status != 200:
            raise GameplanError(f"{url} refuses (HTTP {status}{self._reason(response)}); {_advice(status)}")
        return _read(body, response.content), 0.0

    def _connection(self) -> Line:
        """Return a connection that nobody uses."""
        with self._lock:
            if self._idle:
                return self._idle.pop()
        key = self.settings.key
        local = urlsplit(self.settings.base_url).hostname in ("localhost", "127.0.0.1", "::1")  # no proxy between here and here
        return Line({"Authorization": f"Bearer {key}"} if key else {}, self.settings.timeout, direct=local)

    def _reason(self, response: Reply) -> str:
        """Return the server's message in one line of printable characters, without the key, which some servers repeat."""
        try:
            error = json.loads(response.content)["error"]
            text = str(error["message"] if isinstance(error, dict) else error)
        except (ValueError, KeyError, TypeError, RecursionError):
            return ""
        key = self.settings.key
        text = " ".join((text.replace(key, "***") if key else text).split())
        text = "".join(c if c.isprintable() else "?" for c in text[:200])
        return f": {text}" if text else ""


def estimate_tokens(characters: int) -> int:
    """Return the number of tokens of a text by the rule of thumb of four characters a token."""
    return -(-characters // 4)


def _read(body: dict[str, Any], content: bytes) -> Answer:
    """Return the answer in a response's `content`; tokens are estimated where the server gives none."""
    try:
        record = json.loads(content)
        text = record["choices"][0]["message"]["content"]
        usage = record.get("usage")
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, RecursionError):
        return Answer("", failure="malformed answer")
    if text is not None and not isinstance(text, str):
        return Answer("", failure="malformed answer")
    text = (text or "").encode("utf-8", "replace").decode()  # no half characters, which nothing could write down
    told: Any = usage if isinstance(usage, dict) else {}
    tokens_in, tokens_out = told.get("prompt_tokens"), told.get("completion_tokens")
    if (
        type(tokens_in) is int
        and type(tokens_out) is int
        and 0 <= min(tokens_in, tokens_out) <= max(tokens_in, tokens_out) < MOST_TOKENS
    ):
        return Answer(text, tokens_in, tokens_out)
    asked = sum(len(message["content"]) for message in body["messages"])
    return Answer(text, estimate_tokens(asked), estimate_tokens(len(text)), True)


def _advice(status: int) -> str:
    if status in (401, 403):
        return "put a valid key into the environment variable that key_variable names"
    if 300 <= status < 400:
        return "redirects are not followed: set base_url to where it leads"
    if status == 404:
        return "check that base_url ends like .../v1 and that the endpoint serves the model"
    return "check base_url, model and the parameters"
