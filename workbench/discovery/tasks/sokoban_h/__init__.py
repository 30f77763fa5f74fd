"""Sokoban heuristics."""
