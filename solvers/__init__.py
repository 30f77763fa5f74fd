"""How equilibria are found: CFR and PSRO families, best responses, linear programs."""
