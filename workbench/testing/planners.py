"""What every planner keeps to: legal actions, states left alone, the same play from the same seed, budgets, and honest ends."""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from unittest.mock import patch

import numpy as np

import planners.budget
from games.dispatch import suited
from games.errors import UsageError
from games.params import Value
from games.random import stream
from games.sentences import unsaid
from games.world import Instance
from planners.budget import COUNTERS, Budget
from planners.catalogue import PLANNERS, find_planner, planner_maker
from planners.episode import Episode, options, play, step
from planners.planner import Decision, Planner
from planners.status import BUDGET, SOLVED, STATUSES, TIME_LIMIT, UNSOLVABLE
from workbench.testing.toys import GOAL, HOPELESS, TRAP, pig, rooms

UNITS = ("simulations", "evaluations", "expansions", "transitions")  # what a unit of a budget may be


class PlannerSuite:
    """Suite of one planner.

    It is played in small worlds written in Python, where planners run uncompiled; `instances` may add compiled ones.

    Attributes
    ----------
    planner : str
        Catalogue name or path.
    params : mapping
        Values for parameters.
    unit : str
        What a unit of its budget is: "simulations", "evaluations", "expansions", "transitions"; empty for planners that plan in one
        piece, whatever the budget.
    chance : bool
        Whether it plays in worlds with chance; one that does not says so when an episode begins.
    """

    planner: str
    params: Mapping[str, Value] = {}
    unit = ""
    chance = True

    def make(self) -> Planner:
        """Return a new planner."""
        return find_planner(self.planner, self.params)

    def instances(self) -> Sequence[Instance]:
        """Return the instances to play."""
        return (rooms(), pig()) if self.chance else (rooms(),)

    def test_says_what_its_parameters_are(self) -> None:
        """A sentence about each, with a range for numbers."""
        maker, program = planner_maker(self.planner)
        module = program.module if program is not None else importlib.import_module(PLANNERS[self.planner].module)
        missing = unsaid(module.__doc__, maker.defaults, maker.choices)
        assert not missing, f"{self.planner}: {missing[0]}"

    def decide(self, planner: Planner, instance: Instance, state: np.ndarray, budget: Budget, left: int | None = None) -> Decision:
        """Return the first decision of an episode, in `state`, checked for what all decisions keep to."""
        planner.begin(instance, stream("suite", planner.name))
        before, legal = state.copy(), legal_actions(instance, state)
        decision = planner.decide(state, left or instance.horizon, budget)
        assert (state == before).all(), f"{self.planner} has changed the state that it was given"
        assert decision.cost.shape == (len(COUNTERS),) and (decision.cost >= 0).all(), (
            f"{self.planner}: a cost is new_cost() and what was added to it, not {decision.cost}"
        )
        if decision.action is None:
            assert decision.status in STATUSES and decision.note, f"{self.planner} gives up and does not say why"
            return decision
        assert decision.action in legal, f"{self.planner} chose {decision.action}; legal are {legal}"
        assert {value.action for value in decision.values} <= set(legal), f"{self.planner} values actions that are not legal"
        assert not decision.line or decision.line[0] == decision.action, (
            f"{self.planner}: its line {decision.line} does not begin with its action {decision.action}"
        )
        assert 1 <= decision.commit <= max(1, len(decision.line)), f"{self.planner} commits to {decision.commit} of {decision.line}"
        assert decision.units >= 1 or decision.fallback, (
            f"{self.planner}: a decision has the units it took, 1 where it plans in one piece"
        )
        return decision

    def test_plays_to_the_end_the_same_from_the_same_seed(self) -> None:
        """Two planners, one of which has played before and in another order; numpy's random numbers are not asked for."""
        instances = self.instances()
        once = [signature(play(instance, self.make(), Budget(), seed=3)) for instance in instances]
        planner = self.make()
        np.random.seed(1)
        again = [signature(play(instance, planner, Budget(), seed=3)) for instance in (*instances, *reversed(instances))]
        assert once == again[: len(once)], f"{self.planner} plays differently from the same seed"
        assert once == again[: len(once) - 1 : -1], f"{self.planner} remembers earlier episodes"

    def test_decides_legally_in_every_state(self) -> None:
        """States on random ways: the one action where there is but one, none in a terminal state; nothing raises."""
        planner = self.make()
        for instance in self.instances():
            for state in states_of(instance):
                legal = legal_actions(instance, state)
                for left in (None, 1):
                    decision = self.decide(planner, instance, state, Budget(), left)
                    if not legal:
                        assert decision.action is None, f"{self.planner} acts in a terminal state"
                    elif len(legal) == 1 and decision.action is not None:
                        assert decision.action == legal[0], (
                            f"{self.planner} chose {decision.action}; the only legal action is {legal[0]}"
                        )
                    elif decision.action is None:
                        assert getattr(planner, "solves", False), f"{self.planner} gives up where it could act: {decision.note}"

    def test_says_unsolvable_only_where_it_is(self) -> None:
        """Where no goal can be reached; a planner that solves says so in every such state."""
        planner = self.make()
        model = rooms().model
        for room in range(10):
            decision = self.decide(planner, rooms(), model.state(room), Budget())
            lost = room in (TRAP, HOPELESS, HOPELESS + 1)
            if getattr(planner, "solves", False):
                expected = UNSOLVABLE if lost else SOLVED if room == GOAL else None
                assert (decision.status if decision.action is None else None) == expected, (
                    f"{self.planner} ends {room} with {decision.status!r}, not {expected!r}"
                )
            assert decision.status != UNSOLVABLE or lost, f"{self.planner} calls {room} unsolvable, which is not"
        if getattr(planner, "solves", False):
            assert play(rooms(), planner, Budget()).status == SOLVED, (
                f"{self.planner} does not solve the rooms of `workbench.testing.toys`"
            )

    def test_keeps_counted_budgets(self) -> None:
        """From 1 to 50: never more than the limit but for what the last unit does, or than the one unit that is always done."""
        planner, kinds = self.make(), ("simulations", "evaluations", "expansions")
        for instance in self.instances():
            plain = self.decide(planner, instance, instance.start, Budget())
            assert self.unit in ("", *UNITS), f"{self.planner}: {self.unit!r} is no unit of a budget; legal are {', '.join(UNITS)}"
            if not self.unit:
                for limit in (1, 50):
                    limited = self.decide(planner, instance, instance.start, Budget(simulations=limit, evaluations=limit))
                    assert (limited.action, limited.cost.tolist()) == (plain.action, plain.cost.tolist()), (
                        f"{self.planner} depends on its budget and does not say what a unit of it is: UNIT = {UNITS[0]!r} in its "
                        f"file (or {', '.join(UNITS[1:])}), `unit` in a suite of your own"
                    )
                continue
            unit = max(1, instance.model.outcomes) * instance.model.actions  # what follows one state
            for kind in kinds:
                counter = COUNTERS.index(kind)
                least = int(self.decide(planner, instance, instance.start, Budget(**{kind: 1})).cost[counter])
                for limit in (1, 2, 3, 5, 8, 13, 21, 34, 50):
                    limited = self.decide(planner, instance, instance.start, Budget(**{kind: limit}))
                    allowed = limit if kind == self.unit else limit + unit - 1
                    assert limited.cost[counter] <= max(allowed, least), f"{self.planner} did more than {limit} {kind}"

    def test_counts_its_units(self) -> None:
        """A unit is what `unit` says, no more are done than asked for, and as many as were done give the same decision again."""
        if self.unit not in UNITS:
            return
        planner, counter = self.make(), COUNTERS.index(self.unit)
        for instance in self.instances():
            unit = max(1, instance.model.outcomes) * instance.model.actions
            for units in range(1, 21):
                decision = self.decide(planner, instance, instance.start, Budget(units=units))
                if self.unit == "transitions":  # a search to depth 1 is always done, and all that follows a state at once
                    least = self.decide(planner, instance, instance.start, Budget(units=1))
                    assert decision.cost[counter] < max(units, least.cost[counter]) + 2 * unit, (
                        f"{self.planner} did {decision.cost[counter]} {self.unit} of {units}"
                    )  # of the root too
                else:
                    assert decision.cost[counter] == decision.units, f"{self.planner}: a unit is no {self.unit[:-1]}"
                assert decision.units <= units, f"{self.planner} did {decision.units} units of {units}"
                again = self.decide(planner, instance, instance.start, Budget(units=max(1, decision.units)))
                assert known(again) == known(decision), f"{self.planner} does not repeat {decision.units} units"

    def test_may_be_stopped_anywhere(self) -> None:
        """Slices of 1, 2 and 3 units end like one piece, and a run against the clock is repeated from its units."""
        planner = self.make()
        for instance in self.instances():
            whole = self.decide(planner, instance, instance.start, Budget(units=17))
            for longest in (1, 2, 3):
                with patch.object(planners.budget, "LONGEST_SLICE", longest):
                    sliced = self.decide(planner, instance, instance.start, Budget(units=17, seconds=1e6))
                assert known(sliced)[:2] == known(whole)[:2], f"{self.planner} depends on where it is stopped"
                assert sliced.status == whole.status or {sliced.status, whole.status} == {BUDGET, TIME_LIMIT}, (
                    f"{self.planner} ends with {sliced.status!r}, in one piece with {whole.status!r}"
                )
            timed = self.decide(planner, instance, instance.start, Budget(seconds=1e-3))
            again = self.decide(planner, instance, instance.start, Budget(seconds=1e-3).repeated(timed.units))
            assert known(again) == known(timed) and again.status == timed.status, (
                f"{self.planner} does not repeat what it did by the clock"
            )

    def test_refuses_what_it_cannot_play(self) -> None:
        """A planner without chance says so when an episode begins, in one line."""
        if self.chance:
            return
        try:
            self.make().begin(pig(), stream("suite"))
        except UsageError as error:
            assert "\n" not in str(error), f"{self.planner} refuses in more than one line: {error}"
        else:
            raise AssertionError(f"{self.planner} begins an episode in a world with chance")


def legal_actions(instance: Instance, state: np.ndarray) -> list[int]:
    """Return the legal actions in `state`, none at a goal."""
    actions = np.empty(instance.model.actions, np.int64)
    count, solved = suited(options, instance.model)(instance.model, state, actions)
    return [] if solved else actions[:count].tolist()


def states_of(instance: Instance, most: int = 24) -> Iterator[np.ndarray]:
    """Yield different states on random ways from the start to the end."""
    model, move = instance.model, suited(step, instance.model)
    seen: set[bytes] = set()
    for seed in range(8):
        rng, state = stream("suite", seed), instance.start.copy()
        for _ in range(30):
            if state.tobytes() not in seen and len(seen) < most:
                seen.add(state.tobytes())
                yield state.copy()
            legal = legal_actions(instance, state)
            if not legal:
                break
            move(model, state, legal[int(rng[0] >> np.uint64(33)) % len(legal)], rng)
            rng[0] = np.uint64((int(rng[0]) * 6364136223846793005 + 1442695040888963407) % 2**64)


def signature(episode: Episode) -> str:
    """Return all that must be equal in two runs of an episode."""
    return repr((episode.status, episode.actions, episode.rewards, episode.cost.tolist(), [known(d) for d in episode.decisions]))


def known(decision: Decision) -> tuple[int | None, list[int], str, int]:
    """Return all that must be equal in two runs of a decision."""
    return decision.action, decision.cost.tolist(), repr((decision.values, decision.line)), decision.units
