"""Training runs: configuration, directory, resume, evaluation. May use planners and the workbench's runs; knows no method."""
