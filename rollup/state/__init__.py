"""The pure part of the rollup: hashes, signatures, trees, slots. No database, no clock, no chance."""
