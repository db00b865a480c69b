"""The rollup's state against the ledger, and the contract against both, to the atom.

The state after a block is compared with the ledger at the block's last event. What the contract holds differs from
what accounts have by what is on its way, and each such difference has a name: deposits in its queue that the engine
does not have yet, withdrawals that left their account and are in no block that the contract has, and what its blocks
pay out and nobody has claimed. What blocks pay out, by the calldata that was read from the chain, is what the ledger
took out of accounts.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from exchange.reconcile.report import Report
from matching.money import format_atoms
from rollup import selectors as rollup
from rollup.selectors import StateBalances
from rollup.state.published import NotPublishedSo
from wallets import selectors as wallets
from wallets.chain import selectors as chain

Key = tuple[int, int]


@dataclass(slots=True)
class SettledRows:
    """What the rows say at the ledger's `sequence`. By asset: atoms of all accounts, taken out, and so on."""

    sequence: int
    state: StateBalances
    # The ledger at the state's last event, by (account, asset).
    ledger: dict[Key, int]
    numbers: dict[int, int]
    totals: dict[int, int]
    taken_out: dict[int, int]
    not_applied: dict[int, int]
    claimed: dict[int, int]
    last_entry: int
    # The block of the chain up to which it was read.
    l1_block: int


class StateSums:
    """The ledger's sums at the end of the newest block. Blocks follow each other, so each leg is read once."""

    def __init__(self) -> None:
        self._sums: dict[Key, int] = {}
        self._last_id = 0

    def at(self, position: tuple[int, int]) -> dict[Key, int]:
        """The sums up to an event, by (account, asset)."""
        last_id = wallets.last_ledger_id(position=position)
        if last_id < self._last_id:
            self._sums, self._last_id = {}, 0
        for key, amount in wallets.ledger_sums(after_id=self._last_id, up_to_id=last_id).items():
            self._sums[key] = self._sums.get(key, 0) + amount
        self._last_id = last_id
        return self._sums


def read(sums: Mapping[Key, int], at_state: StateSums, report: Report) -> SettledRows | None:
    """The rows, in one transaction with the ledger's sums. None before there is anything on a chain.

    Also None, with a difference noted, where the stored blocks do not follow on each other.
    """
    watch = chain.chain_position()
    if watch is None:
        return None
    try:
        state = rollup.all_balances()
    except NotPublishedSo as wrong:
        report.differ("blocks", "that are stored", "follow on each other", wrong)
        return None
    totals: dict[int, int] = {}
    for (account, asset), amount in sums.items():
        if account != wallets.OUTSIDE_ACCOUNT:
            totals[asset] = totals.get(asset, 0) + amount
    sequence = wallets.sequence()
    return SettledRows(
        sequence=sequence, state=state, ledger=dict(at_state.at(state.position)), numbers=chain.registered_numbers(),
        totals=totals, taken_out=wallets.taken_out(), not_applied=chain.deposits_not_applied(after_sequence=sequence),
        claimed=chain.claimed(), last_entry=chain.last_queue_index(), l1_block=watch.block,
    )  # fmt: skip


def check(rows: SettledRows, report: Report) -> None:
    """Note what differs between ledger, state and contract."""
    if rows.state.position[0] > rows.sequence:
        report.notes.append("the rollup is ahead of the ledger: they are compared the next time")
        return
    expected = {
        (rows.numbers[account], asset): amount
        for (account, asset), amount in rows.ledger.items()
        if amount and account in rows.numbers
    }
    report.compare("balances in the rollup", expected, rows.state.balances, _name)
    strangers = {key: amount for key, amount in rows.ledger.items() if amount and key[0] not in rows.numbers}
    strangers = {key: amount for key, amount in strangers.items() if key[0] != wallets.OUTSIDE_ACCOUNT}
    report.compare("balances of accounts that the rollup does not have", {}, strangers, _name)
    _check_contract(rows, report)


def _check_contract(rows: SettledRows, report: Report) -> None:
    # What talks to the chain takes its time to import, and an exchange may have none.
    from exchange.reconcile import contract
    from wallets.chain.client import ChainRefused, ChainUnreachable

    try:
        found = contract.read(rows.l1_block)
    except (ChainUnreachable, ChainRefused) as error:
        report.notes.append(f"the contract could not be asked: {error}")
        return
    report.compare("length of the queue", {0: rows.last_entry}, {0: found.queue_length}, lambda _: "in the contract")
    position = rollup.position(found.block)
    if found.block and position is None:
        report.differ("blocks", f"block {found.block} of the contract", "is not known", found.block)
        return
    if found.block:
        report.compare("roots", {0: rollup.root(found.block)}, {0: found.root}, lambda _: f"after block {found.block}")
    settled = wallets.taken_out(up_to_id=wallets.last_ledger_id(position=position or (0, -1)))
    paid_out = chain.paid_out(up_to_block=found.block)
    for asset in wallets.list_assets():
        if asset.id not in found.locked:
            continue
        out = settled.get(asset.id, 0)
        report.compare("payouts of blocks", {0: out}, {0: paid_out.get(asset.id, 0)}, lambda _, a=asset: a.code)
        unclaimed = out - rows.claimed.get(asset.id, 0)
        moves = {
            "of accounts": rows.totals.get(asset.id, 0),
            "deposits not applied": rows.not_applied.get(asset.id, 0),
            "withdrawals in no block of the contract": rows.taken_out.get(asset.id, 0) - out,
            "not claimed": unclaimed,
        }
        locked, holdings = found.locked[asset.id], found.holdings[asset.id]
        report.compare("locked in the contract", {0: sum(moves.values())}, {0: locked}, lambda _, a=asset: a.code)
        if unclaimed < 0:
            report.differ("holdings of the contract", asset.code, "claims of what was withdrawn", f"{-unclaimed} more")
        # Anybody may send tokens to the contract by mistake: a surplus is nobody's, and no difference.
        surplus = max(0, holdings - locked)
        report.compare("holdings of the contract", {0: locked + surplus}, {0: holdings}, lambda _, a=asset: a.code)
        moves["sent to the contract by mistake"] = surplus
        parts = " + ".join(f"{format_atoms(n, asset.scale)} {what}" for what, n in moves.items() if n)
        report.notes.append(f"{asset.code}: the contract holds {format_atoms(holdings, asset.scale)} = {parts or '0'}")


def _name(key: Any) -> str:
    return f"{key[0]}, asset {key[1]}"
