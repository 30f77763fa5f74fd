"""Endpoints that mean no good: answers that never end, that grow when unpacked, that lead elsewhere, that are no JSON."""

import gzip
import json
import socket
import threading
import time
from contextlib import contextmanager

import pytest

from games.errors import GameplanError
from planners.language import transport
from planners.language.client import Client
from planners.language.settings import Settings

QUESTION = [{"role": "user", "content": "Where to?"}]
GOOD = json.dumps({"choices": [{"message": {"content": "left"}}]}).encode()


@contextmanager
def server(behave):
    """Yield the address of a server that reads a request and then lets `behave` (connection, closing) answer."""
    listener = socket.create_server(("127.0.0.1", 0))
    closing, requests = threading.Event(), []

    def serve():
        while not closing.is_set():
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=handle, args=(connection,), daemon=True).start()

    def handle(connection):
        with connection:
            try:
                while not closing.is_set():
                    data = b""
                    while b"\r\n\r\n" not in data:
                        more = connection.recv(65536)
                        if not more:
                            return
                        data += more
                    requests.append(data)
                    if behave(connection, closing) is False:
                        return
            except OSError:
                pass

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1", requests
    finally:
        closing.set()
        listener.close()


def head(length, *more, status="200 OK"):
    return "".join(f"{line}\r\n" for line in (f"HTTP/1.1 {status}", f"Content-Length: {length}", *more, "")).encode()


def whole(content, *more, status="200 OK"):
    def behave(connection, closing):
        connection.sendall(head(len(content), *more, status=status) + content)

    return behave


def trickle(before, content):
    def behave(connection, closing):
        connection.sendall(before)
        for k in range(10_000):
            if closing.wait(0.02):
                break
            connection.sendall(content[k % len(content) :][:1])
        return False

    return behave


def ask(url, **settings):
    client = Client(Settings.resolve(**{"base_url": url, "model": "m", "retries": 0, "timeout": 5.0, **settings}), lambda s: None)
    try:
        return client.ask(QUESTION)
    finally:
        client.close()


@pytest.mark.parametrize(
    "behave",
    [
        trickle(head(1_000_000), b" "),  # a body that never ends
        trickle(b"HTTP/1.1 200 OK\r\nX: ", b"a"),  # a header that never ends
        trickle(b"HTTP/1.1 500 Oh\r\nContent-Length: 1000000\r\n\r\n", b" "),  # an error that never ends
        trickle(b"", b"H"),  # not even a status
        lambda connection, closing: closing.wait(5),  # nothing at all
    ],
)
def test_a_request_ends_at_its_deadline_whatever_the_server_does(behave):
    with server(behave) as (url, _):
        begin = time.perf_counter()
        assert ask(url, timeout=0.3).failure == "time-out"
        assert 0.25 < time.perf_counter() - begin < 5.0  # 200 s if every read had the time to itself


def test_the_deadline_is_that_of_one_request_not_of_the_connection():
    def slow(connection, closing):
        time.sleep(0.15)
        connection.sendall(head(len(GOOD)) + GOOD)

    with server(slow) as (url, requests):
        client = Client(Settings.resolve(base_url=url, model="m", retries=0, timeout=0.6))
        assert [client.ask(QUESTION, k).text for k in range(5)] == ["left"] * 5
        client.close()
    assert len(requests) == 5


@pytest.mark.parametrize("status", ["200 OK", "404 No"])
def test_no_more_is_unpacked_than_the_limit(status, monkeypatch):
    monkeypatch.setattr(transport, "MOST_BYTES", 1 << 20)
    bomb = gzip.compress(bytes(32 << 20))
    assert len(bomb) < 64 << 10
    with server(whole(bomb, "Content-Encoding: gzip", status=status)) as (url, _):
        assert ask(url).failure == "answer too long"
    with server(whole(bytes((1 << 20) + 1), status=status)) as (url, _):
        assert ask(url).failure == "answer too long"


def test_packed_answers_are_read_and_unknown_or_stacked_encodings_are_not():
    for encoding, content in (("gzip", gzip.compress(GOOD)), ("identity", GOOD)):
        with server(whole(content, f"Content-Encoding: {encoding}")) as (url, _):
            assert ask(url).text == "left"
    for encoding, content in (("br", GOOD), ("gzip, gzip", gzip.compress(gzip.compress(GOOD))), ("gzip", GOOD)):
        with server(whole(content, f"Content-Encoding: {encoding}")) as (url, _):
            assert ask(url).failure == "malformed answer"


def test_a_redirect_is_not_followed_and_the_key_goes_nowhere(monkeypatch):
    monkeypatch.setenv("GAMEPLAN_LLM_KEY", "sk-secret")
    with server(whole(GOOD)) as (elsewhere, seen):
        for status in ("301 Moved", "307 Moved", "308 Moved"):
            with (
                server(whole(b"", f"Location: {elsewhere}/chat/completions", status=status)) as (url, _),
                pytest.raises(GameplanError, match=r"refuses \(HTTP 30\d\); redirects are not followed"),
            ):
                ask(url)
    assert seen == []


BODIES = [
    b"[" * 200_000, b"", b"null", b"{}", b"\xff\xfe", b'{"choices": []}', b'{"choices": [{"message": {"content": 5}}]}',
    b'{"choices": ' * 90_000, b"9" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_bodies_that_are_no_answer_are_one_failure_and_in_errors_no_reason(body):
    with server(whole(body)) as (url, _):
        assert ask(url).failure == "malformed answer"
    with server(whole(body, status="400 No")) as (url, _), pytest.raises(GameplanError, match=r"refuses \(HTTP 400\)"):
        ask(url)


def test_what_a_server_says_is_made_printable_and_impossible_numbers_are_estimated():
    message = json.dumps({"error": {"message": "no\x1b[31m red\x07 \u202e text"}}).encode()
    with server(whole(message, status="400 No")) as (url, _), pytest.raises(GameplanError) as caught:
        ask(url)
    assert "\x1b" not in str(caught.value) and "\u202e" not in str(caught.value) and "red" in str(caught.value)
    record = {"choices": [{"message": {"content": "a\ud800b"}}], "usage": {"prompt_tokens": 10**30, "completion_tokens": 1}}
    with server(whole(json.dumps(record).encode())) as (url, _):
        answer = ask(url)
    assert answer.text == "a?b" and answer.estimated and answer.tokens_in < 100
