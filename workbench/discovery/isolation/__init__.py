"""Running programs that nobody trusts: `examine` and `measure` are called by the loop, all else is behind them.

    the caller's thread        client     starts and asks
      -> warden                warden     clean environment, one thread; loads, compiles, computes scores
         -> zygote             zygote, child   locked in; compiles one structure
            -> child           child      locked in further; runs the candidate once

Only frames of plain numbers come back up (`wire`); what the locks are is in `locks`.
"""

from workbench.discovery.isolation.client import examine, level, measure

__all__ = ["examine", "level", "measure"]
