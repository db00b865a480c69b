"""reconcile with a chain: ledger, rollup and contract are equal to the atom, and a planted difference is found."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model, QuerySet

from accounts import services as accounts
from exchange.reconcile import Reconciler, Report
from matching.engine import commands
from rollup import blocks, withdrawals
from rollup import projection as rollup
from rollup.calldata import submit_arguments
from rollup.models import Block
from tests.matching.harness import execute
from tests.projections import catch_up, project_all
from tests.rollup.exchange import all_proven
from tests.wallets.chain.conftest import Contract
from wallets import services, test_funds
from wallets.chain import watcher
from wallets.chain import withdrawals as on_chain
from wallets.models import Claim, L2Account, L2Payout, QueueEntry

pytestmark = pytest.mark.process

BTC, USDT = 1, 2
ADDRESS = "0x52908400098527886E0F7030069857D2E4169EE7"


class House:
    """Two traders, the state manager, and reconcile."""

    def __init__(self, contract: Contract, reconciler: Reconciler) -> None:
        self.contract = contract
        self.reconciler = reconciler
        self.alice, self.bob = (accounts.create_account(name=name).pk for name in ("alice", "bob"))
        test_funds.request(account_id=self.alice, asset_code="BTC", amount_atoms=10**9)
        test_funds.request(account_id=self.bob, asset_code="USDT", amount_atoms=10**12)
        contract.rounds(2)

    def trade(self, lots: int) -> None:
        """Alice sells to Bob."""
        order = {"market": 1, "type": 0, "tif": 0, "price": 600_000, "size": lots, "fingerprint": 1}
        for side, account in ((1, self.alice), (0, self.bob)):
            (result,) = execute(commands.place(account=account, side=side, client_id="", **order))
            assert result.events[0][0] == "new", result
        project_all()

    def seal(self) -> None:
        """Close the open block."""
        state = rollup.make_projection()
        catch_up(state)
        all_proven()
        blocks.request_block()
        state.age()

    def compare(self) -> Report:
        """What reconcile says."""
        project_all()
        return self.reconciler.compare(thorough=True)

    def note(self, code: str) -> str:
        """The line of an asset."""
        report = self.compare()
        assert report.differences == []
        (line,) = [note for note in report.notes if note.startswith(f"{code}: ")]
        return line


@pytest.fixture
def house(contract, settings, tmp_path) -> House:
    settings.ROLLUP_PARAMETERS = "tiny"
    return House(contract, Reconciler(snapshots=tmp_path / "snapshots"))


def test_everything_is_equal_and_what_is_on_its_way_has_a_name(house, monkeypatch):
    assert house.note("BTC") == "BTC: the contract holds 10 = 10 of accounts"
    house.trade(1000)
    house.seal()
    assert Block.objects.count() > 1
    report = house.compare()
    assert report.differences == []
    # Fees too: both traders have both assets, and account 0 collects in both.
    assert report.compared["balances in the rollup"] == 6
    assert house.note("USDT") == "USDT: the contract holds 1000000 = 1000000 of accounts"

    # A withdrawal that the contract has in no block yet.
    services.hold_withdrawal(account_id=house.alice, asset_code="BTC", amount_atoms=10**8, address=ADDRESS)
    house.contract.rounds(2)
    line = "BTC: the contract holds 10 = 9 of accounts + 1 withdrawals in no block of the contract"
    assert house.note("BTC") == line
    house.seal()
    assert house.note("BTC") == line

    # A deposit that was read and is not applied.
    monkeypatch.setattr(watcher, "send_seen", lambda: 0)
    test_funds.request(account_id=house.bob, asset_code="BTC", amount_atoms=5 * 10**7)
    house.contract.rounds(2)
    assert "+ 0.5 deposits not applied" in house.note("BTC")
    monkeypatch.undo()
    house.contract.rounds(2)
    assert "9.5 of accounts" in house.note("BTC")

    # What somebody sent without a deposit is nobody's.
    treasury, token = house.contract.deployed.key("treasury"), house.contract.deployed.token(BTC)
    house.contract.chain.send(treasury, token.functions.mint(house.contract.deployed.address, 1))
    house.contract.rounds(1)
    assert house.note("BTC").endswith("+ 0.00000001 sent to the contract by mistake")


def test_what_blocks_pay_out_is_in_the_contract_until_it_is_claimed(house):
    contract = house.contract
    contract.believe_every_proof()
    withdrawal = services.hold_withdrawal(account_id=house.alice, asset_code="BTC", amount_atoms=10**8, address=ADDRESS)
    contract.rounds(2)
    house.seal()
    for block in Block.objects.order_by("number"):
        call = contract.functions.submit_block(*submit_arguments([int(word) for word in block.data], 0, [0] * 8))
        contract.chain.send(contract.deployed.key("operator"), call)
    contract.rounds(1)
    assert house.note("BTC") == "BTC: the contract holds 10 = 9 of accounts + 1 not claimed"

    Block.objects.update(status="final")
    withdrawals.follow()
    on_chain.claim(account_id=house.alice, withdrawal_id=withdrawal.pk)
    contract.rounds(2)
    assert house.note("BTC") == "BTC: the contract holds 9 = 9 of accounts"


def change(rows: QuerySet, **values: Any) -> Callable[[], None]:
    """Change rows, and how to undo that."""
    before = [(row.pk, {name: getattr(row, name) for name in values}) for row in rows]
    rows.model.objects.filter(pk__in=[pk for pk, _ in before]).update(**values)
    return lambda: [rows.model.objects.filter(pk=pk).update(**old) for pk, old in before] and None


def invent(model: type[Model], **values: Any) -> Callable[[], None]:
    """Make a row, and how to undo that."""
    row = model.objects.create(**values)
    return lambda: row.delete() and None


def test_planted_differences_are_found(house):
    house.trade(1000)
    house.seal()
    assert house.compare().ok
    entry = {"kind": "exit", "number": 1, "account_id": house.alice, "asset_id": BTC, "block": 1, "status": "applied"}
    index = QueueEntry.objects.count() + 1
    claim = {"tx_hash": "0x", "log_index": 0, "recipient": 1, "asset_id": BTC, "amount": 1}
    claim |= {"l2_block": 1, "position": 9}
    payout = {"block": 0, "position": 9, "word": 0, "third": 0, "number": 1, "asset_id": BTC, "amount": 1}
    accounts_of_rollup = L2Account.objects
    plants = {
        "balances in the rollup": lambda: change(accounts_of_rollup.filter(number=1), number=9),
        "balances of accounts that the rollup does not have": lambda: change(
            accounts_of_rollup.filter(number=2), number=None, status="wanted"
        ),
        "locked in the contract": lambda: change(QueueEntry.objects.filter(kind="deposit"), sequence=None),
        "length of the queue": lambda: invent(QueueEntry, index=index, **entry),
        "holdings of the contract": lambda: invent(Claim, **claim),
        "payouts of blocks": lambda: invent(L2Payout, **payout),
    }
    for kind, plant in plants.items():
        undo = plant()
        report = house.reconciler.compare(thorough=True)
        assert any(line.startswith(kind) for line in report.differences), (kind, report.differences)
        undo()
        assert house.reconciler.compare(thorough=True).ok


def test_blocks_that_do_not_follow_are_a_difference(house):
    house.trade(1000)
    house.seal()
    last = Block.objects.order_by("number").last()
    undo = change(Block.objects.filter(pk=last.pk), data=[*last.data[:1], str(int(last.data[1]) + 1), *last.data[2:]])
    report = house.compare()
    assert any(line.startswith("blocks that are stored") for line in report.differences), report.differences
    undo()
    assert house.compare().ok


def test_a_chain_that_is_down_is_a_note_and_the_rest_is_compared(house, settings):
    settings.CHAIN_RPC_URL = "http://127.0.0.1:1"
    report = house.compare()
    assert report.ok
    assert any("could not be asked" in note for note in report.notes)
    assert "balances in the rollup" in report.compared
