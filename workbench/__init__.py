"""What surrounds a run, a room for each concern; every room says in its first line what lives there and what it may use."""
