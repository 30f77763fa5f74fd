"""How policies and values learn: one trainer that names no method, one file a method."""
