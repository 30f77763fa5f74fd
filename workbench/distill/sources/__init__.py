"""Where positions for chains come from, one file a kind of board; they know their worlds."""
