"""The names of the methods of learning, and where they are; without what it takes to run one."""

METHODS: dict[str, str] = {
    "reinforce": "planners.learning.methods.reinforce",
    "ppo": "planners.learning.methods.ppo",
    "grpo": "planners.learning.methods.grpo",
    "step-ppo": "planners.learning.methods.step_ppo",
    "traj-grpo": "planners.learning.methods.traj_grpo",
    "step-grpo": "planners.learning.methods.step_grpo",
    "mc-ppo": "planners.learning.methods.mc_ppo",
    "mc-grpo": "planners.learning.methods.mc_grpo",
    "distill": "planners.learning.methods.distill",
    "td": "planners.learning.methods.td",
    "tc": "planners.learning.methods.tc",
}
