"""2048 and its relatives on boards of at most 4x4 cells: bitboards, models, worlds, exact values of the smallest."""
