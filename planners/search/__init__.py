"""Planners that search the world itself, as tree or graph; whole plans, and records of what a search found."""
