"""The chain that holds the deposits: its contract, its events, our transactions."""
