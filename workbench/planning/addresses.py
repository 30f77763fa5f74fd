"""Where models are asked, with which key, and which files serve that: said by the command line or the environment, never by a run.

A run records these settings, so that one can see what was done. What goes on with the run needs them said again: whoever made the
directory must not decide which server gets what, or which variable's value is sent there as a key.
"""

import os
import re
from collections.abc import Mapping
from typing import Any

from games.errors import UsageError
from planners.language.settings import PARAMS

PERSONAL = ("base_url", "key_variable", "cache")
_NAMED = (*PERSONAL, "prompts", "log")  # a file that is sent to the model, and one that grows
_PART = re.compile(rf"\b({'|'.join(_NAMED)})\s*=")  # in the text of a part, such as evaluator=llm:cache=answers


def check_addresses(saved: Mapping[str, Any], given: Mapping[str, Any], again: str, prefix: str = "") -> None:
    """Check that what a run has `saved` of the personal settings is `given` again, is in the environment, or is the default.

    `again` is the command to type; the options that it needs are added, their names after `prefix`.

    Raises
    ------
    UsageError
        If one is not.
    """
    environment = {"base_url": os.environ.get("GAMEPLAN_LLM_BASE_URL", "").strip()}
    missing = [
        name for name in _NAMED if saved.get(name, "") not in ("", PARAMS.get(name), environment.get(name), given.get(name, ""))
    ]
    missing += [
        name for name, value in saved.items() if name not in _NAMED and _PART.search(str(value)) and given.get(name) != value
    ]
    if missing:
        options = " ".join(f"--set {prefix}{name}={saved[name]}" for name in missing)
        raise UsageError(
            f"the run has {', '.join(f'{name} = {saved[name]}' for name in missing)}, which is not taken from a run directory; "
            f"if you want it, say it again: {again} {options}"
        )
