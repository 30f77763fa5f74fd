"""What ships with the workbench itself: the tasks of evolution, and what makes chains about a world."""

TASKS = {  # task: one line about it; a folder of `workbench.discovery.tasks` each
    "cfr": "CFR update rules",
    "psro": "PSRO meta-strategy solvers",
    "h2048": "2048 board evaluations",
    "sokoban-h": "Sokoban heuristics",
}
CHAINS = {  # world: module of its source of positions
    "2048": "workbench.distill.sources.boards",
    "2048-3x3": "workbench.distill.sources.boards",
    "sokoban-proact": "workbench.distill.sources.levels",
}
FLARE = ("kg-walk", "kg-needle")  # worlds in which 'gameplan bench flare' measures
