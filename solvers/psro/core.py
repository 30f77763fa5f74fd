"""The game as populations see it: what no policy tells apart is one.

Best responses are mostly pure, agree at most infosets and often repeat. So a population holds few distinct policies, and sequences
that each of them plays with the same probability can be one; terminal rows that then agree for all players are summed. Fifty
policies in three-player Leduc poker leave 68,000 of a million rows. Nothing is approximated.
"""

import hashlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from games.jit import lean, njit
from games.sequence_form import Rows


class PolicySet:
    """A player's population.

    Attributes
    ----------
    kind : (policies,) int64 array
        The number of every policy among the distinct ones, in the order in which the policies came.
    label : (sequences,) int64 array
        The class of every sequence; with `merging` two are in one class if all policies agree on them, else each has its own.
    sample : (classes,) int64 array
        One sequence of every class.
    sequences : int
        Number of the player's sequences.
    """

    def __init__(self, sequences: int, merging: bool) -> None:
        self.kind = np.zeros(0, np.int64)
        self.label = np.zeros(sequences, np.int64) if merging else np.arange(sequences)
        self.sample = np.zeros(1, np.int64) if merging else self.label
        self._merging = merging
        self.sequences = sequences
        self._known: dict[bytes, int] = {}  # digest of a plan -> its kind
        self._store, self._count = np.zeros((1, sequences)), 0

    @property
    def distinct(self) -> np.ndarray:
        """The distinct policies as realisation plans (kinds, sequences)."""
        return self._store[: self._count]

    @property
    def plans(self) -> np.ndarray:
        """All policies as realisation plans (policies, sequences)."""
        return self.distinct[self.kind]

    @property
    def reduced(self) -> np.ndarray:
        """The distinct policies' probabilities of every class of sequences (kinds, classes)."""
        return self.distinct[:, self.sample] if self._merging else self.distinct

    def append(self, plan: np.ndarray) -> None:
        """Add a policy."""
        kind = self._known.setdefault(hashlib.sha256(plan.tobytes()).digest(), self._count)
        self.kind = np.append(self.kind, kind)
        if kind < self._count:
            return
        if self._count == len(self._store):
            self._store = np.concatenate([self._store, np.zeros_like(self._store)])
        self._store[self._count] = plan
        self._count += 1
        if self._merging:  # sequences stay in one class if the new policy plays them alike
            values, number = np.unique(plan, return_inverse=True)
            pairs = self.label * len(values) + number.reshape(-1)
            _, self.sample, label = np.unique(pairs, return_index=True, return_inverse=True)
            self.label = label.reshape(-1)

    def mixture(self, weights: np.ndarray) -> np.ndarray:
        """Return the realisation plan of the policies mixed by `weights` (policies)."""
        return np.bincount(self.kind, weights, self._count) @ self.distinct


class Core(NamedTuple):
    """Merged terminal rows over classes of sequences.

    `member` (players, rows): every player's class; `utility` (players, rows): summed chance probability times utility; `start`
    (players + 1): where each player's part of a table of all classes begins; `term` (rows): scratch.
    """

    member: np.ndarray
    utility: np.ndarray
    start: np.ndarray
    term: np.ndarray


def build_core(rows: Rows, sets: Sequence[PolicySet]) -> Core:
    """Return the terminal rows `rows` merged by what the populations distinguish."""
    widths = [len(s.sample) for s in sets]
    key, width = np.zeros(len(rows.chance), np.int64), 1
    for player, s in enumerate(sets):
        if width > np.iinfo(np.int64).max // widths[player]:
            key = np.unique(key, return_inverse=True)[1].reshape(-1)
            width = len(key)
        key = key * widths[player] + s.label[rows.sequences[:, player]]
        width *= widths[player]
    keys, number = np.unique(key, return_inverse=True)
    number = number.reshape(-1)
    row = np.zeros(len(keys), np.int64)
    row[number] = np.arange(len(number))  # one of the rows that are merged
    # In sorted order neighbours would add to the same entry, and each would wait for the one before.
    order = np.random.default_rng(0).permutation(len(keys))
    member = np.stack([s.label[rows.sequences[row[order], player]] for player, s in enumerate(sets)])
    utility = np.stack([np.bincount(number, weights, len(keys))[order] for weights in rows.utility])
    return Core(member.astype(np.uint32), utility, starts(widths), np.zeros(len(keys)))


def whole_core(rows: Rows, sets: Sequence[PolicySet]) -> Core:
    """Return the terminal rows `rows` as they are, for populations whose sequences are all told apart."""
    member = np.ascontiguousarray(rows.sequences.T.astype(np.uint32))
    return Core(member, np.ascontiguousarray(rows.utility), starts([len(s.label) for s in sets]), np.zeros(len(rows.chance)))


@lean
def core_gradient(utility, by, plans, core, out):
    """Write the gradient in the plan of `by` of player `utility`'s payoff to `out` (classes of `by`); the others play `plans`."""
    players, rows = core.member.shape
    out[:] = 0.0
    weight, own = core.utility[utility], core.member[by]
    a, b = -1, -1  # two of the others, multiplied on the way out
    for other in range(players):
        if other == by:
            continue
        if a < 0:
            a = other
        elif b < 0:
            b = other
        else:
            x, index = plans[core.start[other] :], core.member[other]
            for row in range(rows):
                core.term[row] = weight[row] * x[index[row]]
            weight = core.term
    if a < 0:
        for row in range(rows):
            out[own[row]] += weight[row]
        return
    x, i = plans[core.start[a] :], core.member[a]
    if b < 0:
        for row in range(rows):
            out[own[row]] += weight[row] * x[i[row]]
        return
    y, j = plans[core.start[b] :], core.member[b]
    for row in range(rows):
        out[own[row]] += weight[row] * x[i[row]] * y[j[row]]


@lean
def dot(x, y):
    """Return the sum of products, always summed in the same order (BLAS's depends on sizes and threads); four running sums."""
    a, b, c, d = 0.0, 0.0, 0.0, 0.0
    whole = len(y) - len(y) % 4
    for s in range(0, whole, 4):
        a += x[s] * y[s]
        b += x[s + 1] * y[s + 1]
        c += x[s + 2] * y[s + 2]
        d += x[s + 3] * y[s + 3]
    for s in range(whole, len(y)):
        a += x[s] * y[s]
    return (a + b) + (c + d)


@njit
def fibres(by, plans, core, reduced, gradient, out):
    """Write every player's payoffs of the policies `reduced` of `by` to `out` (players, policies), the others playing `plans`."""
    q = gradient[: reduced.shape[1]]
    for utility in range(len(out)):
        core_gradient(utility, by, plans, core, q)
        for k in range(len(reduced)):
            out[utility, k] = dot(reduced[k], q)


def starts(sizes: Sequence[int] | np.ndarray) -> np.ndarray:
    """Return where parts of the given sizes begin that lie one after the other, and where the last ends."""
    return np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64)
