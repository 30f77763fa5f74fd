"""The algorithms that ship: where each is, what it is, and who published it."""

from typing import NamedTuple

from solvers.psro.catalogue import PRESETS

MIXTURE = "mixture"  # the policy that PSRO reports, and no other family


class Entry(NamedTuple):
    """A catalogued algorithm: its module, its title, who published it, and where its definition was taken from, if that is told."""

    module: str
    title: str
    reference: str
    definition: str = ""


PUBLISHED: dict[str, Entry] = {  # CFR variants
    "cfr": Entry("solvers.cfr.rules.cfr", "Counterfactual regret minimisation", "Zinkevich et al. 2007"),
    "cfr+": Entry("solvers.cfr.rules.cfr_plus", "CFR+", "Tammelin 2014, arXiv 1407.5042"),
    "lcfr": Entry("solvers.cfr.rules.lcfr", "Linear CFR", "Brown & Sandholm 2019, arXiv 1809.04040"),
    "dcfr": Entry("solvers.cfr.rules.dcfr", "Discounted CFR", "Brown & Sandholm 2019, arXiv 1809.04040"),
    "dcfr+": Entry("solvers.cfr.rules.dcfr_plus", "Discounted CFR+", "Xu et al. 2024"),
    "pcfr+": Entry("solvers.cfr.rules.pcfr_plus", "Predictive CFR+", "Farina, Kroer, Sandholm 2021, arXiv 2007.14358"),
    "dpcfr+": Entry("solvers.cfr.rules.dpcfr_plus", "Discounted predictive CFR+", "Xu et al. 2024"),
    "hs-pcfr+": Entry("solvers.cfr.rules.hs_pcfr_plus", "PCFR+ with schedules", "Zhang, McAleer, Sandholm 2024, arXiv 2404.09097"),
    "hs-dcfr": Entry("solvers.cfr.rules.hs_dcfr", "DCFR with schedules", "Zhang, McAleer, Sandholm 2024, arXiv 2404.09097"),
    "vad-cfr": Entry("solvers.cfr.rules.vad_cfr", "Volatility-adaptive discounted CFR", "Li et al. 2026, arXiv 2602.16928"),
    "aod-cfr": Entry("solvers.cfr.rules.aod_cfr", "Asymmetric optimistic discounted CFR", "Li et al. 2026, arXiv 2602.16928"),
}
_PAPER, _CODE = "exact, from the paper or its authors' code", "from published code, the paper not read"
NEWER: dict[str, Entry] = {  # published ones that a search neither starts from nor is measured by, so that its runs stay comparable
    "sapcfr+": Entry(
        "solvers.cfr.rules.sapcfr_plus", "PCFR+ with asymmetric steps", "Meng et al. 2026, arXiv 2503.12770", _PAPER
    ),
    "apcfr+": Entry(
        "solvers.cfr.rules.apcfr_plus", "PCFR+ with adaptive asymmetric steps", "Meng et al. 2026, arXiv 2503.12770", _PAPER
    ),
    "apdcfr+": Entry(
        "solvers.cfr.rules.apdcfr_plus", "APCFR+ with growing weights", "Meng et al. 2026, arXiv 2503.12770",
        "exact as printed in the paper, whose two weights are an odd pair; no published figure was reproduced",
    ),
    "smooth-pcfr+": Entry(
        "solvers.cfr.rules.smooth_pcfr_plus", "Smooth predictive CFR+", "Farina et al. 2023, arXiv 2305.14709", _PAPER
    ),
    "stable-pcfr+": Entry(
        "solvers.cfr.rules.stable_pcfr_plus", "Stable predictive CFR+", "Farina et al. 2023, arXiv 2305.14709",
        "exact, from the paper; in trees as in published code of others",
    ),
    "rpdcfr+": Entry(
        "solvers.cfr.rules.rpdcfr_plus", "DCFR+ with robust historical weights", "Yang & Sun 2025",
        f"{_CODE}; discounts apply once an iteration, there once a player's turn",
    ),
    "rtcfr+": Entry(
        "solvers.cfr.rules.rtcfr_plus", "CFR+ towards anchors, by its last iterate", "Meng et al. 2025",
        "exact, from the authors' published program, but against the policy with its floor of 1e-10, there without",
    ),
    "mmd": Entry(
        "solvers.cfr.rules.mmd", "Magnetic mirror descent, counterfactual", "Sokota et al. 2023, arXiv 2206.05825",
        "exact, from the paper and its authors' code, but for counterfactual regrets in place of action values",
    ),
    "mmd-q": Entry("solvers.cfr.rules.mmd_q", "Magnetic mirror descent", "Sokota et al. 2023, arXiv 2206.05825", _PAPER),
    "perturbed-cfr+": Entry(
        "solvers.cfr.rules.perturbed_cfr_plus", "CFR+ with floors", "Farina, Kroer, Sandholm 2017, arXiv 1711.03441",
        "the paper's idea, regret matching on what is above floors; that they are equal and fall is ours",
    ),
}  # fmt: skip
DISCOVERED: dict[str, Entry] = {  # by this project; discoveries are compared with the published ones
    "aod-distilled": Entry("solvers.cfr.rules.aod_distilled", "AOD-CFR distilled by ablation", "gameplan evolve ablate aod-cfr"),
    "trend-dcfr": Entry("solvers.cfr.rules.trend_dcfr", "DCFR that follows trends, evolved from CFR+", "gameplan evolve new cfr"),
    "last-dcfr": Entry(
        "solvers.cfr.rules.last_dcfr", "DCFR by its last iterate, evolved from published ones", "gameplan evolve new cfr"
    ),
}
CFR: dict[str, Entry] = {**PUBLISHED, **NEWER, **DISCOVERED}
EXACT: dict[str, Entry] = {
    "lp": Entry("solvers.lp", "Sequence-form linear program (exact)", "Koller, Megiddo, von Stengel 1994"),
    "perfect-lp": Entry("solvers.trembles", "Perfect equilibrium (exact)", "Selten 1975; Farina & Gatti 2017, arXiv 1611.05011"),
}
CONCEPTS: dict[str, Entry] = {
    "qre": Entry("solvers.quantal", "Agent logit equilibrium", "McKelvey & Palfrey 1998; Sokota et al. 2023, arXiv 2206.05825"),
    "perfect-cfr": Entry(
        "solvers.perfect", "Perfect equilibrium by CFR+", "Selten 1975; Farina, Kroer, Sandholm 2017, arXiv 1711.03441"
    ),
}
SAMPLING: dict[str, Entry] = {
    "es-mccfr": Entry("solvers.mccfr.es_mccfr", "External-sampling Monte-Carlo CFR", "Lanctot et al. 2009", _PAPER),
    "os-mccfr": Entry("solvers.mccfr.os_mccfr", "Outcome-sampling Monte-Carlo CFR", "Lanctot et al. 2009", _PAPER),
    "vr-es-mccfr": Entry(
        "solvers.mccfr.vr_es_mccfr", "External sampling with baselines", "Schmid et al. 2019, arXiv 1809.03057", _PAPER
    ),
    "vr-os-mccfr": Entry(
        "solvers.mccfr.vr_os_mccfr", "Outcome sampling with baselines", "Schmid et al. 2019, arXiv 1809.03057", _PAPER
    ),
}
PSRO: dict[str, Entry] = {
    "psro": Entry(
        "solvers.psro.solver", "PSRO with solvers of your choice: --train, --eval", "Lanctot et al. 2017, arXiv 1711.00832"
    ),
    **{name: Entry("solvers.psro.solver", title, reference) for name, (_, title, reference) in PRESETS.items()},
}
