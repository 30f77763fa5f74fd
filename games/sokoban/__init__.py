"""Sokoban: levels and their file formats, engines for moves and pushes, lower bounds, deadlocks, a generator, trap states."""
