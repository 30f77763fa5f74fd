"""Monte-Carlo CFR: two walks that sample, one file a method, one solver."""
