"""Counterfactual regret minimisation: one loop, one file a variant."""
