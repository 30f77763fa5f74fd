"""Benchmarks against what else is installed, run by ``gameplan bench``: medians, spreads and ratios of one process."""
