"""Answers kept on disk, one file each, named by a hash of the whole question: a cache, a record of a run, and its replay."""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

from games.errors import GameplanError
from games.files import reason, remove_stale, write_atomically
from games.reading import flag, read_record, record, text, whole


class Answer(NamedTuple):
    """What came back: the `text` (empty if the model said nothing), tokens, and the `failure` if there was no answer at all."""

    text: str
    tokens_in: int = 0
    tokens_out: int = 0
    estimated: bool = False  # the server gave no usage: tokens are characters / 4
    failure: str = ""  # "time-out", "HTTP 429", "dropped connection", "malformed answer" ...


_COUNT, _TEXT = whole(0), text(most=1 << 27)
_ANSWER = {"text": _TEXT, "tokens_in": _COUNT, "tokens_out": _COUNT, "estimated": flag, "failure": _TEXT}
_RECORDING = record({"answer": record(_ANSWER)})


class Recordings:
    """A directory of answers; threads may share it, and processes may share the directory."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._lock = threading.Lock()
        self._askers: dict[str, tuple[threading.Lock, int]] = {}

    def answer(self, body: dict[str, Any], sample: int, ask: Callable[[], Answer] | None) -> tuple[Answer, bool]:
        """Return the answer to the request `body` (model, messages, parameters) in this `sample`, and whether it was recorded.

        `ask` gets one that is not; threads that wait for the same answer have it asked once. Recorded failures are asked again. If
        `ask` is None (replay), failures repeat, and a missing answer is a `GameplanError`.
        """
        key = hashlib.sha256(json.dumps([body, sample], sort_keys=True).encode()).hexdigest()
        path = self.directory / key[:2] / f"{key}.json"
        with self._alone(key):
            found = _read(path)
            if found is not None and (ask is None or not found.failure):
                return found, True
            if ask is None:
                raise GameplanError(
                    f"replay: {self.directory} holds no answer of {body['model']} to this question ({key[:12]}); "
                    "replay with the settings and seeds of the recording, or say replay=false to ask the endpoint"
                )
            answer = ask()
            try:
                entry = {"request": body, "sample": sample, "answer": answer._asdict()}
                write_atomically(path, json.dumps(entry, indent=1).encode())
                remove_stale(path.parent)
            except OSError as error:
                raise GameplanError(f"answers cannot be kept in {self.directory} ({reason(error)}); name another cache") from error
            return answer, False

    @contextmanager
    def _alone(self, key: str) -> Iterator[None]:
        with self._lock:
            own, waiting = self._askers.get(key, (threading.Lock(), 0))
            self._askers[key] = (own, waiting + 1)
        try:
            with own:
                yield
        finally:
            with self._lock:
                own, waiting = self._askers[key]
                if waiting == 1:
                    del self._askers[key]
                else:
                    self._askers[key] = (own, waiting - 1)


def _read(path: Path) -> Answer | None:
    try:
        if not path.exists():
            return None
    except OSError as error:
        raise GameplanError(f"{path} cannot be read ({reason(error)}); name another cache") from error
    entry = read_record(path, _RECORDING, f"{path.name} is no recorded answer: remove it")
    return Answer(**{name: entry["answer"][name] for name in Answer._fields})
