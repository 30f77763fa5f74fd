"""What a run leaves behind: directories, formats, checkpoints, locks, programs of the user's own. Knows no kind of run."""
