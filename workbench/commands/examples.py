"""Examples of every command, which end its help; a test parses each of them."""

import click

EXAMPLES: dict[str, tuple[str, ...]] = {
    "solve": (
        "gameplan solve leduc_2p",
        "gameplan solve kuhn_3p --algo dcfr --set alpha=2 -n 500 --out mine",
        "gameplan solve liars_dice_6 --algo vad-cfr --target 1e-3 --time-limit 5m",
        "gameplan solve goofspiel_5 --algo psro --train prd --eval nash",
        "gameplan solve --resume mine -n 2000",
    ),
    "compare": (
        "gameplan compare quick --algos cfr+,dcfr,./mine.py -n 1000",
        "gameplan compare 2048 --planners greedy,expectimax --episodes 20",
        "gameplan compare kg-walk --planners beam,flare --budgets 10,100,1000",
        "gameplan compare 2048-2x3 --methods td,tc --seeds 5 --time-limit 30s",
    ),
    "exploit": ("gameplan exploit leduc_2p mine/policy.npz", "gameplan exploit kuhn_2p uniform.json --json"),
    "export": ("gameplan export mine policy.csv", "gameplan export kuhn_2p kuhn.efg"),
    "plan": (
        "gameplan plan 2048 --planner expectimax --episodes 20",
        "gameplan plan sokoban --planner sokoban-solver --levels levels.xsb",
        "gameplan plan kg-walk --planner flare --set S=64 --simulations 100",
        "gameplan plan 2048 --planner flat-critic --time-per-move 1ms --render",
        "gameplan plan 2048 --policy learned",
    ),
    "replay": ("gameplan replay played", "gameplan replay played --episode 3 --values", "gameplan replay played --gif play.gif"),
    "critic": (
        "gameplan critic 2048 --board '2 16 4 16/2 128 64 4/8 16 8 2/4 4 2 4'",
        "gameplan critic sokoban-rooms --seed 3 -m 5000 -t 50 --policy legal",
    ),
    "train": (
        "gameplan train 2048 --method tc --time-limit 10m --out learned",
        "gameplan train sokoban-rooms --method mc-grpo -n 200 --policy conv",
        "gameplan train 2048-2x3 --method td --seeds 5 --time-limit 10s",
        "gameplan train --resume learned --time-limit 20m",
    ),
    "distill": (
        "gameplan distill 2048 --samples 1000 --out data",
        "gameplan distill 2048-3x3 --form short --samples 20000 --out data",
        "gameplan distill --check data",
    ),
    "train-lm": ("gameplan train-lm data --out model", "gameplan train-lm data --answers action --epochs 5 --out actions"),
    "play-lm": ("gameplan play-lm model", "gameplan play-lm model 2048-3x3 --episodes 100 --temperature 0"),
    "serve-lm": ("gameplan serve-lm model --port 8000", "gameplan serve-lm model --batch 64"),
    "evolve": (
        "gameplan evolve new cfr --budget-evals 1000 --out found",
        "gameplan evolve status found",
        "gameplan evolve verify found",
        "gameplan evolve best found --out best.py",
    ),
    "evolve new": (
        "gameplan evolve new cfr --budget-evals 1000 --out found",
        "gameplan evolve new cfr --from known --ranking average --budget-time 10m",
        "gameplan evolve new psro --operator mixed=3,llm=1 --budget-calls 50",
        "gameplan evolve new h2048 -n 50 --set islands=4",
    ),
    "evolve run": ("gameplan evolve run discovery.toml --out found",),
    "evolve resume": ("gameplan evolve resume found --budget-evals 2000",),
    "evolve import": ("gameplan evolve import cfr mine.py elsewhere/ --out found",),
    "evolve status": ("gameplan evolve status found",),
    "evolve best": ("gameplan evolve best found", "gameplan evolve best found --out best.py"),
    "evolve list": ("gameplan evolve list found --limit 50",),
    "evolve show": ("gameplan evolve show found 3fa9", "gameplan evolve show found 3fa9 --out third.py"),
    "evolve diff": ("gameplan evolve diff found 3fa9", "gameplan evolve diff found 3fa9 b07c"),
    "evolve lineage": ("gameplan evolve lineage found", "gameplan evolve lineage found 3fa9"),
    "evolve export": ("gameplan evolve export found --out folder",),
    "evolve verify": (
        "gameplan evolve verify found --best 5",
        "gameplan evolve verify found 3fa9 --games paper11 --horizons 250,4000",
    ),
    "evolve ablate": (
        "gameplan evolve ablate found",
        "gameplan evolve ablate aod-cfr --all --save distilled.py",
        "gameplan evolve ablate mine.py --task cfr -n 500 --out tables.md",
    ),
    "evolve compare": ("gameplan evolve compare cfr --operators mixed,random,iid --seeds 3",),
    "evolve report": ("gameplan evolve report found", "gameplan evolve report found --out page.html"),
    "new-rule": ("gameplan new-rule mine.py",),
    "check-rule": ("gameplan check-rule mine.py",),
    "new-method": ("gameplan new-method mine.py",),
    "check-method": ("gameplan check-method mine.py",),
    "games": ("gameplan games", "gameplan games leduc_3p", "gameplan games sokoban-rooms"),
    "algos": ("gameplan algos", "gameplan algos vad-cfr", "gameplan algos ntuple", "gameplan algos ./mine.py"),
    "plot": ("gameplan plot mine other --out figure.pdf",),
    "psro-show": ("gameplan psro-show mine --out population.pdf",),
    "runs": ("gameplan runs list",),
    "runs list": ("gameplan runs list", "gameplan runs list elsewhere --json"),
    "cache": ("gameplan cache info",),
    "cache info": ("gameplan cache info",),
    "cache clear": ("gameplan cache clear",),
    "bench": ("gameplan bench cfr --games kuhn_2p --budget 200ms",),
    "bench cfr": ("gameplan bench cfr", "gameplan bench cfr --games kuhn_2p,leduc_2p --algos cfr+,dcfr --budget 2s"),
    "bench psro": ("gameplan bench psro --games leduc_2p --algos shor-psro -n 20",),
    "bench planning": ("gameplan bench planning --parts 2048,critic",),
    "bench flare": ("gameplan bench flare --worlds kg-walk --seeds 5",),
    "bench learning": ("gameplan bench learning --budget 30s",),
    "stub-server": (
        "gameplan stub-server --mode legal --port 8000",
        "gameplan stub-server --mode planner --planner expectimax --fault empty=0.1",
    ),
}


def with_examples(command: click.Command, path: str) -> click.Command:
    """Return the command called `path`, with those in it, whose help ends with its examples."""
    lines = EXAMPLES.get(path, ())
    command.epilog = "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)]) if lines else None
    for name, inner in getattr(command, "commands", {}).items():
        with_examples(inner, f"{path} {name}")
    return command
