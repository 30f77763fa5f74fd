"""What a teacher says of a position, small enough to keep beside every chain and to check it by."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from games.reading import Kind, listed, number, optional, record, text, whole
from planners.search.record import SearchRecord


@dataclass(frozen=True)
class Move:
    """One action as the teacher sees it.

    `value` is the mean return that follows, `spread` the standard deviation of one, over `visits` simulations; `risk` the share of
    them lost soon; `follow_ups` are the actions looked at most after it. An exact teacher has no visits, spread or risk.
    """

    action: str
    value: float
    visits: int = 0
    spread: float = 0.0
    risk: float = 0.0
    follow_ups: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        """The standard error of `value`."""
        return self.spread / math.sqrt(self.visits) if self.visits else 0.0


@dataclass(frozen=True)
class Judgement:
    """A position as a teacher sees it: every action with an effect, the best first; `within` counts the steps of `Move.risk`."""

    moves: tuple[Move, ...]
    within: int = 0

    @property
    def chosen(self) -> str:
        """The action to take."""
        return self.moves[0].action

    @property
    def gap(self) -> float:
        """How much better the chosen action is than the second, infinite without one."""
        return self.moves[0].value - self.moves[1].value if len(self.moves) > 1 else math.inf

    @property
    def gap_error(self) -> float:
        """The standard error of `gap`."""
        return math.hypot(*(move.error for move in self.moves[:2]))

    def move(self, action: str) -> Move | None:
        """Return what is known of `action`, None if it has no effect."""
        return next((move for move in self.moves if move.action == action), None)

    def to_json(self) -> dict[str, Any]:
        """Return the judgement as a record for JSON."""
        moves = [{**vars(move), "follow_ups": list(move.follow_ups)} for move in self.moves]
        return {"chosen": self.chosen, "gap": self.gap if len(moves) > 1 else None, "within": self.within, "moves": moves}

    @staticmethod
    def from_json(found: dict[str, Any]) -> "Judgement":
        """Return the judgement of which `to_json` made `found`."""
        moves = [Move(**{**move, "follow_ups": tuple(move["follow_ups"])}) for move in found["moves"]]
        return Judgement(tuple(moves), found["within"])


_MOVE = {
    "action": text(), "value": number(), "visits": whole(0), "spread": number(0.0), "risk": number(0.0),
    "follow_ups": listed(text()),
}  # fmt: skip
JUDGEMENT: Kind = record({"chosen": text(), "gap": optional(number()), "within": whole(0), "moves": listed(record(_MOVE))})


def judged(found: SearchRecord, name: Callable[[int], str], within: int) -> Judgement:
    """Return the judgement of a search; `name` puts actions into words."""
    moves = [
        Move(
            name(a.action),
            a.value,
            a.visits,
            a.sd if a.visits > 1 else 0.0,
            a.risk,
            tuple(name(f.action) for f in a.follow_ups),
        )
        for a in found.actions
    ]
    return Judgement(tuple(moves), within)
