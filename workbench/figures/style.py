"""One colour for one algorithm in every figure: its style follows from its name alone, whatever else is drawn.

Ten colours that colour-blind readers tell apart (Okabe & Ito 2008, and three dark ones), each with a marker of its own for print in
grey; names beyond the tenth of their kind have dashed lines.
"""

import zlib
from typing import Any, NamedTuple

COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#882255", "#332288", "#5F4B00")
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "h")
LINES: tuple[Any, ...] = ("-", (0, (4, 1.5)), (0, (4, 1.2, 1, 1.2)), (0, (1, 1.2)), (0, (6, 1.2, 1, 1.2, 1, 1.2)))
QUIET = "0.45"  # what is said about the data, beside it
DIVERGING, SEQUENTIAL = "PuOr_r", "cividis"  # colour maps of what has a sign, and of what has none

# Places of names in a table that only grows at its ends: those often drawn together have different colours. All other names, such
# as those of a user's files, get a place by their digest, with lines of the last two kinds.
PLACES = {
    name: place
    for names in (
        "cfr cfr+ lcfr dcfr pcfr+ dpcfr+ hs-pcfr+ vad-cfr aod-cfr lp dcfr+ hs-dcfr aod-distilled trend-dcfr last-dcfr "
        "sapcfr+ apcfr+ apdcfr+ smooth-pcfr+ stable-pcfr+ rpdcfr+ mmd rtcfr+ mmd-q qre es-mccfr os-mccfr vr-es-mccfr vr-os-mccfr "
        "perturbed-cfr+ perfect-lp perfect-cfr",
        "psro-uniform double-oracle psro-prd psro-rm psro-alpharank psro shor-psro psro-rrd psro-rm+ psro-orm psro-fp psro-hedge "
        "psro-anytime psro-rectified",
        "uniform nash prd rm alpharank fp shor orm rm+ hedge rrd anytime rectified",
        "greedy beam flare-paper mcts random lookahead oracle flat llm proact flare-wb lookahead-value beam-value flare expectimax "
        "receding-horizon flat-critic greedy-value policy best-of-n astar wastar idastar greedy-best-first sokoban-solver",
        "distill ppo step-ppo td reinforce tc grpo mc-ppo traj-grpo step-grpo mc-grpo",
        "symbolic mixed constants crossover random iid sequential constants-only llm",
    )
    for place, name in enumerate(names.split())
}  # fmt: skip


class Style(NamedTuple):
    """How a line is drawn: matplotlib's colour, line style and marker."""

    colour: str
    line: Any
    marker: str


def style_of(name: str, variant: int = 0) -> Style:
    """Return the style of the algorithm, planner, method or operator called `name`.

    `variant` tells several lines of one name apart: the colour stays, marker and line change.
    """
    count = len(COLOURS)
    if name in PLACES:
        place = PLACES[name]
        line = place // count
    else:
        place = zlib.crc32(name.encode(errors="surrogatepass"))
        line = 3 + place // count % 2
    return Style(COLOURS[place % count], LINES[(line + variant) % len(LINES)], MARKERS[(place + 3 * variant) % count])


def part_colour(number: int) -> str:
    """Return the colour of what is numbered, not named, such as player `number`."""
    return COLOURS[number % len(COLOURS)]
