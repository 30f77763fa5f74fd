"""Meta-strategy solvers, one file each; the catalogue in `solvers.psro.catalogue` names them."""
