"""Parts that all planners share: proposals, evaluators, memory."""
