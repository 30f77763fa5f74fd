"""Graphs to be walked: constructions in which planners provably fail or succeed, and a synthetic knowledge graph."""
