"""A ceremony's key, of a circuit small enough to keep the keys that snarkjs 0.7.5 made of three variants of it."""

from pathlib import Path

import pytest

from rollup.prover import setup
from rollup.prover.ceremony import WrongCeremony, check_zkey, r1cs
from rollup.prover.keyfile import constraints_in
from rollup.prover.proving import Prover, verify_with

RECORDED = Path(__file__).parent / "ceremony"
SOURCE = (RECORDED / "cube.circom").read_text()


@pytest.fixture
def made(tmp_path):
    return setup.make_keys(tmp_path, "cube", SOURCE)


def test_an_imported_key_takes_the_place_of_the_one_made(made):
    assert made.is_unsafe
    before = made.fingerprint
    proof = Prover("cube", made).prove({"x": 3})
    setup.import_keys(made, RECORDED / "cube.zkey", {"x": 3})
    assert not made.is_unsafe
    assert made.fingerprint != before
    assert not verify_with(made, proof.points, proof.public)
    again = Prover("cube", made).prove({"x": 3})
    assert again.public == [32]
    assert verify_with(made, again.points, [32])
    assert not verify_with(made, again.points, [33])


@pytest.mark.parametrize(
    ("zkey", "why"), [("other_square", "constraint 0 is another"), ("other_constant", "does not verify")]
)
def test_a_key_of_another_circuit_is_refused(made, zkey, why):
    """The second differs only where a key does not show it, so by a proof alone."""
    with pytest.raises(WrongCeremony, match=why):
        setup.import_keys(made, RECORDED / f"{zkey}.zkey", {"x": 3})


def test_a_file_that_is_no_key_is_refused(made):
    constraints = constraints_in(made.proving.read_bytes())
    good = (RECORDED / "cube.zkey").read_bytes()
    check_zkey(good, constraints)
    for bad in (b"", good[:40], good[:-3000], b"wtns" + good[4:], r1cs(constraints)):
        with pytest.raises(WrongCeremony):
            check_zkey(bad, constraints)


def test_the_circuit_as_a_ceremony_takes_it(made):
    """Byte for byte what snarkjs made those keys from: 4 signals, 1 of them public, 2 constraints."""
    packed = r1cs(constraints_in(made.proving.read_bytes()))
    assert packed[:12] == b"r1cs\x01\0\0\0\x03\0\0\0"
    assert packed == (RECORDED / "cube.r1cs").read_bytes()
