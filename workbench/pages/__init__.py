"""What is seen of runs in a browser: one file that loads nothing. A section is a file; data comes from views only."""
