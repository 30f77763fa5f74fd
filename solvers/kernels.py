"""Compiled kernels over sequence-form games: gradients, values up the tree, plans down the tree.

They take plain arrays and the records of `games.sequence_form`, validate nothing, and say what they write. A *plan* holds all
players' realisation plans one after the other; a *table* of one player holds one value per (infoset, action) pair.
"""

from games.jit import njit

TOLERANCE = 1e-9  # by how much an infoset's probabilities may miss 1: rounding stays below 1e-14 per action


@njit
def gradient(player, plan, blocks, tree, buffer, out):
    """Write the gradient of `player`'s expected utility in its own plan to `out` (its sequences); uses `buffer` as scratch.

    ``out[s]`` is the sum over terminal rows with own sequence s of chance times utility times the others' plans, in multiples
    of ``blocks.unit``.
    """
    players = len(tree.action_start) - 1
    out[:] = 0.0
    shared = len(blocks.weight) < players
    table = 0 if shared else player
    sign = -1.0 if shared and player == 1 else 1.0
    weight = blocks.weight[table]
    for chunk in range(len(blocks.lanes)):
        lanes = blocks.lanes[chunk]
        shape = blocks.shape[chunk]
        at = blocks.member_start[chunk]
        own_at = at
        combos = 0
        # product of the others' plans for every combination of their members, lane by lane
        product, spare = buffer[0], buffer[1]
        for other in range(players):
            size = shape[other]
            if other == player:
                own_at = at
            else:
                x = plan[tree.action_start[other] + other :]
                if combos == 0:
                    index = blocks.member[at : at + size * lanes]
                    for k in range(size * lanes):
                        product[k] = x[index[k]]
                    combos = size
                else:
                    for c in range(combos):
                        for m in range(size):
                            index = blocks.member[at + m * lanes : at + (m + 1) * lanes]
                            target = spare[(c * size + m) * lanes : (c * size + m + 1) * lanes]
                            source = product[c * lanes : (c + 1) * lanes]
                            for lane in range(lanes):
                                target[lane] = source[lane] * x[index[lane]]
                    combos *= size
                    product, spare = spare, product
            at += size * lanes
        members = shape[player]
        if shared and player == 1:  # the one table is laid out for player 0: walk it by columns
            own_stride, combo_stride = 1, members
        else:
            own_stride, combo_stride = combos, 1
        start = blocks.weight_start[chunk]
        total = buffer[2]
        for m in range(members):
            for lane in range(lanes):
                total[lane] = 0.0
            for c in range(combos):
                w = start + (m * own_stride + c * combo_stride) * lanes
                weights = weight[w : w + lanes]
                factors = product[c * lanes : (c + 1) * lanes]
                for lane in range(lanes):
                    total[lane] += weights[lane] * factors[lane]
            index = blocks.member[own_at + m * lanes : own_at + (m + 1) * lanes]
            for lane in range(lanes):
                out[index[lane]] += sign * total[lane]
    sparse = blocks.sparse
    sparse_weight = blocks.sparse_weight[table]
    if players == 2:
        other = 1 - player
        offset = tree.action_start[other] + other
        for row in range(len(sparse)):
            out[sparse[row, player]] += sign * sparse_weight[row] * plan[offset + sparse[row, other]]
    else:
        for row in range(len(sparse)):
            value = sparse_weight[row]
            for other in range(players):
                if other != player:
                    value *= plan[tree.action_start[other] + other + sparse[row, other]]
            out[sparse[row, player]] += value


@njit
def regrets(q, sigma, parent, first, count, unit, r):
    """Write the instantaneous counterfactual regrets to `r`; `q` turns from gradient to action values, both in units.

    `q` (sequences of one player, empty one first) holds the gradient and is summed up the tree in place.
    """
    for infoset in range(len(parent) - 1, -1, -1):
        begin = first[infoset]
        end = begin + count[infoset]
        value = 0.0
        for k in range(begin, end):
            value += sigma[k] * q[k + 1]
        for k in range(begin, end):
            r[k] = unit * (q[k + 1] - value)
        q[parent[infoset]] += value


@njit
def add_terms(q, sigma, parent, first, count, r):
    """Add to the regrets `r` what terms in the values of actions bring; `q` holds them and is summed up the tree in place.

    ``q[k + 1]`` is the term of pair k, in units of payoff; what is below counts by the player's own policy.
    """
    for infoset in range(len(parent) - 1, -1, -1):
        begin = first[infoset]
        end = begin + count[infoset]
        value = 0.0
        for k in range(begin, end):
            value += sigma[k] * q[k + 1]
        for k in range(begin, end):
            r[k] += q[k + 1] - value
        q[parent[infoset]] += value


@njit
def reach_of_others(player, plan, sequences, chance, tree, q, parent, via, out):
    """Write each infoset's counterfactual reach, chance's and the others' summed over its histories, to `out`; `q` is scratch.

    It is the value of the infoset where every utility is 1, whatever the player does there: that of its pair ``via``. `sequences`
    and `chance` are of the terminal rows that end with such pairs.
    """
    players = len(tree.action_start) - 1
    q[:] = 0.0
    if players == 2:
        x = plan[tree.action_start[1 - player] + 1 - player :]
        for row in range(len(sequences)):
            q[sequences[row, player]] += chance[row] * x[sequences[row, 1 - player]]
    else:
        for row in range(len(sequences)):
            value = chance[row]
            for other in range(players):
                if other != player:
                    value *= plan[tree.action_start[other] + other + sequences[row, other]]
            q[sequences[row, player]] += value
    for infoset in range(len(parent) - 1, -1, -1):
        out[infoset] = q[via[infoset] + 1]
        q[parent[infoset]] += out[infoset]


@njit
def best_response_value(q, parent, first, count):
    """Return the value of a best response to the gradient in `q`, which is overwritten by action values; both in units."""
    for infoset in range(len(parent) - 1, -1, -1):
        begin = first[infoset]
        value = q[begin + 1]
        for k in range(begin + 1, begin + count[infoset]):
            value = max(value, q[k + 1])
        q[parent[infoset]] += value
    return q[0]


@njit
def refresh_plan(sigma, parent, first, count, plan, reach):
    """Write the realisation plan of `sigma` to `plan` and each infoset's own reach to `reach`; return the first bad infoset.

    Bad is an infoset whose probabilities are negative, NaN or do not sum to 1 within `TOLERANCE`; -1 if there is none.
    """
    bad = -1
    plan[0] = 1.0
    for infoset in range(len(parent)):
        begin = first[infoset]
        own = plan[parent[infoset]]
        reach[infoset] = own
        total = 0.0
        lowest = 0.0
        for k in range(begin, begin + count[infoset]):
            lowest = min(lowest, sigma[k])
            total += sigma[k]
            plan[k + 1] = own * sigma[k]
        if not (abs(total - 1.0) <= TOLERANCE and lowest >= 0.0) and bad < 0:
            bad = infoset
    return bad
