"""Leases: who proves which block, and what happens to those who are late, wrong or gone."""

import json
import zlib
from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from accounts.problems import Problem
from rollup import proving, worker
from rollup.models import Block, ProvingTask
from rollup.proving import Lease
from tests.rollup.made import ALICE, deposit


def state_of(number: int) -> tuple[str, str, int, bool]:
    """Of a block: its status, its task's, how often it was refused, whether there is a proof."""
    task = ProvingTask.objects.select_related("block").get(block=number)
    return task.block.status, task.status, task.refused, task.proof is not None


def deliver(lease: Lease, points: list[int], proof_ms: int = 1) -> None:
    proving.deliver(block=lease.block, number=lease.number, points=points, proof_ms=proof_ms)


def end(lease: Lease) -> None:
    """The lease's time is over."""
    ProvingTask.objects.filter(block=lease.block).update(leased_until=Now() - timedelta(seconds=1))


def refused(code: str, lease: Lease, points: list[int]) -> None:
    before = list(Block.objects.values_list("status", "reason").order_by("number"))
    with pytest.raises(Problem) as caught:
        deliver(lease, points)
    assert caught.value.code == code
    assert list(Block.objects.values_list("status", "reason").order_by("number")) == before


def test_a_block_is_leased_proven_and_taken(maker, prover):
    maker.first()
    assert state_of(1) == ("sealed", "queued", 0, False)
    lease = proving.lease(worker="one")
    assert lease is not None
    assert (lease.block, lease.number, lease.circuit) == (1, 1, "tiny")
    assert state_of(1) == ("proving", "leased", 0, False)
    assert proving.lease(worker="two") is None
    proof = prover.prove(lease.inputs)
    assert tuple(proof.public) == proving.expected(Block.objects.get(number=1))
    deliver(lease, proof.points, 77)
    assert state_of(1) == ("proved", "proved", 0, True)
    block = Block.objects.get(number=1)
    assert block.proof_ms == 77
    assert block.proved_at
    assert [int(point) for point in block.task.proof] == proof.points
    assert proving.lease(worker="two") is None


def test_the_oldest_free_block_goes_first_and_each_to_one(maker):
    maker.first()
    maker.transfer()
    maker.transfer()
    given = [proving.lease(worker=name) for name in ("a", "b", "c", "d")]
    assert [lease and lease.block for lease in given] == [1, 2, 3, None]


def test_a_proof_of_another_block_costs_the_lease_and_changes_nothing(maker, prover):
    maker.first()
    maker.transfer()
    first, second = proving.lease(worker="a"), proving.lease(worker="b")
    points = prover.prove(first.inputs).points
    refused("proof_refused", second, points)
    assert state_of(2) == ("proving", "queued", 1, False)
    assert ProvingTask.objects.get(block=2).reason == "proof_refused: of b"
    # The block waits a moment, so that others come first; then it is given out with another number.
    assert proving.lease(worker="b") is None
    ProvingTask.objects.filter(block=2).update(not_before=Now() - timedelta(seconds=1))
    again = proving.lease(worker="c")
    assert (again.block, again.number) == (2, 2)
    deliver(again, prover.prove(again.inputs).points)
    deliver(first, points)
    assert state_of(1) == (*state_of(2)[:2], 0, True) == ("proved", "proved", 0, True)


@pytest.mark.parametrize(
    "wrong",
    [[], [0] * 8, [1] * 7, [2**256] * 8, [-1] * 8, [2**255] * 8],
    ids=["none", "zeros", "seven", "large", "negative", "off"],
)
def test_what_is_no_proof_is_refused(maker, prover, wrong):
    maker.first()
    refused("proof_refused", proving.lease(worker="a"), wrong)
    assert state_of(1) == ("proving", "queued", 1, False)


def test_a_proof_with_one_bit_changed_is_refused(maker, prover):
    maker.first()
    lease = proving.lease(worker="a")
    points = prover.prove(lease.inputs).points
    points[3] ^= 1
    refused("proof_refused", lease, points)


def test_a_late_proof_is_refused_and_the_next_worker_proves(maker, prover):
    maker.first()
    late = proving.lease(worker="late")
    points = prover.prove(late.inputs).points
    end(late)
    refused("lease_lost", late, points)
    heir = proving.lease(worker="heir")
    assert (heir.block, heir.number) == (1, 2)
    # Also while the other holds it: the late one's number is over.
    refused("lease_lost", late, points)
    deliver(heir, points)
    refused("lease_lost", heir, points)
    assert state_of(1) == ("proved", "proved", 0, True)


def test_a_lease_is_renewed_while_it_is_held_and_not_for_ever(maker, settings):
    maker.first()
    lease = proving.lease(worker="a")
    ProvingTask.objects.update(leased_until=Now() + timedelta(seconds=1))
    before = ProvingTask.objects.get(block=1).leased_until
    proving.renew(block=1, number=lease.number)
    assert ProvingTask.objects.get(block=1).leased_until > before
    settings.PROVING_S_MAX = 0
    with pytest.raises(Problem, match="lease_lost"):
        proving.renew(block=1, number=lease.number)
    settings.PROVING_S_MAX = 60
    end(lease)
    # Late, but nobody was faster.
    proving.renew(block=1, number=lease.number)
    assert proving.lease(worker="b") is None
    end(lease)
    assert proving.lease(worker="b").number == 2
    with pytest.raises(Problem, match="lease_lost"):
        proving.renew(block=1, number=lease.number)


def test_a_worker_that_stops_hands_its_block_back(maker):
    maker.first()
    lease = proving.lease(worker="a")
    proving.hand_back(block=1, number=lease.number)
    assert state_of(1) == ("proving", "queued", 0, False)
    heir = proving.lease(worker="b")
    with pytest.raises(Problem, match="lease_lost"):
        proving.hand_back(block=1, number=lease.number)
    assert (heir.number, state_of(1)[1]) == (2, "leased")


def lost_outside(how: str) -> None:
    """What somebody with a token does with the block, once."""
    lease = proving.lease(worker="elsewhere", is_ours=False)
    assert lease is not None
    if how == "garbage":
        refused("proof_refused", lease, [0] * 8)
        # Also when its wait is over.
        ProvingTask.objects.update(not_before=Now() - timedelta(seconds=1))
    elif how == "released":
        proving.hand_back(block=lease.block, number=lease.number)
    else:
        end(lease)


@pytest.mark.parametrize("how", ["garbage", "released", "expired"])
def test_what_is_lost_elsewhere_holds_up_our_own_provers_never(maker, how):
    maker.first()
    for _ in range(proving.OUTSIDE_MAX):
        lost_outside(how)
    assert proving.lease(worker="elsewhere", is_ours=False) is None
    assert state_of(1)[0] == "proving"
    ours = proving.lease(worker="ours")
    assert (ours.block, ours.number) == (1, proving.OUTSIDE_MAX + 1)


def test_our_own_provers_need_not_wait_after_garbage_from_elsewhere(maker):
    maker.first()
    refused("proof_refused", proving.lease(worker="elsewhere", is_ours=False), [0] * 8)
    assert proving.lease(worker="elsewhere", is_ours=False) is None
    assert proving.lease(worker="ours").number == 2


def test_where_there_is_nobody_else_provers_elsewhere_come_again(maker):
    maker.first()
    for _ in range(proving.OUTSIDE_MAX):
        lost_outside("released")
    ProvingTask.objects.update(leased_at=Now() - timedelta(seconds=proving.OUTSIDE_AGAIN_S + 1))
    assert proving.lease(worker="elsewhere", is_ours=False).number == proving.OUTSIDE_MAX + 1


def test_leases_elsewhere_are_renewed_for_less_long(maker, settings):
    maker.first()
    settings.PROVING_OUTSIDE_S_MAX = 0
    lease = proving.lease(worker="elsewhere", is_ours=False)
    with pytest.raises(Problem, match="lease_lost"):
        proving.renew(block=1, number=lease.number)
    end(lease)
    proving.renew(block=1, number=proving.lease(worker="ours").number)


def test_a_worker_that_fails_gives_the_block_back_and_each_time_for_longer(maker):
    maker.first()
    for attempt in (1, 2, 3):
        lease = proving.lease(worker="a")
        assert lease.number == attempt
        proving.give_back(block=1, number=lease.number, reason="MemoryError: ")
        task = ProvingTask.objects.get(block=1)
        assert (task.status, task.refused, task.reason) == ("queued", attempt, "MemoryError: ")
        assert proving.lease(worker="a") is None
        ProvingTask.objects.update(not_before=None)
    proving.give_back(block=1, number=1, reason="of a lease long lost")
    assert ProvingTask.objects.get(block=1).refused == 3


def test_a_block_whose_inputs_break_a_rule_fails_until_an_operator_says_again(maker, prover):
    block = maker.first()
    maker.seal([deposit(ALICE, 2, 3)])
    good = bytes(block.inputs)
    Block.objects.filter(number=1).update(inputs=with_input(good, "account", ["1"]))
    local = worker.LocalMaster("a")
    assert worker.prove_one(local, lambda _: prover)
    block.refresh_from_db()
    assert state_of(1) == ("failed", "failed", 0, False)
    assert block.reason.startswith("not_provable: ")
    assert [proving.lease(worker="b").block, proving.lease(worker="b")] == [2, None]
    Block.objects.filter(number=1).update(inputs=good)
    assert proving.prove_again(block=1)
    assert not proving.prove_again(block=1)
    assert worker.prove_one(local, lambda _: prover)
    assert state_of(1) == ("proved", "proved", 0, True)


def test_inputs_that_do_not_fit_the_data_fail_the_block_after_some_tries_of_our_own(maker, prover):
    maker.first()
    second = maker.seal([deposit(ALICE, 2, 3)])
    Block.objects.filter(number=1).update(inputs=second.inputs)
    other = proving.lease(worker="somebody else's")
    for _ in range(proving.REFUSED_MAX + 1):
        # Others cannot fail a block, however often they try.
        refused("proof_refused", other, [0] * 8)
        ProvingTask.objects.update(not_before=None)
        other = proving.lease(worker="somebody else's")
    proving.give_back(block=1, number=other.number, reason="")
    ProvingTask.objects.filter(block=1).update(not_before=None, refused=proving.REFUSED_MAX - 2)
    local = worker.LocalMaster("a")
    assert worker.prove_one(local, lambda _: prover)
    assert state_of(1) == ("proving", "queued", proving.REFUSED_MAX - 1, False)
    ProvingTask.objects.update(not_before=None)
    assert worker.prove_one(local, lambda _: prover)
    assert state_of(1)[:2] == ("failed", "failed")
    assert Block.objects.get(number=1).reason == "not_provable: 3 proofs were refused"


def test_a_worker_proves_all_there_is(maker, prover):
    maker.first()
    maker.transfer()
    local = worker.LocalMaster("a")
    assert [worker.prove_one(local, lambda _: prover) for _ in range(3)] == [True, True, False]
    assert state_of(2) == ("proved", "proved", 0, True)


def test_block_and_task_come_together_or_not_at_all(maker):
    with pytest.raises(IntegrityError), transaction.atomic():
        maker.first()
        proving.enqueue(Block.objects.get(number=1))
    assert not Block.objects.exists()
    assert not ProvingTask.objects.exists()


def with_input(packed: bytes, name: str, value: object) -> bytes:
    return zlib.compress(json.dumps(json.loads(zlib.decompress(packed)) | {name: value}).encode())
