"""What can be run, and what a name means: algorithms, their families, how a name is understood. May use the packages below."""
