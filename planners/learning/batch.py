"""A batch: what was played between two updates, as arrays, and what can be asked about it. This is what methods see."""

from collections.abc import Callable
from copy import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from planners.learning.questions import Questions

OWN = ("rewards", "weight", "hopeless")  # of a batch: what a method may put in another's place


@dataclass
class Batch:
    """Turns, and rows: what was chosen at a turn, once where it was played and several times where actions are sampled in groups.

    Attributes
    ----------
    states : (turns, width) int64
    offered : (turns, actions) int64
    counts : (turns,) int64
        The actions among which the policy chooses, and their number.
    old : (turns, actions)
        Log-probabilities of the policy that played; -inf beyond the number of actions.
    sequence : (turns,) int64
    place : (turns,) int64
        Which environment or episode a turn is of, and the how manieth of it in this batch.
    gained : (turns,)
        The reward of the action that was played.
    over, cut : (turns,) bool
        The episode ended with this turn; or what follows it is not in the batch.
    afters : (turns, width) int64
        The states after the turns.
    at, chosen : (rows,) int64
        The turn of a row, and the place of its action among the offered ones.
    rewards : (rows,)
        Of the row's action; methods may shape them (`rewards` of a method).
    group : (rows,) int64
        Rows that are compared with each other.
    weight : (rows,)
        How much a row counts in the loss; the rows of a turn sum to 1.
    lengths : (sequences,) int64
        Turns of each sequence. They are all equal where environments go on from batch to batch.
    solved : (sequences,) bool
        Whether the episode ended in a goal, where whole episodes are played.
    hopeless : (turns,) bool
        Where a method says that nothing is to be learned from what follows; an episode that is there now is given up.
    options : mapping
        The trainer's options.
    ask : Questions
        Answers what else there is to know: learned values, the Monte-Carlo critic.
    memory : dict
        Arrays by name that a method keeps from update to update; "targets", if it is there, is what a learned value moves to.
    """

    states: np.ndarray
    offered: np.ndarray
    counts: np.ndarray
    old: np.ndarray
    sequence: np.ndarray
    place: np.ndarray
    gained: np.ndarray
    over: np.ndarray
    cut: np.ndarray
    afters: np.ndarray
    at: np.ndarray
    chosen: np.ndarray
    rewards: np.ndarray
    group: np.ndarray
    weight: np.ndarray
    lengths: np.ndarray
    solved: np.ndarray
    hopeless: np.ndarray
    options: dict
    ask: Questions
    memory: dict = field(default_factory=dict)

    def held(self) -> "Batch":
        """Return the same, of which a method can change what is its own (`OWN`) and `memory`: anything else is read again later."""
        found = copy(self)
        for name, array in vars(self).items():
            if isinstance(array, np.ndarray) and name not in OWN:
                view = array.view()
                view.flags.writeable = False
                setattr(found, name, view)
        found.options = dict(self.options)
        return found

    def following(self, values: np.ndarray, ask: Callable[..., np.ndarray]) -> np.ndarray:
        """Return the values of the states after all turns, given those before them; 0 where the episode is over.

        ``ask(turns, after=True)`` says those of states after which the batch does not go on.
        """
        after = np.zeros(len(values))
        goes_on = np.flatnonzero(~self.over & ~self.cut)
        after[goes_on] = values[goes_on + 1]
        edge = np.flatnonzero(~self.over & self.cut)
        if len(edge):
            after[edge] = ask(edge, after=True)
        return after

    def by_sequence(self, x: np.ndarray, fill: Any = 0) -> np.ndarray:
        """Return an array of turns as (sequences, turns); sequences that are shorter than the longest are filled up."""
        table = np.full((len(self.lengths), int(self.lengths.max(initial=0))), fill, x.dtype)
        table[self.sequence, self.place] = x
        return table

    def of_turns(self, table: np.ndarray) -> np.ndarray:
        """Return an array (sequences, turns) as one of turns."""
        return table[self.sequence, self.place]

    def returns(self) -> np.ndarray:
        """Return the undiscounted sum of the rewards of each sequence."""
        return np.bincount(self.sequence[self.at], self.rewards, minlength=len(self.lengths))
