"""``gameplan critic``."""
