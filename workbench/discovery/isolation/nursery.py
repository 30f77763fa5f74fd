"""The warden's zygotes: those kept for the next constants, and what is forked ahead, because forking takes milliseconds."""

import os
from collections import OrderedDict
from contextlib import suppress
from typing import NamedTuple

from workbench.discovery.books.records import OK, Limits
from workbench.discovery.isolation.zygote import Child, Died, Zygote
from workbench.discovery.task import Task

KEPT = 6  # zygotes, for programs that differ in constants only


class Key(NamedTuple):
    """What a zygote is for; the structure None is that of programs which are not taken apart."""

    task: str
    structure: str | None
    limits: Limits


class _Ahead(NamedTuple):
    """A child that waits for its first request."""

    zygote: Zygote
    cpu_seconds: float
    random: bool
    child: Child


class Nursery:
    """Zygotes by what they are for. While one prepares, the next zygote and the next examination's child are forked."""

    def __init__(self, *, locked: bool) -> None:
        self._locked = locked
        self._kept: OrderedDict[Key, Zygote] = OrderedDict()
        self._spare: tuple[str, Zygote] | None = None  # by its task: one that waits for its structure
        self._ahead: _Ahead | None = None
        self._leaving: list[int] = []  # processes that were killed; the kernel takes milliseconds for their memory

    def zygote(self, task: Task, key: Key, deadline: float) -> tuple[Zygote, bool]:
        """Return a zygote for `key`, and whether it is new; its `prepared` says if it can have children."""
        found = self._kept.get(key)
        new = found is None or not found.alive
        if found is None or new:
            found = self._take_spare(task, key)
            found.send(key.structure)
            self._spare = key.task, Zygote(task, key.limits, locked=self._locked)
            self._fork_ahead(key)
            found.receive(deadline)
            self._kept[key] = found
        self._kept.move_to_end(key)
        if found.prepared.status != OK:
            self._kept.pop(key).end()
        while len(self._kept) > KEPT:
            self._leaving.append(self._kept.popitem(last=False)[1].leave())
        self._leaving = [pid for pid in self._leaving if pid and os.waitpid(pid, os.WNOHANG) == (0, 0)]
        return found, new

    def child(self, zygote: Zygote, *, cpu_seconds: float, random: bool) -> Child:
        """Return a new child of `zygote`; the one before must have been closed.

        Raises
        ------
        Died
            If the zygote has died.
        """
        if self._ahead is not None and self._ahead.zygote is zygote and zygote.alive:
            ahead, self._ahead = self._ahead, None
            if (ahead.cpu_seconds, ahead.random) == (cpu_seconds, random) and ahead.child.alive:
                return ahead.child
            ahead.child.close()  # a zygote has one child at a time
        return zygote.start(cpu_seconds=cpu_seconds, random=random)

    def clear(self) -> None:
        """End all: what was loaded since they were forked is not known to them."""
        for zygote in self._kept.values():
            zygote.end()
        self._kept.clear()
        self._drop_spare()
        self._drop_ahead()

    def _take_spare(self, task: Task, key: Key) -> Zygote:
        """Return a zygote that waits for its structure."""
        if self._spare is not None:
            name, spare = self._spare
            if name == key.task and spare.limits == key.limits and spare.alive:
                self._spare = None
                return spare
            self._drop_spare()
        return Zygote(task, key.limits, locked=self._locked)

    def _fork_ahead(self, key: Key) -> None:
        """Have a child ready for the next examination."""
        if self._ahead is not None and not self._ahead.zygote.alive:
            self._drop_ahead()
        empty = self._kept.get(key._replace(structure=None))
        if self._ahead is None and key.structure is not None and empty is not None and empty.alive:
            with suppress(Died):
                seconds = key.limits.cpu_seconds
                self._ahead = _Ahead(empty, seconds, True, empty.start(cpu_seconds=seconds, random=True))

    def _drop_spare(self) -> None:
        if self._spare is not None:
            self._spare[1].end()
            self._spare = None

    def _drop_ahead(self) -> None:
        if self._ahead is not None:
            self._ahead.child.close()
            self._ahead = None
