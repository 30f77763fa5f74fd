"""How one agent looks ahead."""
