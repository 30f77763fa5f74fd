"""Comparisons of solvers, planners and methods of learning, and their tables. May use every kind of run."""
