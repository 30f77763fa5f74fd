"""Grounded lookahead distillation: what a search found, as claims in words that can be read back and checked one by one."""
