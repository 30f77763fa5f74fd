"""Grammars: what expressions a task's programs may be made of, as data.

An array is read inside a loop over its kind: with kinds {"action": "infoset"} an "action" array can be read in a loop over actions,
which lies in a loop over infosets. The loops of a program are told by what they index, so any names of indices do.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Part:
    """What one function can read, and what it must keep.

    Parameters
    ----------
    arrays : mapping
        Arrays that can be read, by kind.
    numbers : tuple of str
        Numbers that can be read; they are not negative.
    indices : mapping
        Arrays of indices by kind, which are not read but tell what a loop is over.
    weight : float
        How often mutation looks here.
    nonnegative, positive : set of str
        Arrays whose entries must not become negative, and others of which it is known that they are not.
    fixed : set of str
        Locals that are no numbers, or that nothing should change or read.
    table : str
        Where new constants are declared.
    """

    arrays: Mapping[str, str] = field(default_factory=dict)
    numbers: tuple[str, ...] = ()
    indices: Mapping[str, str] = field(default_factory=dict)
    weight: float = 1.0
    nonnegative: frozenset[str] = frozenset()
    positive: frozenset[str] = frozenset()
    fixed: frozenset[str] = frozenset()
    table: str = "PARAMS"


@dataclass(frozen=True)
class Template:
    """A way to make an expression: ``{0}``, ``{1}`` stand for numbers, ``{?}`` for a condition, ``{c}`` for a new constant.

    A template with an argument serves to wrap, one with two to combine. `constant` is what ``{c}`` is drawn around.
    """

    text: str
    weight: float = 1.0
    constant: float = 1.0

    @property
    def arity(self) -> int:
        """Return how many numbers it takes."""
        return sum(f"{{{place}}}" in self.text for place in range(3))


@dataclass(frozen=True)
class Idiom:
    """A fragment of the literature that can be spliced into programs.

    In assignments of `function` to an entry of the array `target`, what matches `find` ("*": the whole value; ``R``: readings of
    that array) is replaced by `replace`, in which ``_`` stands for what was found and ``k``, ``i`` for the loops' indices.
    `top` holds statements for the function's start, `outer` for the start of the loop over infosets, `before` for the place before
    the assignment. ``params.name`` with defaults in `constants` and ``state.name`` with kinds in `state` are declared, under new
    names where taken. With `bare`, an outer ``max(., number)`` of the value goes first.
    """

    name: str
    function: str
    target: str
    find: str = "*"
    replace: str = "_"
    top: str = ""
    outer: str = ""
    before: str = ""
    constants: Mapping[str, float] = field(default_factory=dict)
    state: Mapping[str, str] = field(default_factory=dict)
    bare: bool = False
    weight: float = 1.0


@dataclass(frozen=True, eq=False)
class Grammar:
    """All that the symbolic operators know of a task.

    Parameters
    ----------
    functions : mapping
        The functions that mutation changes.
    templates, conditions : tuple of Template
        How numbers and conditions are made from numbers.
    idioms : tuple of Idiom
    summaries : tuple of str
        Numbers of an infoset made from an array of its actions: ``{x}`` is the array, ``{i}`` the infoset's index.
    arguments : mapping
        Calls that mutation may descend into: which arguments are numbers. Those of templates need no entry.
    state_kinds : tuple of str
        Kinds of registers that may be added.
    inner, outer : str
        Kinds of the arrays that summaries read and of the loop that they are made in.
    constants : tuple of float
        Values that new constants are drawn around.
    divide, power : str
        How protected divisions and powers are written.
    size_limit : int
        Syntax nodes that a program may have.
    """

    functions: Mapping[str, Part]
    templates: tuple[Template, ...]
    conditions: tuple[Template, ...] = ()
    idioms: tuple[Idiom, ...] = ()
    summaries: tuple[str, ...] = ()
    arguments: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    state_kinds: tuple[str, ...] = ()
    inner: str = "action"
    outer: str = "infoset"
    constants: tuple[float, ...] = (0.1, 0.5, 1.0, 1.5, 2.0, 3.0)
    divide: str = "safe_divide({0}, {1})"
    power: str = "safe_power({0}, {1})"
    size_limit: int = 400
