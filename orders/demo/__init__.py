"""Demo accounts, the seed of a fresh exchange, and the demo traders. Nothing else depends on it."""
