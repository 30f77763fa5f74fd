"""Environments of Gymnasium as worlds: ``gymnasium:ENV-ID``, with discrete actions (extra ``gym``).

    gameplan plan gymnasium:FrozenLake-v1 --planner mcts --simulations 500 --world is_slippery=false

Options are the settings of the environment that are single numbers, truth values or words, and two of ours. `games.simulator` says
how states are kept.

Parameters
----------
horizon : actions after which an episode is cut; 0 stands for the environment's own
chance : whether there is chance in its steps; auto tries it out
"""

import inspect
import re
import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np

from games.errors import GameplanError, UnknownName, UsageError, one_line
from games.makers import Maker
from games.modules import GYMNASIUM
from games.params import Value
from games.simulator import GymModel, Simulator
from games.world import Instance, world_line

CHOICES = {"chance": ("auto", "yes", "no")}
_ID = re.compile(r"([\w-][\w.-]*/)?[\w-][\w.-]*")
_COLOURED = re.compile(r"\x1b\[[\d;]*m(.*?)\x1b\[0?m", re.DOTALL)


class GymWorld:
    """The world of an environment; the instance of a seed is ``reset(seed=seed)``."""

    def __init__(self, name: str, simulator: Simulator, horizon: int | None, chance: bool) -> None:
        self.name, self._simulator, self.horizon, self._chance = name, simulator, horizon, chance

    def __repr__(self) -> str:
        return world_line(self)

    def instance(self, seed: int) -> Instance:
        """See `games.world.World`.

        Raises
        ------
        UsageError
            For a seed that is negative.
        """
        if seed < 0:
            raise UsageError(f"{self.name}: there is no start {seed}; seeds count from 0")
        model = GymModel(self._simulator, self._chance, seed)
        horizon = None if self.horizon is None else self.horizon + self._chance  # the last reward is paid one action later
        return Instance(str(seed), seed, model, np.array([model.start], np.int64), horizon, world=self)

    def __len__(self) -> int:
        return 0

    def action_name(self, instance: Instance, state: np.ndarray, action: int) -> str:
        """Return the number of the action; "end" of the one that only pays the last reward."""
        return "end" if instance.model.moment(state).ended else str(self._simulator.first + action)

    def text(self, instance: Instance, state: np.ndarray) -> str:
        """Return what the environment draws as text, with what it colours in brackets, else what is seen."""
        return _COLOURED.sub(r"[\1]", self._simulator.shown(instance.model.moment(state))).strip("\n")

    def outcome(
        self, instance: Instance, states: Sequence[np.ndarray], actions: Sequence[int], rewards: Sequence[float]
    ) -> dict[str, Any]:
        """Return the sum of rewards as the score; whether that is a success the environment does not say."""
        return {"score": float(sum(rewards)), "solved": None}


def maker_of(name: str) -> Maker:
    """Return what makes the world called `name`, ``gymnasium:ENV-ID``.

    Raises
    ------
    UsageError
        If there is no such environment, or Gymnasium is not installed.
    """
    spec = _spec(name)
    try:
        creator = (
            spec.entry_point if callable(spec.entry_point) else _gymnasium().envs.registration.load_env_creator(spec.entry_point)
        )
        parameters = inspect.signature(creator).parameters
    except (ImportError, AttributeError, TypeError, ValueError) as error:
        raise UsageError(f"{name} cannot be made: {one_line(error)}") from error
    settings: dict[str, Any] = {key: p.default for key, p in parameters.items() if p.default is not p.empty} | dict(spec.kwargs)
    options: dict[str, Value] = {key: value for key, value in settings.items() if _is_setting(key, value)}
    return Maker(lambda name, **given: _make(name, options, given), {**options, "horizon": 0, "chance": "auto"}, CHOICES)


def doc_of(name: str) -> str:
    """Return the documentation of the world called `name`, with a line for every setting of the environment."""
    own = [key for key in maker_of(name).defaults if key not in ("horizon", "chance")]
    assert __doc__ is not None
    return __doc__ + "".join(f"{key} : a setting of the environment; its documentation says what is legal\n" for key in own)


def _is_setting(key: str, value: Any) -> bool:
    """Return whether an argument can be an option: a single value, and no name of a file."""
    return (
        key != "render_mode"
        and isinstance(value, (bool, int, float, str))
        and not (isinstance(value, str) and set("./\\") & {*value})
    )


def _make(name: str, options: dict[str, Value], given: dict[str, Value]) -> GymWorld:
    gymnasium, spec = _gymnasium(), _spec(name)
    horizon, chance = int(given.pop("horizon")), str(given.pop("chance"))
    if horizon < 0:
        raise UsageError(f"{name}: horizon={horizon} is negative; 0 stands for the environment's own")
    if spec.additional_wrappers:
        raise UsageError(
            f"{name} cannot be planned in: it comes in wrappers of its own, which may remember what cannot be restored"
        )
    changed = {key: value for key, value in given.items() if value != options[key]}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            env = gymnasium.make(spec, disable_env_checker=True, max_episode_steps=-1, **changed)
            if "ansi" in env.metadata.get("render_modes", ()):
                env.close()
                env = gymnasium.make(spec, disable_env_checker=True, max_episode_steps=-1, render_mode="ansi", **changed)
        except KeyboardInterrupt:
            raise
        except BaseException as error:
            raise UsageError(f"{name} cannot be made: {type(error).__name__}: {one_line(error)}") from error
        if not isinstance(env.action_space, gymnasium.spaces.Discrete):
            raise UsageError(f"{name} has the actions {env.action_space}; planners need discrete ones, a number each")
        try:
            simulator = Simulator(name, env)
            simulator.try_out()
        except (GameplanError, KeyboardInterrupt):
            raise
        except BaseException as error:
            raise UsageError(f"{name} cannot be played: {type(error).__name__}: {one_line(error)}") from error
    return GymWorld(name, simulator, horizon or spec.max_episode_steps, simulator.chance if chance == "auto" else chance == "yes")


def _spec(name: str) -> Any:
    found = name.removeprefix(GYMNASIUM)
    if not _ID.fullmatch(found):  # "module:ID" would import a module
        raise UsageError(f"{name} is no environment; write {GYMNASIUM}ENV-ID, such as {GYMNASIUM}FrozenLake-v1")
    gymnasium = _gymnasium()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return gymnasium.spec(found)
        except gymnasium.error.Error as error:
            raise UnknownName(name, "world", f"{name}: {one_line(error)}") from error


def _gymnasium() -> Any:
    try:
        import gymnasium
    except ImportError as error:
        raise UsageError(f"worlds of Gymnasium need it: pip install 'gameplan[gym]' ({one_line(error)})") from error
    return gymnasium
