"""The reference engine's commands that move money in, out and across."""

from typing import Any

from matching.engine.commands import SIGNATURE_FIELDS
from tests.engine.reference_chain import ReferenceChain
from tests.engine.reference_checks import Fields, refuse
from tests.engine.reference_state import MAX_AMOUNT


class ReferenceMoney(ReferenceChain):
    """Deposits, withdrawals, transfers; some of them signed (section 11)."""

    def check_amount(self, asset: int, amount: int) -> None:
        refuse("unknown_asset", asset not in self.assets)
        refuse("invalid_amount", not 1 <= amount <= MAX_AMOUNT)

    def do_deposit(self, source: int, index: int, account: int, asset: int, amount: int) -> None:
        self.check_entry(source, index)
        refuse("invalid_account", account < 1)
        refuse("account_not_registered", self.registry is not None and account not in self.registered)
        self.check_amount(asset, amount)
        there = sum(total for (_, what), total in self.totals.items() if what == asset)
        refuse("balance_overflow", there + amount > MAX_AMOUNT)
        self.sources[source] = index
        self.give(account, asset, amount)
        self.events.append(("deposit", source, index, account, asset, amount))

    def do_hold(self, withdrawal: int, account: int, asset: int, amount: int, recipient: int) -> None:
        self.set_aside(None, withdrawal, account, asset, amount, recipient)

    def do_signed_withdraw(self, *fields: Any) -> None:
        signature = dict(zip(SIGNATURE_FIELDS, fields[:6], strict=True))
        self.set_aside(signature, *fields[6:])
        self.do_complete(fields[6])

    def set_aside(
        self, signature: Fields | None, withdrawal: int, account: int, asset: int, amount: int, recipient: int
    ) -> None:
        refuse("already_applied", withdrawal in self.withdrawals)
        self.in_time()
        refuse("invalid_parameter", withdrawal < 1 or not 0 <= recipient < 2**160)
        self.check_signature(signature)
        refuse("invalid_parameter", signature is not None and recipient == 0)
        refuse("invalid_account", account < 1)
        self.check_custody(account, signature)
        self.check_amount(asset, amount)
        self.check_nonce(account, signature)
        refuse("insufficient_balance", self.available(account, asset) < amount)
        self.use_nonce(account, signature)
        self.withdrawals[withdrawal] = [account, asset, amount, "held", recipient]
        self.events.append(("hold", withdrawal, account, asset, amount, recipient))

    def do_release(self, withdrawal: int) -> None:
        self.end_withdrawal(withdrawal, "release")

    def do_complete(self, withdrawal: int) -> None:
        account, asset, amount = self.end_withdrawal(withdrawal, "complete")
        self.give(account, asset, -amount)

    def end_withdrawal(self, withdrawal: int, how: str) -> tuple[int, int, int]:
        self.in_time()
        refuse("unknown_withdrawal", withdrawal not in self.withdrawals)
        account, asset, amount, status, recipient = self.withdrawals[withdrawal]
        refuse("already_applied", status == how)
        refuse("unknown_withdrawal", status != "held")
        self.withdrawals[withdrawal][3] = how
        self.events.append((how, withdrawal, account, asset, amount, recipient))
        return account, asset, amount

    def do_transfer(self, transfer: int, source: int, to: int, asset: int, amount: int) -> None:
        self.move(None, transfer, source, to, asset, amount)

    def do_signed_transfer(self, *fields: Any) -> None:
        self.move(dict(zip(SIGNATURE_FIELDS, fields[:6], strict=True)), *fields[6:])

    def move(self, signature: Fields | None, transfer: int, source: int, to: int, asset: int, amount: int) -> None:
        refuse("already_applied", transfer in self.transfers)
        self.in_time()
        refuse("invalid_parameter", transfer < 1 or source == to)
        self.check_signature(signature)
        refuse("invalid_account", source < 0 or to < 1)
        self.check_custody(source, signature)
        self.check_amount(asset, amount)
        refuse("account_not_registered", self.registry is not None and to not in self.registered)
        self.check_nonce(source, signature)
        refuse("insufficient_balance", self.available(source, asset) < amount)
        self.use_nonce(source, signature)
        self.transfers.append(transfer)
        self.give(source, asset, -amount)
        self.give(to, asset, amount)
        self.events.append(("transfer", transfer, source, to, asset, amount))
