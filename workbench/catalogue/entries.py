"""The algorithms that ship: where each is, what it is, and who published it."""

from typing import NamedTuple

from solvers.psro.catalogue import PRESETS


class Entry(NamedTuple):
    """A catalogued algorithm: its module, its title, and who published it."""

    module: str
    title: str
    reference: str


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
DISCOVERED: dict[str, Entry] = {  # by this project; discoveries are compared with the published ones
    "aod-distilled": Entry("solvers.cfr.rules.aod_distilled", "AOD-CFR distilled by ablation", "gameplan evolve ablate aod-cfr"),
    "trend-dcfr": Entry("solvers.cfr.rules.trend_dcfr", "DCFR that follows trends, evolved from CFR+", "gameplan evolve new cfr"),
    "last-dcfr": Entry(
        "solvers.cfr.rules.last_dcfr", "DCFR by its last iterate, evolved from published ones", "gameplan evolve new cfr"
    ),
}
CFR: dict[str, Entry] = {**PUBLISHED, **DISCOVERED}
EXACT: dict[str, Entry] = {
    "lp": Entry("solvers.lp", "Sequence-form linear program (exact)", "Koller, Megiddo, von Stengel 1994"),
}
PSRO: dict[str, Entry] = {
    "psro": Entry(
        "solvers.psro.solver", "PSRO with solvers of your choice: --train, --eval", "Lanctot et al. 2017, arXiv 1711.00832"
    ),
    **{name: Entry("solvers.psro.solver", title, reference) for name, (_, title, reference) in PRESETS.items()},
}
