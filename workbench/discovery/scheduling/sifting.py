"""The way of a step from its proposal to its end: checked, examined, measured, set beside the yardstick."""

import statistics
from collections.abc import Callable, Mapping
from concurrent.futures import Executor, Future
from dataclasses import replace

from games.errors import GameplanError
from workbench.discovery.books.journal import Journal
from workbench.discovery.books.records import INFRA, OK, SLOW, Job, Outcome, Proposal, failed, rejected
from workbench.discovery.books.store import Step, StoredProgram, program_row
from workbench.discovery.books.text import storable
from workbench.discovery.isolation import examine, measure
from workbench.discovery.scheduling import pace
from workbench.discovery.scheduling.precaution import Fault, Precaution
from workbench.discovery.scheduling.proposing import answered
from workbench.discovery.scheduling.underway import Slot

RETRIES = 2  # of a measurement whose process was lost
LOST = failed("lost")


class Sieve:
    """Moves the steps under way; candidates run on `executor` only, on which the result does not depend."""

    def __init__(self, journal: Journal, executor: Executor, precaution: Precaution) -> None:
        self._journal, self._config, self._task = journal, journal.config, journal.task
        self._executor, self._precaution = executor, precaution
        self._yardstick = pace.Yardstick(journal.store, journal.task)
        published = journal.store.seconds_by_program("known").values()
        self._typical = statistics.median(published) if published else None

    def advance(self, slots: Mapping[int, Slot]) -> bool:
        """Move every slot as far as it can go; return whether any moved."""
        moved = False
        for n in sorted(slots):
            slot = slots[n]
            if isinstance(slot.proposal, Future) and slot.proposal.done():
                slot.proposal = answered(slot, slot.proposal)
                moved = True
            if isinstance(slot.proposal, Proposal) and slot.examined is None and slot.step is None:
                self._check(slot, slot.proposal)
                moved = True
        for n in sorted(slots):  # decisions in order: what comes later may be the same program
            slot = slots[n]
            if slot.step is None and slot.measured is None:
                if slot.examined is None or not slot.examined.done():
                    break
                self._decide(slot, slot.examined.result(), [slots[k] for k in sorted(slots) if k < n])
                moved = True
        for slot in slots.values():
            if slot.step is not None or slot.measured is None or not slot.measured.done():
                continue
            if slot.paced is None:
                self._finish(slot, slot.measured.result())
                moved = True
            elif slot.paced.done():
                self._close(slot, slot.measured.result(), slow=slot.paced.result() > pace.FLAGGED)
                moved = True
        return moved

    def job(self, slot: Slot) -> Job:
        """Return what is asked of the process that runs the candidate of a step."""
        assert slot.row is not None
        config = self._config
        scale = config.horizon / self._task.horizon
        limits = config.limits(chosen=slot.n < len(config.seeds), scale=scale, typical=self._typical)
        return Job(config.task, slot.row.source, slot.trials, config.seed, limits, config.sandbox)

    def _check(self, slot: Slot, proposal: Proposal) -> None:
        """Look at a proposal without running it."""
        if proposal.status != OK:
            _end(slot, proposal.status, proposal.reason)
            return
        try:
            found = self._precaution.do(slot.n, lambda: self._admitted(proposal.source))
        except (Fault, GameplanError) as error:
            found = str(error)
        if isinstance(found, str):
            _end(slot, rejected("check"), found)
            return
        slot.row = found
        slot.examined = self._executor.submit(examine, self.job(slot))

    def _admitted(self, source: str) -> StoredProgram | str:
        """Return the program in normal form, or what is wrong with it."""
        problems = self._task.problems(source)
        if problems:
            return "; ".join(problems)
        row = program_row(self._task, self._task.canonical(source))
        return row if storable(row.source) == row.source else "the program is no text that can be kept: too long, or not Unicode"

    def _decide(self, slot: Slot, outcome: Outcome, before: list[Slot]) -> None:
        """Let a program that has been examined through to measuring, unless it is known or failed."""
        slot.clocks.append(("overhead", outcome.overhead_seconds, ""))
        if outcome.status == INFRA:
            self._retry(slot, outcome, examine)
            return
        if outcome.status != OK:
            _end(slot, outcome.status, outcome.reason)
            return
        same = self._earlier(slot, outcome.fingerprint, before)
        if same is not None:
            _end(slot, rejected("duplicate"), f"behaves like {same}", outcome.fingerprint, same)
            return
        slot.measured = self._executor.submit(measure, self.job(slot))

    def _earlier(self, slot: Slot, fingerprint: str, before: list[Slot]) -> str | None:
        """Return the program that spares measuring this one: itself, or one that behaves so and is no larger.

        Equal behaviour is no proof, so no costs are copied: what is spared has no score. A smaller program is measured itself, and
        so is what the user has chosen.
        """
        assert slot.row is not None
        if self._journal.holds(slot.row.id):
            return slot.row.id
        same = [(0, o.row.id) for o in before if o.row is not None and o.row.id == slot.row.id]
        if slot.n >= len(self._config.seeds):
            known = self._journal.smallest(fingerprint)
            same += [known] if known is not None else []
            same += [(o.row.size, o.row.id) for o in before if o.row is not None and _is_measured(o, fingerprint)]
        smallest = min(same, key=lambda known: known[0], default=None)  # whichever of them have been written already
        return smallest[1] if smallest is not None and smallest[0] <= slot.row.size else None

    def _finish(self, slot: Slot, outcome: Outcome) -> None:
        if outcome.status == INFRA:
            self._retry(slot, outcome, measure)
            return
        slot.clocks.append(("compile" if outcome.compiled else "recompile", outcome.compile_seconds, ""))
        slot.clocks.append(("overhead", outcome.overhead_seconds, ""))
        slot.clocks += [("run", seconds, trial.instance) for trial, seconds in zip(slot.trials, outcome.seconds, strict=False)]
        job = self.job(slot)
        slow = self._yardstick.judge(job, outcome)
        if slow is None:
            slot.paced = self._executor.submit(pace.compared, (job, replace(job, source=self._yardstick.source)))
        else:
            self._close(slot, outcome, slow=slow)

    def _close(self, slot: Slot, outcome: Outcome, *, slow: bool) -> None:
        """End a step that was measured."""
        status, why = (SLOW, self._yardstick.reason) if slow else (outcome.status, outcome.reason)
        _end(slot, status, why, slot.examined.result().fingerprint if slot.examined else "")

    def _retry(self, slot: Slot, outcome: Outcome, work: Callable[[Job], Outcome]) -> None:
        if slot.retries >= RETRIES:
            _end(slot, LOST, f"{outcome.reason}; tried {RETRIES + 1} times")
            return
        slot.retries += 1
        future = self._executor.submit(work, self.job(slot))
        if work is examine:
            slot.examined = future
        else:
            slot.measured = future


def _is_measured(slot: Slot, fingerprint: str) -> bool:
    """Whether a step under way, which has been decided, is measured and behaves so."""
    examined = slot.examined.result() if slot.examined is not None and slot.examined.done() else None
    return slot.measured is not None and examined is not None and examined.fingerprint == fingerprint


def _end(slot: Slot, status: str, reason: str, fingerprint: str = "", same_as: str | None = None) -> None:
    proposal = slot.proposal
    assert isinstance(proposal, Proposal)
    how = (proposal.operator, slot.island, proposal.parents, proposal.detail)
    slot.step = Step(slot.n, slot.row.id if slot.row else None, *how, status, reason, fingerprint, same_as, 0)
