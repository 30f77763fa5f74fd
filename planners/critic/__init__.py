"""The Monte-Carlo critic of ProAct (arXiv 2602.05327), and the planner that does nothing but ask it."""
