"""What surrounds a run: catalogue, run directories, comparison, plots, parallel execution."""
