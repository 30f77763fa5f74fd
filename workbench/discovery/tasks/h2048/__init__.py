"""2048 board evaluations."""
