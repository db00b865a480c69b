"""Withdrawals to addresses of the chain: held with their recipient, completed below a limit, claimed when final."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from accounts import services as accounts
from accounts.problems import Problem
from matching import journal
from rollup import withdrawals
from rollup.models import Block
from tests.projections import project_all
from wallets import selectors, services, test_funds
from wallets.chain import claims, payouts
from wallets.chain import withdrawals as on_chain
from wallets.models import ClaimRequest, L2Account, L2Payout, Withdrawal

pytestmark = pytest.mark.process

BTC = 1
AMOUNT = 5 * 10**8
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"
NUMBER = int(ADDRESS, 16)
ROOT = Path(__file__).parents[3]


@pytest.fixture
def alice(contract) -> int:
    """An account with five coins."""
    account = accounts.create_account(name="alice").pk
    test_funds.request(account_id=account, asset_code="BTC", amount_atoms=AMOUNT)
    contract.rounds(2)
    assert balance(account) == (AMOUNT, 0)
    return account


def balance(account: int) -> tuple[int, int]:
    project_all()
    return selectors.all_balances().get((account, BTC), (0, 0))


def withdraw(account: int, amount: int, address: str = ADDRESS) -> Withdrawal:
    return services.hold_withdrawal(account_id=account, asset_code="BTC", amount_atoms=amount, address=address)


def status(row: Withdrawal) -> tuple[str, str, int | None]:
    row.refresh_from_db()
    return row.status, row.l1_status, row.l2_block


def last_event() -> list:
    (batch,) = journal.read(after=journal.head() - 1)
    return batch.events[-1][-1]


def test_what_is_no_address_is_refused_and_nothing_is_held(contract, alice):
    for address in (
        "", "0x", "0x" + "0" * 40, "0x" + "f" * 39, "0x" + "f" * 41, ADDRESS[2:], "0x" + "g" * 40, f" {ADDRESS}",
        ADDRESS.replace("E", "e", 1), "PVX7", "0X" + "f" * 40,
    ):  # fmt: skip
        with pytest.raises(Problem) as caught:
            withdraw(alice, 10, address)
        assert caught.value.code == "invalid_address", address
    assert balance(alice) == (AMOUNT, 0)
    assert not Withdrawal.objects.exists()


def test_an_address_may_be_of_one_case_or_with_its_checksum(contract, alice):
    for address in (ADDRESS, "0x" + ADDRESS[2:].lower(), "0x" + ADDRESS[2:].upper()):
        assert withdraw(alice, 10, address).recipient == NUMBER
        assert last_event()[0] == "hold"
        assert last_event()[-1] == NUMBER


def test_small_ones_are_completed_and_large_ones_wait_for_an_operator(contract, alice, settings):
    settings.WITHDRAWAL_APPROVAL_ABOVE = {"BTC": "1"}
    small, large = withdraw(alice, 10**8), withdraw(alice, 10**8 + 1)
    contract.rounds(2)
    assert (status(small)[0], status(large)[0]) == ("completed", "held")
    assert last_event()[0] == "complete"
    assert balance(alice) == (AMOUNT - 2 * 10**8 - 1, 10**8 + 1)
    services.complete_withdrawal(withdrawal_id=large.pk)
    assert status(large)[0] == "completed"
    settings.WITHDRAWAL_APPROVAL_ABOVE = {}
    waiting = withdraw(alice, 1)
    contract.rounds(2)
    assert status(waiting)[0] == "held"
    services.cancel_withdrawal(account_id=alice, withdrawal_id=waiting.pk)
    assert balance(alice) == (AMOUNT - 2 * 10**8 - 1, 0)


def submit(contract, slots: list[tuple[int, int, int]]) -> None:
    """A block of the contract with these slots: three words each."""
    words = [list(slot) for slot in slots] + [[0, 0, 0]] * (4 - len(slots))
    domain = (contract.chain.chain_id() << 160) + int(contract.deployed.address, 16)
    time_s = contract.chain.block_time_s(contract.chain.head())
    number = contract.view("block_number") + 1
    head = [domain, contract.view("root"), 1_000 + number, time_s, number]
    contract.chain.send(contract.deployed.key("operator"), contract.functions.submit_block(head, words, 0, [0] * 8))


def paid_out(amount: int, recipient: int = NUMBER) -> tuple[int, int, int]:
    """The slot of a withdrawal of alice's."""
    return 6 + (1 << 4) + (BTC << 28) + (amount << 44), 0, recipient


def take_queue(contract) -> None:
    """Blocks that take what is in the queue: account 0's key, alice's, her deposit."""
    keys = {row.number: row for row in L2Account.objects.all()}
    slots = [
        (8 + (number << 4) + (index << 32 << 140), keys[number].x, keys[number].y) for index, number in ((1, 0), (2, 1))
    ]  # fmt: skip
    submit(contract, [*slots, (7 + (1 << 4) + (BTC << 28) + (AMOUNT << 44), 0, 0)])


def row_of_block(number: int, last: tuple[int, int], status: str = "sealed") -> Block:
    first = (last[0], 0)
    return Block.objects.create(
        number=number, status=status, first_sequence=first[0], first_ordinal=first[1], last_sequence=last[0],
        last_ordinal=last[1], time_s=0, old_root=0, new_root=1, slots=[], slot_count=1, trades=0, data=[], h=0,
        inputs=b"",
    )  # fmt: skip


def test_from_hold_to_claim(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    row = withdraw(alice, 10**8)
    contract.rounds(2)
    withdrawals.follow()
    assert status(row) == ("completed", "", None)
    with pytest.raises(Problem, match="not_claimable"):
        on_chain.claim(account_id=alice, withdrawal_id=row.pk)

    row_of_block(1, (row.sequence - 1, 5))
    withdrawals.follow()
    assert status(row) == ("completed", "", None)
    block = row_of_block(2, (row.sequence, 0))
    withdrawals.follow()
    assert status(row) == ("completed", "in_block", 2)

    submit(contract, [paid_out(10**8)])
    Block.objects.filter(number__lte=2).update(status="final")
    withdrawals.follow()
    # A claim presents what was read from the chain: until then there is none.
    assert status(row) == ("completed", "in_block", 2)
    contract.rounds(1)
    withdrawals.follow()
    assert status(row) == ("completed", "claimable", 2)
    assert contract.view("locked", BTC) == AMOUNT

    on_chain.claim(account_id=alice, withdrawal_id=row.pk)
    on_chain.claim(account_id=alice, withdrawal_id=row.pk)
    assert ClaimRequest.objects.count() == 1
    with pytest.raises(Problem, match="unknown_withdrawal"):
        on_chain.claim(account_id=alice + 1, withdrawal_id=row.pk)
    contract.rounds(3)
    assert status(row) == ("completed", "claimed", 2)
    assert ClaimRequest.objects.get().status == "done"
    token = contract.deployed.token(BTC)
    assert contract.chain.call(token.functions.balanceOf(ADDRESS)) == 10**8
    assert contract.view("locked", BTC) == AMOUNT - 10**8
    with pytest.raises(Problem, match="not_claimable"):
        on_chain.claim(account_id=alice, withdrawal_id=row.pk)
    assert block.number == 2


def in_blocks(contract, rows: list[list[Withdrawal]]) -> None:
    """Blocks of the contract, from number 2 on, that pay out these withdrawals."""
    for number, paid in enumerate(rows, 2):
        for row in paid:
            row.refresh_from_db()
        row_of_block(number, (paid[-1].sequence, 0), "final")
        submit(contract, [paid_out(row.amount) for row in paid])
    withdrawals.follow()
    contract.rounds(1)
    withdrawals.follow()


def paid(contract, address: str = ADDRESS) -> int:
    return contract.chain.call(contract.deployed.token(BTC).functions.balanceOf(address))


def test_what_anybody_else_claimed_is_noted_and_nothing_else(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    first, second, third = withdraw(alice, 10), withdraw(alice, 20), withdraw(alice, 30)
    contract.rounds(2)
    in_blocks(contract, [[first, second], [third]])
    listed = [[word, recipient] for word, _, recipient in (paid_out(10), paid_out(20))]
    contract.chain.send(contract.deployed.key("owner"), contract.functions.claim(2, listed, [1]))
    contract.rounds(2)
    assert [status(row) for row in (first, second, third)] == [
        ("completed", "claimable", 2), ("completed", "claimed", 2), ("completed", "claimable", 3),
    ]  # fmt: skip
    assert paid(contract) == 20


def test_withdrawals_that_are_alike_are_claimed_one_by_one(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    rows = [withdraw(alice, 10) for _ in range(3)]
    contract.rounds(2)
    in_blocks(contract, [rows])
    for row in rows:
        row.refresh_from_db()
    assert [row.l2_position for row in rows] == [0, 1, 2]
    on_chain.claim(account_id=alice, withdrawal_id=rows[1].pk)
    contract.rounds(2)
    assert [status(row)[1] for row in rows] == ["claimable", "claimed", "claimable"]
    assert paid(contract) == 10


def test_several_payouts_of_a_block_are_claimed_by_one_transaction(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    rows = [withdraw(alice, amount) for amount in (10, 20, 30)]
    contract.rounds(2)
    in_blocks(contract, [rows])
    for row in rows:
        on_chain.claim(account_id=alice, withdrawal_id=row.pk)
    contract.rounds(2)
    assert [status(row)[1] for row in rows] == ["claimed"] * 3
    assert paid(contract) == 60
    assert len({row.transaction_id for row in ClaimRequest.objects.all()}) == 1


def test_a_claim_that_somebody_else_was_faster_with_is_refused_and_goes_on(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    row = withdraw(alice, 10)
    contract.rounds(2)
    in_blocks(contract, [[row]])
    listed = [[paid_out(10)[0], NUMBER]]
    contract.chain.send(contract.deployed.key("owner"), contract.functions.claim(2, listed, [0]))
    claims.request(block=2, position=0)
    assert claims.send_wanted(contract.chain, contract.deployed) == 0
    contract.rounds(1)
    assert ClaimRequest.objects.get().status == "refused"
    assert ClaimRequest.objects.get().code == "nothing_to_claim"
    assert status(row)[1] == "claimed"


def test_a_blocks_payouts_are_kept_once(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    row = withdraw(alice, 10)
    contract.rounds(2)
    in_blocks(contract, [[row]])
    before = list(L2Payout.objects.values())
    (payout,) = payouts.of_slots([paid_out(10)])
    payouts.keep(2, [payout])
    assert list(L2Payout.objects.values()) == before
    assert (payout.number, payout.token, payout.amount, payout.recipient) == (1, BTC, 10, NUMBER)


def test_the_documents_example_claims_what_is_an_addresss(contract, alice):
    contract.believe_every_proof()
    take_queue(contract)
    stranger = 2**159 + 7
    submit(contract, [paid_out(10), paid_out(20, stranger), paid_out(30)])
    submit(contract, [paid_out(40, stranger)])
    submit(contract, [paid_out(50)])
    owner = contract.deployed.key("owner")
    listed = [[word, recipient] for word, _, recipient in (paid_out(10), paid_out(20, stranger), paid_out(30))]
    contract.chain.send(owner, contract.functions.claim(2, listed, [0]))
    command = [sys.executable, "docs/examples/claim.py", contract.devchain.url, contract.deployed.address, ADDRESS]

    def told(first_block: int) -> list[str]:
        environment = os.environ | {"WALLET_KEY": owner.key.hex()}
        call = [*command, str(first_block)]
        done = subprocess.run(call, env=environment, capture_output=True, text=True, cwd=ROOT, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout.splitlines()

    assert told(contract.deployed.from_block) == ["block 2: claimed 1 of 3 payouts", "block 4: claimed 1 of 1 payouts"]
    assert told(contract.deployed.from_block) == []
    assert paid(contract) == 90
