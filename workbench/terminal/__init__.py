"""What a person sees and types at a terminal: printing, tables, progress, durations, Ctrl-C. Computes nothing."""
