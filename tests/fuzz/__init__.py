"""Scripts that try damaged inputs by the thousand; seeded, minutes long, not part of the suite."""
