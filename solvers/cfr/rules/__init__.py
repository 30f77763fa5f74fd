"""The update rules, one file each; the catalogue in `workbench.catalogue` names them."""
