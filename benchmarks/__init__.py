"""How fast each part is, on this machine: `python -m benchmarks [suite …] [--write]`."""
