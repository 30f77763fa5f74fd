"""What every world keeps to: legal actions apply, keys tell states apart, lower bounds are none too high, chance sums to 1 ..."""

import heapq
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from games.dispatch import suited
from games.errors import UsageError
from games.params import Value
from games.process import potential
from games.random import stream
from games.sentences import unsaid
from games.world import Instance, World
from games.worlds import load_world, world_choices, world_doc, world_options
from workbench.testing.kernels import COST, DEAD, DISTANCE, GOAL, POTENTIAL, TERMINAL, examine, follow, random_games, toss

ROUNDING = 1e-9  # sums of costs in another order


@dataclass
class Place:
    """A state met while exploring: its facts, and for every action the afterstate and (probability, next state) of what follows."""

    state: np.ndarray
    facts: np.ndarray
    key: int
    actions: list[int] = field(default_factory=list)
    told: np.ndarray = field(default_factory=lambda: np.empty((0, 3)))
    afters: list[np.ndarray] = field(default_factory=list)
    followers: list[list[tuple[float, bytes]]] = field(default_factory=list)


_EXPLORED: dict[Any, list[tuple[Instance, dict[bytes, Place], bool]]] = {}  # for all tests of a suite


class WorldSuite:
    """Suite of one world.

    Its states are explored from the starts of some instances, breadth first; lower bounds and dead states are judged where all of
    an instance was explored.

    Attributes
    ----------
    world : str
        Catalogue name or path.
    options : mapping
        Values for its options.
    seeds : sequence of int
        Instances to explore.
    most : int
        States of an instance that are explored.
    """

    world: str
    options: Mapping[str, Value] = {}
    seeds: Sequence[int] = (0, 1)
    most = 250

    def make(self) -> World:
        """Return the world."""
        return load_world(self.world, self.options)

    def test_says_what_its_options_are(self) -> None:
        """A sentence about each, with a range for numbers."""
        missing = self.unsaid()
        assert not missing, f"{self.world}: {missing[0]}"

    def unsaid(self) -> list[str]:
        """Return what is missing from the sentences about its options (`games.sentences.unsaid`)."""
        return unsaid(world_doc(self.world), world_options(self.world), world_choices(self.world))

    def explored(self) -> list[tuple[Instance, dict[bytes, Place], bool]]:
        """Return (instance, states met by their bytes, whether these are all) of each of `seeds`."""
        asked = (type(self).__qualname__, self.world, repr(self.options), tuple(self.seeds), self.most)
        if asked not in _EXPLORED:
            _EXPLORED[asked] = [(instance, *explore(instance, self.most)) for instance in map(self.make().instance, self.seeds)]
        return _EXPLORED[asked]

    def test_starts_are_not_over_and_the_same_for_a_seed(self) -> None:
        """Something can be done at a start, which is no goal; levels that a collection does not have are refused in one line."""
        made, again = self.make(), self.make()
        for seed in self.seeds:
            instance, other = made.instance(seed), again.instance(seed)
            assert (instance.start == other.start).all() and instance.name == other.name, (
                f"{self.world}: instance {seed} differs from time to time"
            )
            assert instance.start.dtype == np.int64 and instance.start.shape == (instance.model.width,), (
                f"{self.world}: a start has model.width whole numbers (int64), not {instance.start!r}"
            )
            places, _ = explore(instance, 1)
            (place,) = places.values()
            assert place.actions and not place.facts[[GOAL, DEAD, TERMINAL]].any(), f"{self.world} {seed} begins at its end"
        for seed in (-1, len(made)) if len(made) else ():
            try:
                made.instance(seed)
            except UsageError as error:
                assert "\n" not in str(error), f"{self.world} refuses in more than one line: {error}"
            else:
                raise AssertionError(f"{self.world} has an instance {seed}")

    def test_legal_actions_apply(self) -> None:
        """No more than `model.actions`, all different, with finite rewards, positive costs; none exactly in terminal states."""
        for instance, places, _ in self.explored():
            for place in places.values():
                assert len(place.actions) == len(set(place.actions)) <= instance.model.actions, (
                    f"{self.world}: legal actions {place.actions} are not up to {instance.model.actions} different ones"
                )
                assert np.isfinite(place.told).all() and np.isfinite(place.facts[POTENTIAL]), (
                    f"{self.world}: a number that is not finite"
                )
                assert (place.told[:, COST] > 0.0).all(), (
                    f"{self.world}: an action costs {place.told[:, COST].min()}; costs are positive"
                )
                assert bool(place.facts[TERMINAL]) == (not place.actions), (
                    f"{self.world}: a state is terminal exactly if it has no legal action; one with {place.actions} is not so"
                )
                assert place.facts[TERMINAL] or not place.facts[GOAL], f"{self.world}: a goal that is not terminal"
                assert place.facts[DISTANCE] >= 0.0 and (place.facts[DISTANCE] == 0.0 or not place.facts[GOAL]), (
                    f"{self.world}: a lower bound is not negative, and 0 at goals, not {place.facts[DISTANCE]}"
                )

    def test_keys_tell_states_apart(self) -> None:
        """Different states have different keys; equal states have equal ones, whichever way they were reached."""
        for _, places, _ in self.explored():
            assert len({place.key for place in places.values()}) == len(places), f"{self.world}: two states have one key"

    def test_chance_sums_to_one_and_draws_what_it_lists(self) -> None:
        """Probabilities are positive and sum to 1; what is drawn is listed, about as often as it should be."""
        for instance, places, _ in self.explored():
            model, rng = instance.model, stream("suite")
            if not model.outcomes:
                continue
            states = np.zeros((model.outcomes, model.width), np.int64)
            probabilities, drawn = np.zeros(model.outcomes), np.zeros((200, model.width), np.int64)
            for place in [*places.values()][:20]:
                for after in place.afters:
                    count = suited(toss, model)(model, after, states, probabilities, drawn, rng)
                    assert 1 <= count <= model.outcomes, (
                        f"{self.world}: {count} outcomes of chance; there are 1 to model.outcomes = {model.outcomes}"
                    )
                    assert (probabilities[:count] > 0.0).all() and abs(probabilities[:count].sum() - 1.0) < ROUNDING, (
                        f"{self.world}: {probabilities[:count]} are not positive with a sum of 1"
                    )
                    listed: dict[bytes, float] = {}
                    for state, probability in zip(states[:count], probabilities[:count], strict=True):
                        listed[state.tobytes()] = listed.get(state.tobytes(), 0.0) + float(probability)
                    found = [state.tobytes() for state in drawn]
                    assert set(found) <= set(listed), f"{self.world} draws what it does not list"
                    for state, p in listed.items():
                        error = 6.0 * math.sqrt(p * (1.0 - p) / len(found)) + 6.0 / len(found)
                        assert abs(found.count(state) / len(found) - p) <= error, f"{self.world} does not draw as it lists"

    def test_lower_bounds_are_admissible_and_dead_states_lost(self) -> None:
        """Against the exact costs to a goal, where a deterministic instance was explored to its end."""
        for instance, places, whole in self.explored():
            if instance.model.outcomes or not whole:
                continue
            left = exact_costs(places)
            for name, place in places.items():
                assert place.facts[DISTANCE] <= left[name] + ROUNDING, f"{self.world}: a lower bound above the cost to a goal"
                assert not place.facts[DEAD] or left[name] == math.inf, f"{self.world}: a state called dead can still be won"

    def test_successors_are_what_actions_lead_to(self) -> None:
        """Action by action; what is left out is dead or spares no cheapest way; bounds are none too high."""
        for instance, places, whole in self.explored():
            if instance.model.outcomes:
                continue
            left = exact_costs(places) if whole else {}
            for name, place in places.items():
                if place.facts[GOAL]:  # of which no search asks
                    continue
                steps = {a: (f[0][1], t[COST]) for a, f, t in zip(place.actions, place.followers, place.told, strict=True)}
                best = math.inf
                for action, price, state, word, lower in successors_of(instance, place.state):
                    assert steps[action] == (state, price), f"{self.world}: successors differ from legal and apply"
                    if state in places:
                        assert places[state].key == word, f"{self.world}: successors give a state another key"
                    if left:
                        assert lower <= left[state] + ROUNDING, f"{self.world}: a bound above the cost to a goal"
                        best = min(best, price + left[state])
                if left:
                    assert best <= left[name] + ROUNDING, f"{self.world}: successors leave out every cheapest way"

    def test_playouts_are_uniform(self) -> None:
        """The world's own playout has the mean return and length of play that draws every legal action alike."""
        for instance in map(self.make().instance, self.seeds):
            means, errors = [], []
            for own in (True, False):
                returns, lengths = np.zeros(600), np.zeros(600)
                suited(random_games, instance.model)(
                    instance.model, instance.start, 25, own, returns, lengths, stream("suite", own)
                )
                assert np.isfinite(returns).all() and (lengths >= 1).all() and (lengths <= 25).all(), (
                    f"{self.world}: a playout of 1 to 25 steps has {lengths.min():g} to {lengths.max():g}, or no finite return"
                )
                means.append((returns.mean(), lengths.mean()))
                errors.append((returns.var() / 600, lengths.var() / 600))
            error = np.sqrt(np.sum(errors, axis=0))
            assert (np.abs(np.subtract(means[0], means[1])) <= 5.0 * error + ROUNDING).all(), (
                f"{self.world}: its playouts are not uniform"
            )

    def test_speaks_of_states_and_actions(self) -> None:
        """Actions have names, different ones in a state; texts are read back where the world reads; outcomes have a score."""
        made = self.make()
        for instance, places, _ in self.explored():
            for place in [*places.values()][:30]:
                names = [made.action_name(instance, place.state, action) for action in place.actions]
                assert all(names) and len(set(names)) == len(names), f"{self.world}: two actions of one name in a state"
                text = made.text(instance, place.state)
                assert text and isinstance(text, str), f"{self.world}: {text!r} is no text of a state"
                if hasattr(made, "read"):
                    again = made.read(text)
                    assert made.text(instance, again) == text and again.shape == place.state.shape, (
                        f"{self.world} reads its own text as another state:\n{text}"
                    )
            outcome = made.outcome(instance, [instance.start], [], [])
            assert math.isfinite(outcome["score"]) and outcome["solved"] in (None, False), (
                f"{self.world}: the outcome {outcome} of a start"
            )


def explore(instance: Instance, most: int) -> tuple[dict[bytes, Place], bool]:
    """Return up to `most` states that can be reached, breadth first, by their bytes, and whether these are all."""
    model = instance.model
    places: dict[bytes, Place] = {}
    queue = [instance.start.copy()]
    for state in queue:
        if state.tobytes() in places:
            continue
        if len(places) == most:
            return places, False
        place = places[state.tobytes()] = place_of(instance, state)
        for after in place.afters:
            place.followers.append(outcomes_of(model, after))
            queue += [np.frombuffer(follower, np.int64).copy() for _, follower in place.followers[-1] if follower not in places]
    return places, True


def place_of(instance: Instance, state: np.ndarray) -> Place:
    """Return what the model says of `state`, which it must leave alone."""
    model, before = instance.model, state.copy()
    actions, afters = np.zeros(model.actions, np.int64), np.zeros((model.actions, model.width), np.int64)
    told, facts = np.zeros((model.actions, 3)), np.zeros(5)
    looks = potential.known(model)  # it may be left out, for planners that go by rewards
    count, word, able = suited(examine, model)(model, instance.start, state, actions, afters, told, facts, looks)
    assert (state == before).all(), "a question about a state has changed it"
    assert able == 0, "an effective action is not legal"
    return Place(state, facts, int(word), actions[:count].tolist(), told[:count], list(afters[:count]))


def outcomes_of(model: Any, after: np.ndarray) -> list[tuple[float, bytes]]:
    """Return (probability, state) of all that can follow an afterstate."""
    if not model.outcomes:
        return [(1.0, after.tobytes())]
    states, probabilities = np.zeros((model.outcomes, model.width), np.int64), np.zeros(model.outcomes)
    count = suited(toss, model)(model, after, states, probabilities, np.zeros((0, model.width), np.int64), stream("suite"))
    return [(float(p), state.tobytes()) for p, state in zip(probabilities[:count], states[:count], strict=True)]


def successors_of(instance: Instance, state: np.ndarray) -> list[tuple[int, float, bytes, int, float]]:
    """Return (action, cost, state, key, lower bound) of each of `games.process.successors`."""
    model = instance.model
    actions, costs, bounds = np.zeros(model.actions, np.int64), np.zeros(model.actions), np.zeros(model.actions)
    states, keys = np.zeros((model.actions + 1, model.width), np.int64), np.zeros(model.actions, np.uint64)
    n = suited(follow, model)(model, state, actions, costs, states, keys, bounds)
    return [(int(actions[k]), float(costs[k]), states[k].tobytes(), int(keys[k]), float(bounds[k])) for k in range(n)]


def exact_costs(places: Mapping[bytes, Place]) -> dict[bytes, float]:
    """Return the least cost to a goal from every state of a whole deterministic instance, infinite where there is no way."""
    into: dict[bytes, list[tuple[float, bytes]]] = {name: [] for name in places}
    for name, place in places.items():
        for told, ((_, target),) in zip(place.told, place.followers, strict=True):
            into[target].append((float(told[COST]), name))
    left = dict.fromkeys(places, math.inf)
    queue = [(0.0, name) for name, place in places.items() if place.facts[GOAL]]
    while queue:
        g, name = heapq.heappop(queue)
        if g < left[name]:
            left[name] = g
            for price, before in into[name]:
                heapq.heappush(queue, (g + price, before))
    return left
