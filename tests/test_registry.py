"""OpenSpiel's registry: small members of its families are solved and checked against OpenSpiel's NashConv; others are refused."""

from functools import cache

import numpy as np
import pyspiel
import pytest
from open_spiel.python import games, policy  # noqa: F401 (registers the games written in Python)
from open_spiel.python.algorithms import exploitability

from games.errors import GameplanError
from games.loader import load_game
from games.sequence_form import SequenceGame
from solvers.exploitability import Evaluator
from workbench.catalogue.algorithms import find_algorithm
from workbench.solving.policies import policy_table

MAX_HISTORIES = 200_000
ITERATIONS = 20
SOLVED = (
    # one and two players, sequential
    "bargaining(max_num_instances=1,max_turns=2)",
    "battleship(board_width=2,board_height=2,num_shots=1,ship_sizes=[1],ship_values=[1.0],loss_multiplier=2.0)",
    "cliff_walking(height=3,horizon=4,width=3)",
    "clobber(rows=2,columns=3)",
    "connect_four(rows=2,columns=3,x_in_row=2)",
    "coordinated_mp",
    "dark_hex(num_rows=2,num_cols=2)",
    "dark_hex(num_rows=2,num_cols=2,gameversion=adh,obstype=reveal-numturns)",
    "dots_and_boxes(num_rows=1,num_cols=1)",
    "first_sealed_auction(max_value=3,players=2)",
    "go(board_size=2,max_game_length=4)",
    "go_fish(ranks=2,suits=2,initial_cards=1)",
    "havannah(board_size=2)",
    "hex(board_size=2,swap=true)",
    "leduc_poker(suit_isomorphism=true)",
    "lewis_signaling",
    "liars_dice(dice_sides=3,bidding_rule=reset-quantity)",
    "liars_dice_ir(dice_sides=2)",
    "mnk(m=3,n=2,k=2)",
    "nim(pile_sizes=1;2;3)",
    "python_kuhn_poker",
    "python_liars_poker(hand_length=1,num_digits=2)",
    "sheriff(num_rounds=2,max_items=2,max_bribe=2)",
    "start_at(history=0;1;1,game=leduc_poker())",
    "tiny_hanabi",
    "trade_comm(num_items=2)",
    "universal_poker(numRanks=3,numSuits=1,stack=300 300,bettingAbstraction=fchpa)",
    "universal_poker(numRounds=1,numBoardCards=0 0,firstPlayer=1 1,blind=100 100,stack=200 200,numSuits=1,numRanks=3,numHoleCards=1)",
    "y(board_size=3)",
    # simultaneous moves
    "blotto(coins=4,fields=2)",
    "goofspiel(num_cards=3)",
    "goofspiel(num_cards=4,imp_info=true,points_order=ascending,num_turns=2,returns_type=total_points,egocentric=true)",
    "matrix_pd",
    "matrix_shapleys_game",
    "oshi_zumo(coins=3,size=1,horizon=3,alesia=true)",
    # more players
    "blotto(coins=3,fields=2,players=3)",
    "first_sealed_auction(max_value=3,players=3)",
    "goofspiel(num_cards=3,imp_info=true,players=3,points_order=descending)",
    "matching_pennies_3p",
    "oh_hell(players=3,num_suits=2,num_cards_per_suit=2,num_tricks_fixed=1)",
    "python_dynamic_routing(max_num_time_step=3)",
    # games made of games
    "add_noise(epsilon=1.0,game=kuhn_poker(),seed=1)",
    "cached_tree(game=kuhn_poker())",
    "misere(game=kuhn_poker(players=3))",
    "normal_form_extensive_game(game=start_at(history=0;1,game=kuhn_poker()))",
    "restricted_nash_response(game=kuhn_poker())",
    "turn_based_simultaneous_game(game=goofspiel(num_cards=3,imp_info=true))",
    "zerosum(game=matrix_pd())",
    # no flag says that their information-state strings work
    "repeated_game(num_repetitions=2,stage_game=matrix_pd())",
    "python_iterated_prisoners_dilemma(max_game_length=2)",
    # nobody moves
    "oshi_zumo(coins=0)",
    "solitaire(depth_limit=1)",
)
REFUSED = {
    "backgammon": "provides no information-state string",
    "pig(winscore=3,horizon=5)": "provides no information-state string",
    "negotiation": "samples its chance moves",
    "misere(game=tarok())": "samples its chance moves",
    "mfg_crowd_modelling": "is a mean-field game",
    "dark_hex_ir(num_rows=2,num_cols=2)": "has imperfect recall: player 1 reaches infoset",
    "goofspiel": "has imperfect recall: player 0 reaches infoset .*; with imp_info=false goofspiel shows hands",
    "dark_hex(num_rows=3,num_cols=2)": "has imperfect recall: .*; obstype=reveal-numturns or gameversion=adh tells more",
    "leduc_poker(action_mapping=true)": "has imperfect recall: player 0 reaches infoset",
    "twixt(board_size=5)": "has imperfect recall: player 0 reaches infoset",
    "universal_poker(numRounds=1,firstPlayer=1)": r"write two, firstPlayer=1 1: what a one-round game does not need it ignores$",
    "misere(game=kuhn_poker)": r"needs brackets, such as game=kuhn_poker\(\)$",
    "repeated_game": r"a complete one is repeated_game\(stage_game=matrix_pd\(\),num_repetitions=2\)$",
    "tic_tac_toe(players=3)": "tic_tac_toe has no parameters",
    "kuhn_poker(players=11)": "kuhn_poker is for 2 to 10 players$",
    "efg_game": "name the file itself instead: gameplan solve game.efg",
    "solitaire(players=2)": "asks for players=2, but OpenSpiel's solitaire then has 1 player; leave players out",
    "misere(game=python_liars_poker(players=3))": "asks for players=3, but OpenSpiel's python_liars_poker then has 2 players",
    "connect_four": "has more than 200,000 histories",
    "repeated_leduc_poker": "has imperfect recall|has more than 200,000 histories",
    "tic_tac_toe": "has more than 200,000 histories",
    "universal_poker": "has more than 200,000 histories",
    "amazons(board_size=3)": "OpenSpiel refuses .*board_size_ == 6",
    "bargaining(turns=2)": "OpenSpiel refuses .*Unknown parameter 'turns'.*max_turns",
    "liars_dice(players=3)": "OpenSpiel refuses .*max_num_players",
    "universal_poker(blind=100)": "OpenSpiel refuses .*Wrong type for parameter blind",
    "universal_poker(numPlayers=3)": "OpenSpiel crashes on universal_poker.*SIGSEGV.*; every player needs an entry: blind and stack",
    "hanabi(players=1)": "OpenSpiel crashes on hanabi.*SIGABRT",
    "restricted_nash_response(game=kuhn_poker(),p=2.0)": "chance probabilities that are no distribution",
    "hex(board_size=1)": "has no legal action",
    "efg_game(filename=missing.efg)": "cannot read the file .*missing.efg",
    "python_tic_tac": "unknown game 'python_tic_tac'.*did you mean 'python_tic_tac_toe'",
}


@pytest.fixture(scope="module", autouse=True)
def own_cache(tmp_path_factory):
    """Compile every game here: a cache may hold what another version made of it."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GAMEPLAN_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@cache
def solved(name: str) -> tuple[SequenceGame, np.ndarray]:
    """Return the compiled game and CFR+'s average policy."""
    game = load_game(name, max_histories=MAX_HISTORIES)
    solver = find_algorithm("cfr+", {}, ITERATIONS).make(game, alternating=True)
    solver.advance(ITERATIONS)
    return game, solver.average_policy()


class Exported(policy.Policy):
    """An exported policy as OpenSpiel's functions want it; an infoset that is missing from it is an error."""

    def __init__(self, theirs, game, values):
        super().__init__(theirs, list(range(theirs.num_players())))
        self.tables = policy_table(game, values)

    def action_probabilities(self, state, player_id=None):
        player = state.current_player() if player_id is None else player_id
        table = self.tables[player][state.information_state_string(player)]
        assert [int(action) for action in table] == state.legal_actions(player)
        return {int(action): probability for action, probability in table.items()}


@pytest.mark.parametrize("name", SOLVED)
def test_solved(name, capfd):
    game, values = solved(name)
    assert game.histories <= 5_000
    found = Evaluator(game)(values)
    assert np.isfinite(found.nash_conv) and found.exploitability >= -1e-9
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize("name", SOLVED)
def test_nash_conv(name):
    if name.startswith("add_noise"):
        pytest.skip("OpenSpiel draws the noise when a terminal history is first reached: another walk, another game")
    game, values = solved(name)
    theirs = pyspiel.load_game(name)
    if theirs.get_type().dynamics == pyspiel.GameType.Dynamics.SIMULTANEOUS:
        theirs = pyspiel.convert_to_turn_based(theirs)
    expected = exploitability.nash_conv(theirs, Exported(theirs, game, values))
    assert Evaluator(game)(values).nash_conv == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("name", REFUSED)
def test_refused(name, capfd):
    with pytest.raises(GameplanError, match=REFUSED[name]) as caught:
        load_game(name, max_histories=MAX_HISTORIES)
    assert len(str(caught.value).splitlines()) == 1
    assert capfd.readouterr().err == ""


def test_too_large_games_say_how_they_get_small():
    with pytest.raises(GameplanError, match=r"has more than 3,000 histories; .*; without min_bid=1 or a small horizon, such as"):
        load_game("oshi_zumo(coins=6,size=2)", max_histories=3_000)
    assert load_game("oshi_zumo(coins=6,size=2,min_bid=1)", max_histories=4_000).infosets == [1_014, 1_014]


def test_wrapped_games_with_other_parameters_are_other_games():
    """OpenSpiel's own string of a wrapped game leaves parameters out."""
    loaded = [load_game(f"restricted_nash_response(game=kuhn_poker(),p={p})") for p in (0.5, 0.0)]
    assert loaded[0].key != loaded[1].key and loaded[0].rows.chance.tolist() != loaded[1].rows.chance.tolist()
