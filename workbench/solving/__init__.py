"""Runs of solvers: configuration, loop, policies, populations, programs that run isolated. May use runs and the catalogue."""
