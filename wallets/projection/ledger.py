"""The double-entry ledger: every event that changes who owns what becomes a posting of balanced legs."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import Max

from matching.bulk import copy_rows
from matching.projection import Handler
from wallets.models import FEES_ACCOUNT, OUTSIDE_ACCOUNT, LedgerEntry
from wallets.projection.assets import Assets

COLUMNS: Final = (
    "id", "sequence", "ordinal", "account_id", "asset_id", "amount", "kind", "reference", "time_us",
)  # fmt: skip
DEPOSIT, WITHDRAWAL, TRANSFER, TRADE, FEE, EXIT = LedgerEntry.Kind.values


class Ledger:
    """Read model LedgerEntry. All legs of a transaction go in by one COPY, which the zero-sum trigger judges."""

    tables = ("wallets_ledgerentry",)

    def __init__(self, assets: Assets) -> None:
        self._markets = assets.markets
        self._lines: list[str] = []
        self._last_id = 0

    def handlers(self) -> dict[str, Handler]:
        return {
            "trade": self._trade, "deposit": self._deposit, "complete": self._complete, "transfer": self._transfer,
            "exit": self._exit,
        }  # fmt: skip

    def load(self) -> None:
        self._lines = []
        self._last_id = LedgerEntry.objects.aggregate(last=Max("id"))["last"] or 0

    def _post(  # noqa: PLR0917  called for every leg; naming ten arguments would cost as much as the leg
        self, sequence: int, ordinal: int, time_us: int, kind: int, asset: int, amount: int, giver: int, receiver: int,
        giver_reference: int, receiver_reference: int,
    ) -> None:  # fmt: skip
        """Move `amount` atoms from giver to receiver: two legs."""
        first = self._last_id + 1
        self._last_id = second = first + 1
        self._lines.append(
            f"{first}\t{sequence}\t{ordinal}\t{giver}\t{asset}\t-{amount}\t{kind}\t{giver_reference}\t{time_us}\n"
            f"{second}\t{sequence}\t{ordinal}\t{receiver}\t{asset}\t{amount}\t{kind}\t{receiver_reference}\t{time_us}"
        )

    def _trade(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        (_, _, market, _, _, base_atoms, quote_atoms, taker_side, taker_order, taker, maker_order, maker, taker_fee,
         maker_fee, _) = event  # fmt: skip
        money, post = self._markets[market], self._post
        gives, gets = (money.base, money.quote) if taker_side else (money.quote, money.base)
        given, got = (base_atoms, quote_atoms) if taker_side else (quote_atoms, base_atoms)
        post(sequence, ordinal, time_us, TRADE, gives, given, taker, maker, taker_order, maker_order)
        post(sequence, ordinal, time_us, TRADE, gets, got, maker, taker, maker_order, taker_order)
        if taker_fee:
            post(sequence, ordinal, time_us, FEE, gets, taker_fee, taker, FEES_ACCOUNT, taker_order, taker_order)
        if maker_fee:
            post(sequence, ordinal, time_us, FEE, gives, maker_fee, maker, FEES_ACCOUNT, maker_order, maker_order)

    def _deposit(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, index, account, asset, amount = event
        self._post(sequence, ordinal, time_us, DEPOSIT, asset, amount, OUTSIDE_ACCOUNT, account, index, index)

    def _complete(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, withdrawal, account, asset, amount, *_ = event
        self._post(
            sequence, ordinal, time_us, WITHDRAWAL, asset, amount, account, OUTSIDE_ACCOUNT, withdrawal, withdrawal
        )

    def _exit(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, _, index, account, asset, amount = event
        if amount:
            self._post(sequence, ordinal, time_us, EXIT, asset, amount, account, OUTSIDE_ACCOUNT, index, index)

    def _transfer(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        _, transfer, giver, receiver, asset, amount = event
        self._post(sequence, ordinal, time_us, TRANSFER, asset, amount, giver, receiver, transfer, transfer)

    def write(self, cursor: Any, now_us: int) -> None:
        lines, self._lines = self._lines, []
        copy_rows(cursor, "wallets_ledgerentry", COLUMNS, lines)

    def age(self, cursor: Any, now_us: int) -> None:
        """An entry stays."""
