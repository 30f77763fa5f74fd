"""FLARE (arXiv 2601.22311): its planner, its search, its tree."""
