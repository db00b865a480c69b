"""Both makes of Poseidon: the Rust package's, where it has a wheel, and the one in plain Python."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollup.state.field import MAX_INPUTS, MODULUS, poseidon
from rollup.state.poseidon import permuted

VECTORS = json.loads((Path(__file__).parent / "circomlibjs_vectors.json").read_text())["poseidon"]


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: f"{len(vector['inputs'])} inputs")
def test_plain_python_is_circomlibs(vector):
    assert permuted(tuple(map(int, vector["inputs"]))) == int(vector["hash"])


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, MODULUS - 1), min_size=1, max_size=MAX_INPUTS).map(tuple))
def test_both_makes_agree(inputs):
    assert permuted(inputs) == poseidon(*inputs)


@pytest.mark.parametrize("element", [0, 1, MODULUS - 1])
@pytest.mark.parametrize("count", range(1, MAX_INPUTS + 1))
def test_both_makes_agree_at_the_edges(count, element):
    assert permuted((element,) * count) == poseidon(*(element,) * count)
