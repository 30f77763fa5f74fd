"""Jobs for the tests of engines; workers import them."""

import os
import signal
import time
from pathlib import Path

from workbench.engines import cancelled


def square(n: int) -> int:
    return n * n


def square_or_die(n: int) -> int:
    if n == 1:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(0.05)
    return n * n


def refuse(n: int) -> int:
    raise ValueError(f"{n} is odd")


def sleep_and_say_who(directory: str) -> None:
    (Path(directory) / str(os.getpid())).touch()
    time.sleep(60)


def wait_until_cancelled(directory: str) -> None:
    (Path(directory) / "began").touch()
    deadline = time.monotonic() + 20
    while not cancelled() and time.monotonic() < deadline:
        time.sleep(0.02)
    if cancelled():
        (Path(directory) / "stopped").touch()
