"""The warden and its keeper, started by `workbench.discovery.isolation.client`; the warden answers on its standard streams."""

import sys

from workbench.discovery.isolation.keeper import keep

how, client = sys.argv[1:]


def work() -> None:
    """Be the warden."""
    from workbench.discovery.isolation.warden import main

    main(locked=how != "none")


keep(work, int(client))
