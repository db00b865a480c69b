"""Proofs that anybody can verify: of blocks by the pairing alone, of balances by hashing."""

from py_ecc.optimized_bn128 import FQ, FQ2, add, b, b2, is_on_curve, multiply, normalize, pairing

from rollup import worker
from rollup.state.field import poseidon
from tests.rollup.api.conftest import finish
from tests.rollup.made import ALICE


def g1(point):
    found = (FQ(int(point[0])), FQ(int(point[1])), FQ(1))
    assert is_on_curve(found, b)
    return found


def g2(point):
    found = (FQ2([int(part) for part in point[0]]), FQ2([int(part) for part in point[1]]), FQ2.one())
    assert is_on_curve(found, b2)
    return found


def is_proven(proof) -> bool:
    """Groth16 as its paper has it, from what the API gives in snarkjs's form; nothing of the exchange is used."""
    key, points = proof["verification_key"], proof["proof"]
    total = g1(key["IC"][0])
    for signal, element in zip(proof["public_signals"], key["IC"][1:], strict=True):
        total = add(total, multiply(g1(element), int(signal)))
    left = pairing(g2(points["pi_b"]), g1(points["pi_a"]))
    right = (
        pairing(g2(key["vk_beta_2"]), g1(key["vk_alpha_1"]))
        * pairing(g2(key["vk_gamma_2"]), _affine(total))
        * pairing(g2(key["vk_delta_2"]), g1(points["pi_c"]))
    )
    return left == right


def _affine(point):
    x, y = normalize(point)
    return x, y, FQ(1)


def test_a_proof_verifies_by_the_paper_alone(api, maker, prover):
    maker.first()
    assert worker.prove_one(worker.LocalMaster("the one"), lambda _: prover)
    status, proof = api.get("/proofs/1")
    assert status == 200
    assert (proof["circuit"], proof["prover"], proof["attempts"]) == ("tiny", "the one", 1)
    assert proof["public_signals"] == [proof["h"], proof["e"], proof["gamma"]]
    assert is_proven(proof)
    proof["public_signals"][1] = str(int(proof["e"]) + 1)
    assert not is_proven(proof)
    _, listed = api.get("/proofs")
    assert [(one["block"], one["prover"]) for one in listed["proofs"]] == [(1, "the one")]


def test_a_balance_is_proven_against_the_last_final_root(api, maker):
    first = maker.first()
    maker.transfer(11)
    finish(first)
    status, proof = api.get(f"/l2/accounts/{ALICE}/proof?asset=BTC")
    assert status == 200
    # Of the final block, not of the one after it.
    assert (proof["block"], proof["balance"], proof["root"]) == (1, "500", str(first.new_root))
    balances = climb(500, proof["token"], proof["balance_path"])
    leaf = poseidon(*[int(part) for part in (*proof["key"], proof["nonce"], balances, proof["order_root"])])
    assert climb(leaf, ALICE, proof["account_path"]) == first.new_root
    assert climb(leaf, ALICE + 1, [[*level] for level in proof["account_path"]]) != first.new_root
    assert api.get("/l2/accounts/64/proof?asset=BTC")[1]["code"] == "unknown_l2_account"
    _, blank = api.get("/l2/accounts/63/proof?asset=BTC")
    assert (blank["balance"], blank["key"]) == ("0", ["0", "0"])


def climb(leaf: int, index: int, path: list[list[str]]) -> int:
    for level in path:
        children = [int(child) for child in level]
        children[index % 4] = leaf
        leaf, index = poseidon(*children), index // 4
    return leaf
