"""CFR update rules."""
