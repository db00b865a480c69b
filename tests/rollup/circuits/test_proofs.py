"""Real Groth16 proofs: what is proven verifies, and for nothing else."""

from copy import deepcopy

import pytest
from groth16py import prove_wtns

from rollup.prover import keys
from rollup.prover.keyfile import UnknownKeyFile, constraints_in, program_in
from rollup.prover.proving import Proof, Prover, verify
from rollup.prover.witness import WitnessRefused, wtns
from rollup.state.blocks import evaluation
from rollup.state.exits import exit_inputs
from rollup.state.field import MODULUS
from rollup.state.slots import commitment
from tests.rollup.circuits import world
from tests.rollup.circuits.forger import GAMMA, forge
from tests.rollup.circuits.world import ALICE, GOLD, NOW, fee, net, settle
from tests.rollup.provers import prover_of


@pytest.fixture(scope="module")
def trade():
    return forge(world.new_ledger(), [settle(fee=1), net(100, -500), fee(0, 1)], timestamp=NOW)


@pytest.fixture(scope="module")
def proof(prover, trade) -> Proof:
    return prover.prove(trade[1])


def test_a_proof_speaks_of_the_blocks_data(proof, trade):
    data, _ = trade
    assert proof.public == [commitment(data), evaluation(data, GAMMA), GAMMA]
    assert proof.ms > 0
    assert verify("tiny", proof)


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize("by", [1, -1, MODULUS])
def test_not_of_other_data(proof, place, by):
    public = list(proof.public)
    public[place] += by
    assert not verify("tiny", proof._replace(public=public))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_not_of_more_or_less_data(proof, count):
    assert not verify("tiny", proof._replace(public=(proof.public * 2)[:count]))


@pytest.mark.parametrize("place", range(8))
@pytest.mark.parametrize("new", [0, 1, 2**256 - 1, 2**256, -1])
def test_a_bent_proof_is_refused(proof, place, new):
    points = list(proof.points)
    points[place] = new
    assert not verify("tiny", proof._replace(points=points))


@pytest.mark.parametrize("points", [[], [0] * 8, [1] * 8, [1, 2] * 4])
def test_what_is_no_proof_is_refused(proof, points):
    assert not verify("tiny", proof._replace(points=points))


def test_a_proof_of_another_block_is_refused(prover, proof, trade):
    other = prover.prove({**trade[1], "number": 2})
    assert other.public != proof.public
    assert verify("tiny", other)
    assert not verify("tiny", proof._replace(points=other.points))


def test_who_breaks_a_rule_gets_no_proof(prover):
    _, inputs = forge(world.new_ledger(), [settle(fee=2), net(100, -500), fee(0, 2)], timestamp=NOW)
    with pytest.raises(WitnessRefused, match="rule"):
        prover.prove(inputs)


def test_a_forged_witness_proves_nothing(prover, trade, tmp_path):
    """A prover with code of his own: the new root is another than the slots give, all else is right."""
    witness = prover.program.witness(trade[1])
    place = witness.index(trade[1]["newRoot"])
    witness[place] += 1
    (tmp_path / "forged.wtns").write_bytes(wtns(witness))
    packed = prove_wtns(prover.key, str(tmp_path / "forged.wtns"))
    points = [int.from_bytes(packed[at : at + 32], "big") for at in range(0, 256, 32)]
    assert not verify("tiny", Proof(points, witness[1:4], 0))


def test_an_escape_is_proven(exit_prover):
    proof = exit_prover.prove(exit_inputs(world.new_ledger(), ALICE, GOLD))
    assert proof.public == [world.new_ledger().root, ALICE, GOLD, world.WEALTH]
    assert verify("exit-tiny", proof)
    assert not verify("exit-tiny", proof._replace(public=[*proof.public[:3], world.WEALTH + 1]))
    assert not verify("tiny", proof)


@pytest.fixture(scope="module")
def exit_prover() -> Prover:
    return prover_of("exit-tiny")


@pytest.mark.parametrize("body", [b"", b"g16pk1", b"\0asm\x01\0\0\0", b"\xff" * 8 + b"\0asm\x01\0\0\0" + bytes(40)])
def test_a_file_that_is_no_key(body):
    for read in (program_in, constraints_in):
        with pytest.raises(UnknownKeyFile):
            read(body)


def test_a_key_file_with_something_behind_it():
    body = keys.ensure("exit-tiny").proving.read_bytes()
    assert constraints_in(body).public == 4
    with pytest.raises(UnknownKeyFile):
        constraints_in(body + b"\0")


def test_a_witness_has_all_signals(block_constraints, prover, trade):
    witness = prover.program.witness(deepcopy(trade[1]))
    assert len(witness) == block_constraints.signals
    with pytest.raises(ValueError, match="witness"):
        block_constraints.broken(witness[:-1])
