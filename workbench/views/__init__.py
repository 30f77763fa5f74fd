"""What can be seen of a run, as plain records; draws nothing, prints nothing."""
