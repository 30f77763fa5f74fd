"""Programs of one's own, begun and checked: templates that run as they are, and what is wrong with a file. May use every room."""
