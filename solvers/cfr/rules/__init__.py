"""The update rules, one file each; the catalogue in `workbench.catalogue.algorithms` names them."""
