"""Provers elsewhere: what they may ask, and what they are refused."""

import pytest

from rollup import proving
from rollup.models import Block, ProvingTask
from rollup.prover import keys
from tests.rollup.api.conftest import TOKEN

LEASE = "/prover/lease"


def everything() -> list[tuple[object, ...]]:
    """What a refused request must not change."""
    return [
        *ProvingTask.objects.order_by("pk").values_list("pk", "status", "worker", "attempts", "refused"),
        *Block.objects.order_by("pk").values_list("pk", "status", "reason"),
    ]


@pytest.mark.parametrize("token", [None, "", "guessed", TOKEN[:-1], TOKEN + "x"])
def test_without_a_token_nothing_is_handed_out(api, maker, token):
    maker.first()
    before = everything()
    for path, body in (
        (LEASE, {"worker": "a"}),
        ("/prover/tasks/1/renew", {"lease": 1}),
        ("/prover/tasks/1/release", {"lease": 1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": ["1"] * 8, "proof_ms": 1}),
    ):
        status, answer = api.post(path, body, token=token)
        assert (status, answer["code"]) == (401, "invalid_token")
    assert everything() == before


def test_where_no_token_is_set_none_is_right(api, maker, settings):
    settings.PROVER_TOKENS = []
    maker.first()
    assert api.post(LEASE, {"worker": "a"})[1]["code"] == "invalid_token"
    assert api.post(LEASE, {"worker": "a"}, token="")[1]["code"] == "invalid_token"


def test_a_block_is_leased_renewed_proven_and_taken(api, maker, prover):
    maker.first()
    status, answer = api.post(LEASE, {"worker": "elsewhere"})
    assert status == 200
    task = answer["task"]
    assert (task["block"], task["lease"], task["circuit"]) == (1, 1, "tiny")
    assert task["key"] == keys.find("tiny").fingerprint
    assert api.post(LEASE, {"worker": "another"}) == (200, {"task": None})
    assert api.post("/prover/tasks/1/renew", {"lease": 1}) == (200, {"block": 1, "status": "renewed"})
    proof = prover.prove({name: integers(value) for name, value in task["inputs"].items()})
    body = {"lease": 1, "proof": [str(point) for point in proof.points], "proof_ms": proof.ms}
    assert api.post("/prover/tasks/1/proof", body) == (200, {"block": 1, "status": "proved"})
    assert Block.objects.get().status == "proved"
    # Told twice.
    status, answer = api.post("/prover/tasks/1/proof", body)
    assert (status, answer["code"]) == (409, "lease_lost")


def test_a_block_that_is_handed_back_is_the_next_ones_at_once(api, maker):
    maker.first()
    api.post(LEASE, {"worker": "stops"})
    assert api.post("/prover/tasks/1/release", {"lease": 1}) == (200, {"block": 1, "status": "released"})
    _, answer = api.post(LEASE, {"worker": "next"})
    assert (answer["task"]["block"], answer["task"]["lease"]) == (1, 2)
    before = everything()
    status, answer = api.post("/prover/tasks/1/release", {"lease": 1})
    assert (status, answer["code"]) == (409, "lease_lost")
    assert everything() == before


def test_a_wrong_proof_is_refused_and_costs_the_lease(api, maker):
    maker.first()
    api.post(LEASE, {"worker": "a"})
    status, answer = api.post("/prover/tasks/1/proof", {"lease": 1, "proof": ["1"] * 8, "proof_ms": 1})
    assert (status, answer["code"]) == (422, "proof_refused")
    assert Block.objects.get().status == "proving"
    assert ProvingTask.objects.get().status == "queued"
    status, answer = api.post("/prover/tasks/1/renew", {"lease": 1})
    assert (status, answer["code"]) == (409, "lease_lost")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (LEASE, {}),
        (LEASE, {"worker": ""}),
        (LEASE, {"worker": 5}),
        (LEASE, {"worker": "a" * 101}),
        (LEASE, {"worker": "a\x00b"}),
        (LEASE, {"worker": "a", "more": 1}),
        (LEASE, []),
        ("/prover/tasks/1/renew", {}),
        ("/prover/tasks/1/renew", {"lease": "1"}),
        ("/prover/tasks/1/renew", {"lease": 0}),
        ("/prover/tasks/1/renew", {"lease": True}),
        ("/prover/tasks/1/renew", {"lease": 2**31}),
        ("/prover/tasks/1/release", {"lease": "1"}),
        ("/prover/tasks/1/proof", {"lease": 1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": ["1"] * 7, "proof_ms": 1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": [1] * 8, "proof_ms": 1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": ["-1"] * 8, "proof_ms": 1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": ["9" * 79] * 8, "proof_ms": 1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": ["1"] * 8, "proof_ms": -1}),
        ("/prover/tasks/1/proof", {"lease": 1, "proof": ["1"] * 8, "proof_ms": 1.5}),
    ],
)
def test_what_is_malformed_changes_nothing(api, maker, path, body):
    maker.first()
    before = everything()
    status, answer = api.post(path, body)
    assert (status, answer["code"]) == (400, "invalid_request")
    assert everything() == before


def test_leases_of_blocks_that_are_not_there_are_lost(api, maker):
    for number in (1, 2**63 - 1):
        assert api.post(f"/prover/tasks/{number}/renew", {"lease": 1})[1]["code"] == "lease_lost"


def test_the_leases_of_our_own_provers_are_nobody_elses(api, maker, prover):
    """A token, and a number that is easily guessed: nothing comes of it, and the block is proven."""
    maker.first()
    ours = proving.lease(worker="ours")
    before = everything()
    for path, body in (
        ("renew", {"lease": ours.number}),
        ("release", {"lease": ours.number}),
        ("proof", {"lease": ours.number, "proof": ["1"] * 8, "proof_ms": 1}),
    ):
        status, answer = api.post(f"/prover/tasks/1/{path}", body)
        assert (status, answer["code"]) == (409, "lease_lost")
        assert everything() == before
    proof = prover.prove(ours.inputs)
    proving.deliver(block=1, number=ours.number, points=proof.points, proof_ms=proof.ms, is_ours=True)
    assert Block.objects.get().status == "proved"


def integers(value):
    return [integers(part) for part in value] if isinstance(value, list) else int(value)
