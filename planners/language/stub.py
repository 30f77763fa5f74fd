"""A server that stands in for a language model: the same protocol, on the loopback address, without a model or a network.

Every answer depends on the seed, the request, and how often the request came before, and on nothing else, so that concurrency does
not change results (scripted texts, which go in order of arrival, are the exception).
"""

import hashlib
import json
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np

from games.dispatch import plain
from games.errors import GameplanError, UsageError, did_you_mean
from games.random import stream, unit
from planners.language.client import estimate_tokens

MODES = ("random", "legal", "scripted", "planner", "edit")
_unit = plain(unit)

# What a fault does to the text of an answer ...
TEXT_FAULTS: dict[str, Callable[[str], str]] = {
    "text-after": lambda text: f"{text}\nThat is the best move here.",
    "missing-label": lambda text: text.rpartition("move: ")[2],
    "wrong-case": lambda text: text.replace("move: ", "MOVE: ").upper() if "move: " in text else text.upper(),
    "illegal-word": lambda text: text.rpartition("move: ")[0] + "move: jump",
    "empty": lambda text: "",
}
# ... and to how it is sent.
WIRE_FAULTS = ("missing-usage", "http-429", "http-500", "delay", "truncated-json", "dropped")
FAULTS = (*TEXT_FAULTS, *WIRE_FAULTS)
LONGEST_REQUEST = 4 << 20  # bytes


@dataclass
class StubSettings:
    """What the stub answers.

    `respond(messages, rng)` makes the text of an answer; `faults` has rates in [0, 1], drawn for each on its own; `delay` is in
    seconds.
    """

    respond: Callable[[Sequence[Mapping[str, str]], np.ndarray], str]
    model: str = "stub"
    seed: int = 0
    faults: Mapping[str, float] = field(default_factory=dict)
    delay: float = 1.0


class StubServer:
    """A running stub; use it in a ``with`` block, or `start` and `stop` it.

    Attributes
    ----------
    url : str
        The base URL for clients.
    counts : Counter
        Requests that came, under "requests", and faults that were shown, under their names.
    """

    def __init__(self, settings: StubSettings, port: int = 0) -> None:
        for name, rate in settings.faults.items():
            if name not in FAULTS:
                raise UsageError(f"unknown fault {name!r}{did_you_mean(name, list(FAULTS))}; legal are {', '.join(FAULTS)}")
            if not 0.0 <= rate <= 1.0:
                raise UsageError(f"fault {name}={rate} is no rate; it must be between 0 and 1")
        self.settings = settings
        self.counts: Counter[str] = Counter()
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()
        try:
            self._server = _Server(("127.0.0.1", port), _Handler)
        except OSError as error:
            raise GameplanError(f"port {port} cannot be used ({error.strerror}); choose another, or 0 for any free one") from error
        self._server.stub = self
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Serve in a thread of its own."""
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._thread is not None:
            self._server.shutdown()
            self._thread.join()
        self._server.server_close()

    def serve(self) -> None:
        """Serve until interrupted."""
        self._server.serve_forever()

    def __enter__(self) -> "StubServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def answer(self, body: Mapping[str, Any]) -> tuple[str, set[str]]:
        """Return the text that answers the request `body`, and the faults to show with it."""
        digest = hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
        with self._lock:
            repeat = self._seen[digest]
            self._seen[digest] += 1
        rng = stream("stub", self.settings.seed, digest, repeat)
        faults = {name for name in FAULTS if self.settings.faults.get(name, 0.0) > _unit(rng)}
        text = self.settings.respond(body["messages"], rng)
        for name, spoil in TEXT_FAULTS.items():
            if name in faults:
                text = spoil(text)
        with self._lock:
            self.counts.update(["requests", *faults])
        return text, faults


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    stub: StubServer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Say nothing: a client that has gone away is what the faults are about."""


class _Handler(BaseHTTPRequestHandler):
    server: _Server
    protocol_version = "HTTP/1.1"
    timeout = 60.0  # seconds that a silent connection is kept
    disable_nagle_algorithm = True  # else answers wait 40 ms for the acknowledgement of their header
    wbufsize = -1

    def do_GET(self) -> None:
        """Answer ``/v1/models``."""
        if self.path.rstrip("/") != "/v1/models":
            self._refuse(404, f"there is no {self.path}; ask for /v1/models or post to /v1/chat/completions")
            return
        self._send(
            200, {"object": "list", "data": [{"id": self.server.stub.settings.model, "object": "model", "owned_by": "gameplan"}]}
        )

    def do_POST(self) -> None:
        """Answer ``/v1/chat/completions``."""
        settings = self.server.stub.settings
        length = self.headers.get("Content-Length", "")
        if not length.isdecimal() or int(length) > LONGEST_REQUEST:
            self.close_connection = True
            self._refuse(413, f"a request needs a length of at most {LONGEST_REQUEST} bytes")
            return
        content = self.rfile.read(int(length))
        if self.path.rstrip("/") != "/v1/chat/completions":
            self._refuse(404, f"there is no {self.path}; post to /v1/chat/completions")
            return
        body = _checked(content)
        if body is None:
            self._refuse(400, "the request is no JSON object with messages of role and content")
            return
        if body.get("model") != settings.model:
            self._refuse(404, f"the model {str(body.get('model'))[:80]!r} does not exist; this server has {settings.model!r}")
            return
        try:
            text, faults = self.server.stub.answer(body)
        except GameplanError as error:
            self._refuse(400, str(error))
            return
        if "delay" in faults:
            time.sleep(settings.delay)
        if "dropped" in faults:
            self.close_connection = True
        elif "http-429" in faults:
            self._refuse(429, "too many requests")
        elif "http-500" in faults:
            self._refuse(500, "something went wrong")
        else:
            asked = sum(len(message["content"]) for message in body["messages"])
            self._send(
                200, _completion(settings.model, text, asked, "missing-usage" not in faults), half="truncated-json" in faults
            )

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""

    def _refuse(self, status: int, message: str) -> None:
        self._send(status, {"error": {"message": message, "type": "invalid_request_error", "code": status}})

    def _send(self, status: int, record: Any, half: bool = False) -> None:
        content = json.dumps(record).encode()
        content = content[: len(content) // 2] if half else content
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


def _checked(content: bytes) -> dict[str, Any] | None:
    """Return the request in `content`, None if it is none."""
    try:
        body = json.loads(content)
        messages = body["messages"]
        fits = bool(messages) and all(isinstance(m["role"], str) and isinstance(m["content"], str) for m in messages)
    except (ValueError, KeyError, TypeError, RecursionError):
        return None
    return body if fits else None


def _completion(model: str, text: str, asked: int, usage: bool) -> dict[str, Any]:
    tokens_in, tokens_out = estimate_tokens(asked), estimate_tokens(len(text))
    record: dict[str, Any] = {
        "id": "stub",
        "object": "chat.completion",
        "created": 0,
        "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text}, "finish_reason": "stop"}],
    }
    if usage:
        record["usage"] = {"prompt_tokens": tokens_in, "completion_tokens": tokens_out, "total_tokens": tokens_in + tokens_out}
    return record
