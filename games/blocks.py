"""Dense blocks: the terminal rows in the order in which the gradient kernel wants to read them.

In card and dice games the rows that share a public history form a dense box: own private states times the opponents' private
states. Boxes are found without knowing the game: two rows belong together if, for every pair of players, their sequences lie
in the same connected component of the graph that joins the sequences occurring in one row. Boxes of equal shape are laid side
by side (*lanes*), so that the kernel's innermost loop runs over many boxes at once with unit stride. Rows in boxes that are
too empty or too few to fill lanes stay in a plain list.
"""

from itertools import combinations, pairwise

import numpy as np

from games.sequence_form import Blocks, Rows

MAX_LANES = 64
MIN_LANES = 4
LANE_STEP = 8  # chunks are filled up to whole vectors with blocks of weight zero
ALL_PAIRS = 10  # up to so many players every pair of them is looked at
MAX_BUFFER = 4096  # float64 values per gathered table, so that a chunk's working set stays in the first-level cache


def build_blocks(rows: Rows, plan_sizes: list[int], shared: bool) -> Blocks:
    """Return the rows rearranged into dense blocks and a sparse remainder.

    Parameters
    ----------
    rows : Rows
        Merged terminal rows.
    plan_sizes : list of int
        Number of sequences of each player, the empty one included.
    shared : bool
        Store one weight table, player 0's, whose negative is player 1's (two-player zero-sum games).
    """
    players = rows.sequences.shape[1]
    unit, utility = _in_units(rows.utility[:1] if shared else rows.utility, rows.chance)
    group = _groups(rows.sequences, plan_sizes)
    group_count = int(group.max(initial=-1)) + 1
    local, members = [], []
    for player in range(players):
        position, group_members = _number_members(group, rows.sequences[:, player], plan_sizes[player], group_count)
        local.append(position)
        members.append(group_members)
    sizes = np.stack([np.diff(start) for start, _ in members], axis=1) if group_count else np.zeros((0, players), np.int64)
    volume = sizes.prod(axis=1, dtype=np.float64)
    filled = np.bincount(group, minlength=group_count)
    # One gathered or scattered value costs about as much as four streamed weights, one sparse row about twice as much.
    worth = (sizes.sum(axis=1) + 0.25 * volume <= 2.0 * filled) & (volume <= MAX_BUFFER) & (players > 1)

    shapes, shape_of = np.unique(sizes, axis=0, return_inverse=True)
    shape_of = shape_of.reshape(-1)
    lanes_of_shape = np.bincount(shape_of[worth], minlength=len(shapes))
    worth &= lanes_of_shape[shape_of] >= MIN_LANES

    chunk_shape: list[np.ndarray] = []
    chunk_lanes: list[int] = []
    lane = np.zeros(group_count, np.int64)
    chunk_of = np.full(group_count, -1, np.int64)
    order = np.flatnonzero(worth)
    order = order[np.argsort(shape_of[order], kind="stable")]
    for ids in np.split(order, np.flatnonzero(np.diff(shape_of[order])) + 1) if len(order) else []:
        shape = sizes[ids[0]]
        widest = max(int(max(shape.max(), max(shape.prod() // n for n in shape))), 1)
        limit = max(LANE_STEP, min(MAX_LANES, MAX_BUFFER // widest) // LANE_STEP * LANE_STEP)
        for begin in range(0, len(ids), limit):
            part = ids[begin : begin + limit]
            chunk_of[part] = len(chunk_lanes)
            lane[part] = np.arange(len(part))
            chunk_shape.append(shape)
            chunk_lanes.append(-(-len(part) // LANE_STEP) * LANE_STEP)

    shape_table = np.array(chunk_shape, np.int64).reshape(-1, players)
    lane_table = np.array(chunk_lanes, np.int64)
    weight_start = np.concatenate([[0], np.cumsum(shape_table.prod(axis=1) * lane_table)]).astype(np.int64)
    index_start = np.concatenate([[0], np.cumsum(shape_table.sum(axis=1) * lane_table)]).astype(np.int64)

    weight = np.zeros((len(utility), int(weight_start[-1])), utility.dtype)
    index = np.zeros(int(index_start[-1]), np.uint32)  # unsigned: no check for negative indices in the kernel
    dense_row = np.flatnonzero(worth[group]) if group_count else np.zeros(0, np.int64)
    chunk = chunk_of[group[dense_row]]
    for table, values in enumerate(utility):
        # Own player outermost, the others in turn: every player reads its own table from front to back.
        flat = local[table][dense_row]
        for other in range(players):
            if other != table:
                flat = flat * shape_table[chunk, other] + local[other][dense_row]
        weight[table, weight_start[chunk] + flat * lane_table[chunk] + lane[group[dense_row]]] = values[dense_row]
    offset = np.zeros(len(lane_table), np.int64)
    for player, (start, sequence) in enumerate(members):
        owner = np.repeat(np.arange(group_count), np.diff(start))
        slot = np.arange(len(sequence)) - np.repeat(start[:-1], np.diff(start))
        keep = worth[owner] if group_count else np.zeros(0, bool)
        owner, slot = owner[keep], slot[keep]
        at = chunk_of[owner]
        index[index_start[at] + offset[at] + slot * lane_table[at] + lane[owner]] = sequence[keep]
        offset += shape_table[:, player] * lane_table

    rest = np.flatnonzero(~worth[group]) if group_count else np.zeros(0, np.int64)
    return Blocks(
        shape_table,
        lane_table,
        weight_start,
        index_start,
        index,
        weight,
        np.ascontiguousarray(rows.sequences[rest]),
        np.ascontiguousarray(utility[:, rest]),
        np.array([unit]),
    )


def _in_units(utility: np.ndarray, chance: np.ndarray) -> tuple[float, np.ndarray]:
    """Return (unit, utility in units): whole numbers where the chance probabilities have a common measure, else unit 1.

    Whole numbers halve the time of large games, and they matter for more: regret matching turns on the signs of regrets that
    are often exactly zero, and in three-player Leduc poker the rounding of unscaled weights alone moved PCFR+ after 1,000
    iterations by a factor of ten. Two-player games fit the cache anyhow; there the weights stay chance times utility, summed in
    canonical order as everybody does, because the digits that others publish depend on just that rounding.
    """
    if len(utility) <= 2:
        return 1.0, np.ascontiguousarray(utility)
    smallest = chance[chance > 0.0].min(initial=1.0)
    for divisor in range(1, 61):
        unit = float(smallest / divisor)
        with np.errstate(over="ignore", divide="ignore", invalid="ignore"):  # too large to be whole numbers of a unit
            scaled = utility / unit
        whole = np.round(scaled)
        if np.abs(whole).max(initial=0.0) > np.iinfo(np.int16).max:
            break
        # rounding only: no payoff is moved by more than the arithmetic has done already, and none is dropped
        allowed = np.where(whole == 0.0, 1e-15 * np.abs(scaled).max(initial=0.0), 1e-13 * np.abs(whole))
        if (np.abs(scaled - whole) <= allowed).all():
            return unit, whole.astype(np.int16)
    return 1.0, np.ascontiguousarray(utility)


def _groups(sequences: np.ndarray, plan_sizes: list[int]) -> np.ndarray:
    """Return the number of the candidate block of every row: equal pairwise components for every pair of players."""
    from scipy.sparse import coo_array  # compiled games are loaded without it
    from scipy.sparse.csgraph import connected_components

    count = len(sequences)
    labels = np.zeros(count, np.int64)
    players = range(sequences.shape[1])
    # Any grouping is right; with many players dense boxes are rare and pairs are many.
    for a, b in combinations(players, 2) if len(players) <= ALL_PAIRS else pairwise(players):
        edges = coo_array(
            (np.ones(count, np.int8), (sequences[:, a], sequences[:, b] + plan_sizes[a])),
            shape=(plan_sizes[a] + plan_sizes[b],) * 2,
        )
        parts, component = connected_components(edges.tocsr(), directed=False)
        labels = np.unique(labels * parts + component[sequences[:, a]], return_inverse=True)[1].reshape(-1)
    return labels


def _number_members(
    group: np.ndarray, sequence: np.ndarray, size: int, groups: int
) -> tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]:
    """Return each row's position among the sequences of its group, and the groups' sequences as (start, sequences)."""
    key, position = np.unique(group * size + sequence, return_inverse=True)
    start = np.searchsorted(key, np.arange(groups + 1) * size)
    return position.reshape(-1) - start[group], (start, key % size)
