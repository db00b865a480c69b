"""Assets, balances, the ledger, and lists of money's movements."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PrivateView, PublicView, answer
from accounts.api.openapi import CURSOR, LIMIT, MIN_SEQUENCE, documented
from accounts.api.paging import LIMIT_DEFAULT, next_cursor, wait_for_rows
from accounts.services import WITHDRAW
from wallets import requests, selectors, services
from wallets.api import schema, shapes
from wallets.chain import selectors as chain
from wallets.models import Deposit, LedgerEntry, QueueEntry

_kind = query.one_of({kind.label: kind.value for kind in LedgerEntry.Kind})


def assets_by_id() -> shapes.Assets:
    """All assets, to name those of rows."""
    return {asset.id: asset for asset in selectors.list_assets()}


class AssetsView(PublicView):
    """/assets"""

    cache_s: ClassVar = 1.0

    @documented("List assets", answer=schema.AssetList, tags=["markets"])
    def get(self, request: Request) -> HttpResponse:
        """With the decimals of their amounts."""
        query.read_query(request, {})
        return answer({"assets": [shapes.asset_json(asset) for asset in selectors.list_assets()]})


class BalancesView(PrivateView):
    """/balances"""

    @documented("List balances", answer=schema.BalanceList, parameters=[MIN_SEQUENCE], tags=["wallets"])
    def get(self, request: Request) -> HttpResponse:
        """Of every asset the account ever had."""
        query.read_query(request, {})
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        assets = assets_by_id()
        balances = [shapes.balance_json(row, assets) for row in selectors.balances(self.caller.account_id)]
        return answer({"balances": balances, "sequence": sequence}, sequence=sequence)


class LedgerView(PrivateView):
    """/ledger"""

    @documented(
        "List ledger entries", answer=schema.EntryPage, tags=["wallets"],
        parameters=[schema.ASSET, schema.KIND, LIMIT, CURSOR, MIN_SEQUENCE],
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Newest first. Entries of an asset sum to the account's available and held."""
        asked = query.read_query(request, {"asset": query.text(32), "kind": _kind, **query.PAGE})
        limit = asked["limit"] or LIMIT_DEFAULT
        sequence = wait_for_rows(request, selectors.wait_for_sequence)
        entries = selectors.ledger(
            self.caller.account_id,
            asset_id=selectors.get_asset(code=asked["asset"]).id if asked["asset"] else None,
            kind=asked["kind"], before_id=asked["cursor"], limit=limit,
        )  # fmt: skip
        assets = assets_by_id()
        page = {
            "entries": [shapes.entry_json(entry, assets) for entry in entries],
            "next_cursor": next_cursor(entries, limit),
            "sequence": sequence,
        }
        return answer(page, sequence=sequence)


def movements_page(
    request: Request, account_id: int, name: str, select: Callable[..., Sequence[Any]], shape: Callable[..., Any]
) -> HttpResponse:
    """A page of deposits, withdrawals or transfers."""
    asked = query.read_query(request, query.PAGE)
    limit = asked["limit"] or LIMIT_DEFAULT
    rows = select(account_id, before_id=asked["cursor"], limit=limit)
    assets = assets_by_id()
    return answer({name: [shape(row, assets) for row in rows], "next_cursor": next_cursor(rows, limit)})


class DepositsView(PrivateView):
    """/deposits"""

    @documented("List deposits", answer=schema.DepositPage, parameters=[LIMIT, CURSOR], tags=["wallets"])
    def get(self, request: Request) -> HttpResponse:
        """Newest first."""
        entries: dict[int, QueueEntry] = {}

        def select(account_id: int, **page: Any) -> list[Deposit]:
            rows = selectors.list_deposits(account_id, **page)
            entries.update(chain.entries_of(rows))
            return rows

        def shape(row: Deposit, assets: shapes.Assets) -> dict[str, Any]:
            return shapes.deposit_json(row, assets, entries.get(row.pk))

        return movements_page(request, self.caller.account_id, "deposits", select, shape)


class WithdrawalsView(PrivateView):
    """/withdrawals"""

    write_permission = WITHDRAW

    @documented(
        "List withdrawals", answer=schema.WithdrawalPage, parameters=[LIMIT, CURSOR], tags=["wallets"],
        operation="withdrawals_list",
    )  # fmt: skip
    def get(self, request: Request) -> HttpResponse:
        """Newest first."""
        return movements_page(
            request, self.caller.account_id, "withdrawals", selectors.list_withdrawals, shapes.withdrawal_json
        )

    @documented(
        "Withdraw", body=schema.NewWithdrawal, answer=schema.WithdrawalItem, status=201, tags=["wallets"]
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """The amount is held from now on, until it has left the exchange."""
        asked = requests.read_withdrawal(self.json_object())
        held = services.hold_withdrawal(
            account_id=self.caller.account_id, asset_code=asked.asset_code, amount_atoms=asked.amount_atoms,
            reference=asked.reference, address=asked.address,
        )  # fmt: skip
        return answer(shapes.withdrawal_json(held, assets_by_id()), status=201, sequence=held.sequence)


class WithdrawalView(PrivateView):
    """/withdrawals/{id}"""

    write_permission = WITHDRAW

    @documented("Fetch a withdrawal", answer=schema.WithdrawalItem, tags=["wallets"])
    def get(self, request: Request, withdrawal_id: int) -> HttpResponse:
        """Where it stands."""
        query.read_query(request, {})
        row = selectors.get_withdrawal(self.caller.account_id, withdrawal_id)
        return answer(shapes.withdrawal_json(row, assets_by_id()))

    @documented("Cancel a withdrawal", answer=schema.WithdrawalItem, tags=["wallets"])
    def delete(self, request: Request, withdrawal_id: int) -> HttpResponse:
        """While it is held and nobody carries it out yet, the amount is given back."""
        row = services.cancel_withdrawal(account_id=self.caller.account_id, withdrawal_id=withdrawal_id)
        return answer(shapes.withdrawal_json(row, assets_by_id()), sequence=row.sequence)


class TransfersView(PrivateView):
    """/transfers"""

    write_permission = WITHDRAW

    @documented("List transfers", answer=schema.TransferPage, parameters=[LIMIT, CURSOR], tags=["wallets"])
    def get(self, request: Request) -> HttpResponse:
        """From and to the account, newest first."""
        return movements_page(
            request, self.caller.account_id, "transfers", selectors.list_transfers, shapes.transfer_json
        )  # fmt: skip

    @documented("Transfer", body=schema.NewTransfer, answer=schema.TransferItem, status=201, tags=["wallets"])
    def post(self, request: Request) -> HttpResponse:
        """Move an amount to another account of the exchange, at once."""
        asked = requests.read_transfer(self.json_object())
        done = services.transfer(
            from_account_id=self.caller.account_id, to_account_id=asked.to_account_id, asset_code=asked.asset_code,
            amount_atoms=asked.amount_atoms, reference=asked.reference,
        )  # fmt: skip
        return answer(shapes.transfer_json(done, assets_by_id()), status=201, sequence=done.sequence)
