"""Which programs a discovery has: what operators see of them, how good they are, which become parents."""
