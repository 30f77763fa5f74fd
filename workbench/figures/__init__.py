"""Figures from what runs leave behind. May use runs and comparisons; runs nothing."""
