"""Runs of planners: configuration, episodes, replays, protocols of language models. May use runs."""
