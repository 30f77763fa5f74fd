"""Data sets of grounded lookahead distillation: positions from play, judged by a teacher, explained in checked chains, on disk."""
