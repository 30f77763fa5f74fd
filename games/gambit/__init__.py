"""Gambit's files: our own reader of .efg and .nfg, straight into compiled games, and a writer of .efg."""
