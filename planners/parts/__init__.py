"""What planners are put together from: proposals, evaluators, memory, tables, exact values of small worlds."""
