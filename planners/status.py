"""Why an episode ended: one set of words for decisions, records, files and tables."""

SOLVED = "solved"  # a goal was reached
ENDED = "ended"  # another terminal state was reached
CUT = "cut"  # the step limit was reached
UNSOLVABLE = "unsolvable"  # proven: everything was searched that could lead to a goal, and no limit of any kind cut anything off
GIVEN_UP = "given up"  # by the planner, for a reason of its own: its memory, its depth, an endpoint that does not answer; no proof
BUDGET = "budget"  # a search ended with what it was allowed to count: expansions, evaluations, units
TIME_LIMIT = "time limit"  # the clock ended a search or an episode
STOPPED = "stopped"  # the caller said so
STATUSES = (SOLVED, ENDED, CUT, UNSOLVABLE, GIVEN_UP, BUDGET, TIME_LIMIT, STOPPED)
