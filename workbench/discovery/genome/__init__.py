"""Programs as data: static check, normal form, constants, and the typed places that mutation may change."""
