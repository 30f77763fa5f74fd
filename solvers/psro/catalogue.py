"""Names of the meta-strategy solvers and of the presets built from them."""

SOLVERS: dict[str, tuple[str, str]] = {
    "uniform": ("solvers.psro.solvers.uniform", "equal probabilities"),
    "nash": ("solvers.psro.solvers.nash", "equilibrium of the meta-game by linear programming (two players, constant-sum)"),
    "anytime": ("solvers.psro.solvers.anytime", "least exploitable mixture (McAleer et al. 2022, arXiv 2201.07700)"),
    "rectified": ("solvers.psro.solvers.rectified", "rectified Nash, several responses a player (Balduzzi et al. 2019)"),
    "prd": ("solvers.psro.solvers.prd", "projected replicator dynamics (Lanctot et al. 2017)"),
    "rrd": ("solvers.psro.solvers.rrd", "replicator dynamics that stop early (Wang, Ma, Wellman 2023)"),
    "rm": ("solvers.psro.solvers.rm", "regret matching (Hart & Mas-Colell 2000)"),
    "rm+": ("solvers.psro.solvers.rm_plus", "regret matching plus (Tammelin 2014)"),
    "orm": ("solvers.psro.solvers.orm", "optimistic regret matching (Farina, Kroer, Sandholm 2021)"),
    "fp": ("solvers.psro.solvers.fp", "fictitious play (Brown 1951)"),
    "hedge": ("solvers.psro.solvers.hedge", "exponential weights (Freund & Schapire 1997)"),
    "alpharank": ("solvers.psro.solvers.alpharank", "alpha-rank (Omidshafiei et al. 2019; Muller et al. 2020)"),
    "shor": ("solvers.psro.solvers.shor", "smoothed hybrid optimistic regret (Li et al. 2026, arXiv 2602.16928)"),
}

# Those of two-player zero-sum and constant-sum games only.
CONSTANT_SUM = ("nash", "anytime", "rectified")

# preset: (train and eval solver, title, reference)
PRESETS: dict[str, tuple[str, str, str]] = {
    "psro-uniform": ("uniform", "PSRO against the uniform mixture", "Lanctot et al. 2017, arXiv 1711.00832"),
    "double-oracle": ("nash", "PSRO against an equilibrium of the meta-game", "McMahan, Gordon, Blum 2003"),
    "psro-anytime": ("anytime", "PSRO against the least exploitable mixture", "McAleer et al. 2022, arXiv 2201.07700"),
    "psro-rectified": (
        "rectified",
        "PSRO_rN: a response for every policy",
        "Balduzzi et al. 2019, arXiv 1901.08106",
    ),
    "psro-prd": ("prd", "PSRO with projected replicator dynamics", "Lanctot et al. 2017, arXiv 1711.00832"),
    "psro-rm": ("rm", "PSRO with regret matching", "Lanctot et al. 2017, arXiv 1711.00832"),
    "psro-rrd": ("rrd", "PSRO with replicator dynamics that stop early", "Wang, Ma, Wellman 2023"),
    "psro-rm+": ("rm+", "PSRO with regret matching plus", "Tammelin 2014, arXiv 1407.5042"),
    "psro-orm": ("orm", "PSRO with optimistic regret matching", "Farina, Kroer, Sandholm 2021, arXiv 2007.14358"),
    "psro-fp": ("fp", "PSRO with fictitious play", "Brown 1951"),
    "psro-hedge": ("hedge", "PSRO with exponential weights", "Freund & Schapire 1997"),
    "psro-alpharank": ("alpharank", "PSRO with alpha-rank", "Muller et al. 2020, arXiv 1909.12823"),
    "shor-psro": ("shor", "PSRO with smoothed hybrid optimistic regret", "Li et al. 2026, arXiv 2602.16928"),
}
