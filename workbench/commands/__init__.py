"""The commands, a file for each kind: they parse, call and print. Heavy modules are imported inside, so that --help stays fast."""
