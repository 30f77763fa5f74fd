"""What is evolved: one folder a task, with its seeds, its evaluator, and its training and held-out instances."""
