"""One request to an endpoint: a deadline for the whole of it, a limit on what it may answer, no redirects.

A time-out of a socket bounds one read: a server that sends a byte now and then holds a client for ever. Here a watch cuts the
connection when time is up, whatever the server is doing.
"""

import socket
import threading
import zlib
from collections.abc import Mapping
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

from games.errors import GameplanError

MOST_BYTES = 64 << 20  # of an answer, decoded
_PLAIN, _PACKED = ("", "identity"), ("gzip", "x-gzip", "deflate")


class Reply(NamedTuple):
    """What a server answered; the `content` is decoded."""

    status: int
    headers: Mapping[str, str]
    content: bytes


class TransportError(Exception):
    """A request without a usable answer; the message says why, in two or three words."""


class Line:
    """A connection that carries one request at a time, and is kept for the next one.

    `seconds` is the time for a whole request; `direct` keeps away from proxies that the environment names.
    """

    def __init__(self, headers: Mapping[str, str], seconds: float, *, direct: bool) -> None:
        httpx = load_httpx()
        self._seconds = seconds
        self._stream: Any = None
        self._http = httpx.Client(
            timeout=seconds,
            headers={"Accept-Encoding": "gzip, deflate", **headers},
            trust_env=not direct,
            verify=_certificates(),
            limits=httpx.Limits(max_connections=1),
            follow_redirects=False,
        )

    @property
    def headers(self) -> Mapping[str, str]:
        """What every request says of itself."""
        headers: Mapping[str, str] = self._http.headers
        return headers

    def post(self, url: str, body: Any) -> Reply:
        """Return the server's reply to `body` as JSON.

        Raises
        ------
        TransportError
            "no connection", "time-out", "dropped connection", "answer too long" or "malformed answer".
        """
        httpx = load_httpx()
        finished, late = threading.Event(), threading.Event()
        watch = threading.Thread(target=self._watch, args=(finished, late), daemon=True)
        watch.start()
        try:
            with self._http.stream("POST", url, json=body, extensions={"trace": self._traced}) as response:
                return Reply(response.status_code, response.headers, _decoded(response))
        except TransportError:
            raise
        except Exception as error:
            if late.is_set() or (isinstance(error, httpx.TimeoutException) and not isinstance(error, httpx.ConnectTimeout)):
                raise TransportError("time-out") from error
            if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout):
                raise TransportError("no connection") from error
            if isinstance(error, httpx.HTTPError | OSError):
                raise TransportError("dropped connection") from error
            raise
        finally:
            finished.set()
            watch.join()

    def close(self) -> None:
        """Close the connection."""
        self._http.close()

    def _traced(self, event: str, about: Mapping[str, Any]) -> None:
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            self._stream = about["return_value"]

    def _watch(self, finished: threading.Event, late: threading.Event) -> None:
        wait = self._seconds
        while not finished.wait(wait):
            late.set()
            wait = 0.1  # the connection may have been made only now
            with suppress(OSError, AttributeError):
                self._stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


@cache
def _certificates() -> Any:
    """Return what servers are checked by; reading it takes longer than many a request."""
    return load_httpx().create_ssl_context()


def load_httpx() -> Any:
    """Return the module httpx, or say how to install it."""
    try:
        import httpx
    except ImportError:
        raise GameplanError("language models need the package httpx; install gameplan with its extra 'llm'") from None
    return httpx


def _decoded(response: Any) -> bytes:
    """Return the content of a response, unpacked no further than `MOST_BYTES`."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in (*_PLAIN, *_PACKED):
        raise TransportError("malformed answer")
    unpacker = zlib.decompressobj(47) if encoding in _PACKED else None
    content = bytearray()
    for chunk in response.iter_raw():
        try:
            content += unpacker.decompress(chunk, MOST_BYTES + 1 - len(content)) if unpacker else chunk
        except zlib.error as error:
            raise TransportError("malformed answer") from error
        if len(content) > MOST_BYTES:
            raise TransportError("answer too long")
    return bytes(content)
