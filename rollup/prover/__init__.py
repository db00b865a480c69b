"""Witness, keys, proofs: what a prover worker needs."""
