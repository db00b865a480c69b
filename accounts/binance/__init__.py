"""The Binance Spot dialect: what clients of that exchange speak, over the same services as /api/v1."""
