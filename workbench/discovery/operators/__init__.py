"""How new programs are made from old ones: one file an operator."""
