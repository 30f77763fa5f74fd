"""A solver at work in a locked process: made, advanced, and asked for what it has found, over and over.

The client sends an order (the task, the game, programs as texts) and then one call at a time; the warden hands calls on to one
locked child, and arrays back. What comes back is the program's word: who asks checks it.
"""

from collections.abc import Mapping
from typing import Any

from games.errors import GameplanError, UsageError
from games.loader import load_game
from workbench.discovery.books.records import OK, Limits
from workbench.discovery.isolation import child, wire
from workbench.discovery.isolation.client import Handle
from workbench.discovery.isolation.zygote import Zygote, deadline_after
from workbench.discovery.task import Answer, find_task

LONG = 1e8  # seconds: whoever started this can stop it
MEMORY = 8 << 30  # bytes beyond what the process has when it is locked in


class Session:
    """The client's end. `order` has "task", "game", "max_histories" and what the task's ``solver`` needs."""

    def __init__(self, order: Mapping[str, Any], sandbox: str = "auto") -> None:
        self._handle = Handle(sandbox)
        self.opened = self.ask({"do": "session", "call": "open", **order})

    def ask(self, request: Mapping[str, Any]) -> Answer:
        """Return the answer to a request.

        Raises
        ------
        GameplanError
            With what the program, or the process that runs it, says instead.
        """
        process = self._handle.process
        assert process.stdin and process.stdout
        try:
            wire.send(process.stdin.fileno(), request)
            head = wire.receive(process.stdout.fileno())
            if "error" in head:
                raise (UsageError if head["usage"] else GameplanError)(head["error"])
            if head["status"] == OK:
                return wire.unpack(wire.read_block(process.stdout.fileno()))
        except (wire.Gone, OSError, ValueError) as error:
            raise GameplanError(f"the process that the program runs in has ended: {self._handle.end() or error}") from error
        kind = head["status"].removeprefix("error:")
        raise GameplanError(head["reason"] if kind in ("RuleError", "GameplanError") else f"{kind}: {head['reason']}")

    def close(self) -> None:
        """End the processes."""
        self._handle.end()


def serve_session(order: dict[str, Any], inp: int, out: int, *, locked: bool) -> None:
    """Be the warden of a session until `inp` ends."""
    task: Any = find_task(order["task"])
    load_game(order["game"], max_histories=order["max_histories"])
    task.warm([order["game"]])
    task.warm_session(order)
    child.warm()
    zygote = Zygote(task, Limits(LONG, LONG, MEMORY), locked=locked)
    zygote.send(None)
    zygote.receive(deadline_after(60.0))
    worker = zygote.start(cpu_seconds=LONG, random=True)
    request = {**order, "do": "session"}
    while True:
        reply = worker.ask(request, deadline_after(LONG / 100))
        wire.send(out, {"status": reply.status, "reason": reply.reason})
        if reply.status == OK:
            wire.write_block(out, wire.pack(reply.answer or {}))
        try:
            request = wire.receive(inp)
        except wire.Gone:
            return
