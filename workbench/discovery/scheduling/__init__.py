"""What runs next in a discovery: the loop, steps under way, budgets, retries, pace. Names no operator and no task."""
