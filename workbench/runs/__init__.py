"""What a run leaves behind: directories, formats, checkpoints, locks, programs of the user's own. Knows no kind of run.

Called, ``workbench.runs("runs")``, the room lists what there is below a directory (`workbench.door.listing.runs`).
"""

import sys
from pathlib import Path
from types import ModuleType
from typing import Any


class _Room(ModuleType):
    def __call__(self, root: str | Path = "runs", *, inner: bool = False) -> Any:
        from workbench.door.listing import runs

        return runs(root, inner=inner)


sys.modules[__name__].__class__ = _Room
