"""The warden's process, started by `workbench.discovery.isolation.client`; it answers jobs on its standard streams."""

import sys

from workbench.discovery.isolation.warden import main

main(locked=sys.argv[1] != "none")
