"""Policies and learned values: what can be played without search, or gives a search its values."""
