"""Policy-space response oracles: one loop, one file a meta-strategy solver."""
