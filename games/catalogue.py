"""Short names and suites of games."""

from typing import NamedTuple


class Entry(NamedTuple):
    """A catalogued game: its OpenSpiel string, its size if known, and one line about it."""

    game: str
    histories: int
    terminals: int
    infosets: int
    about: str


def _goofspiel(cards: int) -> str:
    return f"goofspiel(imp_info=true,num_cards={cards},points_order=descending)"


# infosets: the largest player's number
GAMES: dict[str, Entry] = {
    "kuhn_2p": Entry("kuhn_poker(players=2)", 58, 30, 6, "three cards, one bet (Kuhn 1950)"),
    "kuhn_3p": Entry("kuhn_poker(players=3)", 617, 312, 16, "Kuhn poker for three players"),
    "kuhn_4p": Entry("kuhn_poker(players=4)", 7_886, 3_960, 40, "Kuhn poker for four players"),
    "leduc_2p": Entry("leduc_poker(players=2)", 9_457, 5_520, 468, "six cards, two rounds (Southey et al. 2005)"),
    "leduc_3p": Entry("leduc_poker(players=3)", 1_831_601, 1_043_952, 8_600, "Leduc poker for three players"),
    "goofspiel_3": Entry(_goofspiel(3), 67, 36, 8, "bidding cards, imperfect information, descending prizes"),
    "goofspiel_4": Entry(_goofspiel(4), 1_077, 576, 81, "the same with four cards"),
    "goofspiel_5": Entry(_goofspiel(5), 26_931, 14_400, 1_062, "the same with five cards"),
    "liars_dice_4": Entry("liars_dice(numdice=1,dice_sides=4)", 8_181, 4_080, 512, "one die each, four sides"),
    "liars_dice_5": Entry("liars_dice(numdice=1,dice_sides=5)", 51_181, 25_575, 2_560, "one die each, five sides"),
    "liars_dice_6": Entry("liars_dice(numdice=1,dice_sides=6)", 294_883, 147_420, 12_288, "one die each, six sides"),
}

SUITES: dict[str, tuple[str, ...]] = {
    "paper11": tuple(GAMES),
    "train4": ("kuhn_3p", "leduc_2p", "goofspiel_4", "liars_dice_5"),
    "test4": ("kuhn_4p", "leduc_3p", "goofspiel_5", "liars_dice_6"),
    "quick": ("kuhn_2p", "kuhn_3p", "goofspiel_4", "leduc_2p"),
}
