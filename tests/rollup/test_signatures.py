"""Hashes and signatures against recorded values of circomlibjs, and against what must not verify."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rollup.state.babyjubjub import (
    BASE,
    IDENTITY,
    SUBGROUP_ORDER,
    Point,
    add,
    has_low_order,
    is_on_curve,
    multiply,
    multiply_base,
)
from rollup.state.blake512 import blake512
from rollup.state.eddsa import Signature, is_signed, public_key, sign
from rollup.state.field import MODULUS, poseidon

VECTORS = json.loads((Path(__file__).parent / "circomlibjs_vectors.json").read_text())
KEY = bytes(range(32))

elements = st.integers(0, MODULUS - 1)


@pytest.mark.parametrize("vector", VECTORS["poseidon"], ids=lambda vector: f"{len(vector['inputs'])} inputs")
def test_poseidon_is_circomlibs(vector):
    assert poseidon(*map(int, vector["inputs"])) == int(vector["hash"])


@pytest.mark.parametrize("vector", VECTORS["blake512"], ids=lambda vector: f"{vector['length']} bytes")
def test_blake512_at_every_edge_of_its_padding(vector):
    assert blake512(bytes(7 * i % 256 for i in range(vector["length"]))).hex() == vector["hash"]


@pytest.mark.parametrize("vector", VECTORS["eddsa"], ids=lambda vector: vector["private"][:8])
def test_keys_and_signatures_are_circomlibs(vector):
    private, message = bytes.fromhex(vector["private"]), int(vector["message"])
    assert public_key(private) == (int(vector["Ax"]), int(vector["Ay"]))
    assert sign(private, message) == ((int(vector["R8x"]), int(vector["R8y"])), int(vector["S"]))


@pytest.mark.parametrize("inputs", [(), (1,) * 13, (MODULUS,), (-1, 2), (1, 2**256)])
def test_poseidon_takes_field_elements_only(inputs):
    with pytest.raises(ValueError, match=r"Poseidon|field"):
        poseidon(*inputs)


@pytest.mark.parametrize("private", [b"", bytes(31), bytes(33)])
def test_a_private_key_has_32_bytes(private):
    with pytest.raises(ValueError, match="32"):
        sign(private, 1)


def test_a_message_is_a_field_element():
    with pytest.raises(ValueError, match="field"):
        sign(KEY, MODULUS)


@settings(max_examples=25, deadline=None)
@given(st.binary(min_size=32, max_size=32), elements)
def test_what_is_signed_verifies_and_nothing_else(private, message):
    key, signature = public_key(private), sign(private, message)
    assert is_signed(key, message, signature)
    assert not is_signed(key, (message + 1) % MODULUS, signature)
    assert not is_signed(public_key(bytes(31) + b"\x07"), message, signature)
    assert not is_signed(key, message, Signature(signature.r, (signature.s + 1) % SUBGROUP_ORDER))
    assert not is_signed(key, message, Signature(BASE, signature.s))


def test_a_scalar_beyond_the_order_is_refused_though_the_sum_is_right():
    signature = sign(KEY, 5)
    assert not is_signed(public_key(KEY), 5, Signature(signature.r, signature.s + SUBGROUP_ORDER))


@pytest.mark.parametrize("point", [IDENTITY, Point(0, MODULUS - 1)])
def test_keys_of_low_order_sign_nothing(point):
    """With the identity as key, R = S · base would fit every message."""
    assert is_on_curve(point)
    assert has_low_order(point)
    assert not is_signed(point, 123, Signature(multiply(BASE, 9), 9))


@pytest.mark.parametrize("point", [Point(1, 1), Point(0, MODULUS + 1), Point(-1, 1), Point(0, 0)])
def test_points_off_the_curve_are_refused(point):
    signature = sign(KEY, 5)
    assert not is_signed(point, 5, signature)
    assert not is_signed(public_key(KEY), 5, Signature(point, signature.s))


def test_the_base_has_the_order_it_should():
    assert multiply(BASE, SUBGROUP_ORDER) == IDENTITY
    assert is_on_curve(BASE)
    assert not has_low_order(BASE)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**256), st.integers(0, 2**256))
def test_multiplication_distributes(one, other):
    assert add(multiply(BASE, one), multiply(BASE, other)) == multiply(BASE, one + other)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**256 - 1) | st.sampled_from([0, 1, 15, 16, SUBGROUP_ORDER - 1, SUBGROUP_ORDER, 2**256 - 1]))
def test_the_table_of_the_base_gives_the_same_as_doubling(scalar):
    assert multiply_base(scalar) == multiply(BASE, scalar)
