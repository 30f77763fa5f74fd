"""PSRO meta-strategy solvers."""
