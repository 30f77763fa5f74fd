"""Language models behind an OpenAI-compatible endpoint: as proposal, evaluator or whole planner; and a server that stands in."""
