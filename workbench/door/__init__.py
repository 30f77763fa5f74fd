"""The door for Python, ``import workbench as gp``: results as people and notebooks see them. May use all rooms but commands."""
