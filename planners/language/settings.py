"""How an endpoint is asked: one record, filled from parameters and the environment.

Parameters
----------
base_url : address of an OpenAI-compatible endpoint; GAMEPLAN_LLM_BASE_URL if it is empty
model : name that the endpoint serves; GAMEPLAN_LLM_MODEL if it is empty
key_variable : environment variable that holds the key
temperature : of the answers; from 0 to 1000
max_tokens : of an answer; at least 1, or 0 to leave it to the server
timeout : seconds for a whole request; from 0.001 to 86,400
retries : further attempts after a failure; from 0 to 1000
backoff : seconds before the second attempt, twice as many before each further one; from 0 to 86,400
concurrency : requests under way at once; from 1 to 1024
cache : directory of recorded answers; none if it is empty
replay : whether only recorded answers are given, and none asked for
send_seed : whether the number of the sample is passed on as seed, which a few servers refuse
"""

import os
from dataclasses import dataclass, fields
from typing import Any
from urllib.parse import urlsplit

from games.errors import UsageError
from games.params import Value, check_bounds


@dataclass(frozen=True)
class Settings:
    """An endpoint and how it is asked.

    `base_url` and `model` come from GAMEPLAN_LLM_BASE_URL and GAMEPLAN_LLM_MODEL if empty. `key_variable` is the name of the
    environment variable with the key, which itself appears in no parameter, record or message. `max_tokens` 0 leaves the length to
    the server. `timeout`, for a whole request, and `backoff`, the first wait between attempts (each further one is twice as long),
    are seconds; at most `concurrency` requests are under way at once. `cache` is the directory of recorded answers, empty for none;
    with `replay` only they answer. `send_seed` passes the number of the sample on as ``seed``, which a few servers refuse.
    """

    base_url: str = ""
    model: str = ""
    key_variable: str = "GAMEPLAN_LLM_KEY"
    temperature: float = 0.6
    max_tokens: int = 0
    timeout: float = 60.0
    retries: int = 5
    backoff: float = 0.5
    concurrency: int = 8
    cache: str = ""
    replay: bool = False
    send_seed: bool = True

    @staticmethod
    def resolve(**given: Any) -> "Settings":
        """Return the settings for `given` values of `PARAMS`, with what they leave empty from the environment.

        Raises
        ------
        UsageError
            If no endpoint or model is named, or a value is impossible.
        """
        for name in ("base_url", "model"):
            given[name] = str(given.get(name) or os.environ.get(f"GAMEPLAN_LLM_{name.upper()}", "")).strip()
        settings = Settings(**given)
        if not settings.base_url and not settings.replay:
            raise UsageError(
                "no language model: set base_url=URL or GAMEPLAN_LLM_BASE_URL, such as http://127.0.0.1:8000/v1; "
                "'gameplan stub-server' starts a stand-in"
            )
        if not settings.model:
            raise UsageError("no language model is named: set model=NAME or GAMEPLAN_LLM_MODEL to one that the endpoint serves")
        _check(settings)
        return settings

    @property
    def key(self) -> str:
        """The key, or an empty text."""
        return os.environ.get(self.key_variable, "").strip()


# Parameters, with defaults, of everything that asks a language model.
PARAMS: dict[str, Value] = {field.name: field.default for field in fields(Settings)}  # type: ignore[misc]

_BOUNDS = {
    "temperature": (0.0, 1e3),
    "max_tokens": (0, 1 << 31),
    "timeout": (1e-3, 86_400.0),
    "retries": (0, 1000),
    "backoff": (0.0, 86_400.0),
    "concurrency": (1, 1024),
}


def _check(settings: Settings) -> None:
    parts = urlsplit(settings.base_url)
    if settings.base_url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(f"base_url {settings.base_url!r} is no http address; write it like http://127.0.0.1:8000/v1")
    if parts.username or parts.password:
        raise UsageError("base_url holds a user or password; put the key into the environment variable that key_variable names")
    check_bounds(vars(settings), _BOUNDS)
    if settings.replay and not settings.cache:
        raise UsageError("replay=true needs the directory of the recording: set cache=DIR")
