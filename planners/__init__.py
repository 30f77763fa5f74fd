"""How one agent looks ahead.

On this floor stands what all share: what a planner is (`planner`), an episode (`episode`), what planning costs (`budget`), what a
state is worth (`evaluator`), how an episode ends (`status`), what went wrong in it (`metrics`), and the catalogue. The rooms:
``parts/`` holds what planners are put together from, ``critic/`` the Monte-Carlo critic, ``search/`` what searches a world,
``flare/`` FLARE, ``language/`` models behind an endpoint. A room may use the floor and the rooms named before it.
"""
