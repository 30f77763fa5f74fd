"""Rule files: the form in which CFR variants ship, users write their own, and evolution produces new ones.

    PARAMS = {"alpha": 1.5}                 # hyper-parameters with defaults: float, int, bool or str
    STATE = {"trend": "action"}             # optional memory: float64 zeros per "action", per "infoset", or one for the "game"
    def regularise(terms, sigma, reach, t, infosets, params, state)  # optional
    def accumulate_policy(S, sigma, reach, r, R, t, infosets, params, state)
    def accumulate_regret(R, r, t, infosets, params, state)
    def derive_policy(sigma, R, r, t, infosets, params, state)

``CHOICES = {"scope": ("global", "infoset")}`` may list the legal values of str parameters, and ``ITERATE = "last"`` says that the
last iterate is reported in place of the average, or "best". The functions work in place on one
player's whole table (`solvers.rule`) and are plain NumPy or ``@njit``. A memory of the kind "others" is the loop's to fill, before
every update, with each infoset's reach by the others and chance. ``regularise`` comes before the regrets are known: what it adds to
`terms`, zeros per action, is added to the values of actions and flows up the player's own tree.
"""

import ast
import hashlib
import importlib
import importlib.util
import inspect
import keyword
import math
import sys
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from games.errors import GameplanError, UsageError, one_line
from games.modules import check_syntax, read_text
from games.params import Value
from games.reading import shown
from games.sources import code_digest

FUNCTIONS = {
    "accumulate_policy": ("S", "sigma", "reach", "r", "R", "t", "infosets", "params", "state"),
    "accumulate_regret": ("R", "r", "t", "infosets", "params", "state"),
    "derive_policy": ("sigma", "R", "r", "t", "infosets", "params", "state"),
}
OPTIONAL = {"regularise": ("terms", "sigma", "reach", "t", "infosets", "params", "state")}
ITERATES = ("average", "last", "best")
OTHERS = "others"
STATE_KINDS = ("action", "infoset", "game", OTHERS)
IMPORTS = ("math", "numpy", "numba", "solvers.rule")


@dataclass(frozen=True)
class Rule:
    """A checked rule: its module, declared parameters and memory, and whether its functions are compiled.

    `digest` is a hash of its source, `code` one that comments and docstrings do not change; `iterate` is which of its policies is
    reported unless somebody says otherwise; `regularised` says whether it adds terms to the values of actions.
    """

    name: str
    module: ModuleType
    digest: str
    code: str
    params: dict[str, Value]
    choices: dict[str, tuple[str, ...]]
    state: dict[str, str]
    compiled: bool
    summary: str
    iterate: str = ITERATES[0]
    regularised: bool = False


def shipped_rule(name: str, module: str) -> Rule:
    """Return the rule in the importable `module` under the catalogue name `name`."""
    loaded = importlib.import_module(module)
    assert loaded.__file__
    return make_rule(name, loaded, Path(loaded.__file__).read_text())


def load_module(path: Path) -> tuple[ModuleType, str]:
    """Import the Python file at `path`, trusted code, under a name of its own; return the module and its source.

    Raises
    ------
    GameplanError
        If the file cannot be read, parsed or imported; the line is named.
    """
    source = read_text(path, "algorithm file")
    check_syntax(path, source)
    digest = hashlib.sha256(f"{path.resolve()}\n{code_digest(source)}".encode()).hexdigest()[:16]
    name = f"gameplan_rule_{digest}"
    if name in sys.modules:
        return sys.modules[name], source
    spec = importlib.util.spec_from_file_location(name, path.resolve())
    if spec is None or spec.loader is None:
        raise UsageError(f"{path} is not a Python file; name a file that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # numba finds a function's globals through here
    try:
        spec.loader.exec_module(module)
    except BaseException as error:
        del sys.modules[name]
        if isinstance(error, KeyboardInterrupt):
            raise
        line = _line_in(error, path)
        raise GameplanError(f"{path}{line}: {type(error).__name__} on import: {one_line(error)}") from error
    return module, source


def make_rule(name: str, module: ModuleType, source: str) -> Rule:
    """Return the checked rule in `module`.

    Raises
    ------
    GameplanError
        With every fault of the file, one after the other, in one line.
    """
    problems = find_problems(module, source)
    if problems:
        raise GameplanError(f"{name} is not a valid rule: " + "; ".join(problems))
    functions = [getattr(module, function) for function in (*FUNCTIONS, *OPTIONAL) if hasattr(module, function)]
    return Rule(
        name=name,
        module=module,
        digest=hashlib.sha256(source.encode()).hexdigest(),
        code=code_digest(source),
        params=dict(module.PARAMS),
        choices=dict(getattr(module, "CHOICES", {})),
        state=dict(getattr(module, "STATE", {})),
        compiled=all(hasattr(function, "py_func") for function in functions),
        summary=(module.__doc__ or name).strip().splitlines()[0],
        iterate=getattr(module, "ITERATE", ITERATES[0]),
        regularised="regularise" in vars(module),
    )


def find_problems(module: ModuleType, source: str) -> list[str]:
    """Return what is wrong with a rule file, in the order of the file form; empty if nothing is."""
    problems = [f"line {line}: imports {what}; a rule may import {', '.join(IMPORTS)}" for line, what in foreign_imports(source)]
    params = getattr(module, "PARAMS", None)
    if not isinstance(params, dict):
        problems.append("PARAMS is missing: write PARAMS = {} or a dictionary of names and defaults")
        params = {}
    state = getattr(module, "STATE", {})
    if not isinstance(state, dict):
        problems.append("STATE is not a dictionary of array names and kinds")
        state = {}
    for kind, table in (("PARAMS", params), ("STATE", state)):
        for key in table:
            if not isinstance(key, str) or not key.isidentifier() or keyword.iskeyword(key) or key.startswith("_"):
                problems.append(f"{kind} has the key {key!r}; keys are identifiers that do not start with an underscore")
    for key, value in params.items():
        if not isinstance(value, (bool, int, float, str)):
            problems.append(f"PARAMS[{key!r}] is a {type(value).__name__}; defaults are float, int, bool or str")
        elif isinstance(value, int) and not -(2**63) <= value < 2**63:
            problems.append(f"PARAMS[{key!r}] is {shown(value)}, which does not fit 64 bits")
        elif isinstance(value, float) and not math.isfinite(value):
            problems.append(f"PARAMS[{key!r}] is {value}; defaults are finite")
    for key, value in state.items():
        if value not in STATE_KINDS:
            problems.append(f"STATE[{key!r}] is {value!r}; legal are {', '.join(map(repr, STATE_KINDS))}")
    choices = getattr(module, "CHOICES", {})
    if not isinstance(choices, dict) or not all(isinstance(v, (tuple, list)) and params.get(k) in v for k, v in choices.items()):
        problems.append("CHOICES does not list the default of every parameter that it names")
    if (iterate := getattr(module, "ITERATE", ITERATES[0])) not in ITERATES:
        problems.append(f"ITERATE is {iterate!r}; legal are {', '.join(map(repr, ITERATES))}")
    for name, arguments in {**FUNCTIONS, **OPTIONAL}.items():
        function = getattr(module, name, None)
        if function is None and name in OPTIONAL:
            continue
        if function is None:
            problems.append(f"function {name}({', '.join(arguments)}) is missing")
        elif not callable(function):
            problems.append(f"{name} is not a function")
        else:
            try:
                count = len(inspect.signature(getattr(function, "py_func", function)).parameters)
            except (TypeError, ValueError):
                problems.append(f"{name} is not a function written in Python")
                continue
            if count != len(arguments):
                problems.append(f"{name} takes {count} arguments; it must take {len(arguments)}: {', '.join(arguments)}")
    return problems


def foreign_imports(source: str) -> list[tuple[int, str]]:
    """Return line and module of every import that a rule may not make."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = ["." * node.level + (node.module or "")]
        else:
            continue
        for name in names:
            if not any(name == legal or name.startswith(legal + ".") for legal in IMPORTS):
                found.append((node.lineno, name))
    return found


def _line_in(error: BaseException, path: Path) -> str:
    trace, line = error.__traceback__, ""
    while trace:
        if Path(trace.tb_frame.f_code.co_filename) == path.resolve():
            line = f", line {trace.tb_lineno}"
        trace = trace.tb_next
    return line
