"""What accounts in self custody sign: orders, transfers, withdrawals, and that a key is theirs."""

from typing import Any

from django.http import HttpResponse
from rest_framework.request import Request

from accounts.api import query
from accounts.api.base import PrivateView, answer
from accounts.api.openapi import documented
from accounts.services import WITHDRAW
from orders import selectors as orders
from orders.api.writes import amended_answer, path_name, placed_answer
from rollup import signed
from rollup.api import signed_requests, signed_schema
from rollup.signed import Terms
from wallets.api import shapes
from wallets.api.views import assets_by_id
from wallets.selectors import L2Account

PPM_OF_BPS = 100


def linked_json(row: L2Account) -> dict[str, Any]:
    """Where an account stands in the rollup."""
    return {
        "account": row.account_id, "number": row.number, "custody": "exchange" if row.custody else "user",
        "x": None if row.x is None else str(row.x), "y": None if row.y is None else str(row.y), "owner": row.owner,
        "status": row.status,
    }  # fmt: skip


def terms_json(account_id: int, terms: Terms) -> dict[str, Any]:
    """All that a signer needs; numbers that may have more than 53 bits are text."""
    here, assets = terms.contract, assets_by_id()
    tokens = {asset.code: asset.id for asset in assets.values()}
    return {
        "chain_id": here.chain_id,
        "contract": here.address,
        "domain": str(here.domain),
        "leaves": here.leaves,
        "account": account_id,
        "linked": linked_json(terms.account) if terms.account else None,
        "nonce": str(terms.signer.nonce) if terms.signer else None,
        "order_ids": [str(id) for id in terms.order_ids],
        "tokens": [
            {"asset": asset.code, "token": asset.id, "scale": asset.scale, "address": here.tokens.get(str(asset.id))}
            for asset in assets.values()
        ],
        "markets": [
            {
                "market": fees.market.symbol,
                "base_token": tokens[fees.market.base_code],
                "quote_token": tokens[fees.market.quote_code],
                "max_fee_bps": -(-max(fees.maker_ppm, fees.taker_ppm, 0) // PPM_OF_BPS),
            }
            for fees in orders.fees(account_id=account_id)
        ],
    }


class SigningTermsView(PrivateView):
    """/signed"""

    @documented("What a signer needs", answer=signed_schema.SigningTerms, tags=["self custody"])
    def get(self, request: Request) -> HttpResponse:
        """The contract, the account's number, key and nonce, free order ids, tokens, fee caps of the markets."""
        query.read_query(request, {})
        account_id = self.caller.account_id
        return answer(terms_json(account_id, signed.terms(account_id=account_id)))


class SignedOrdersView(PrivateView):
    """/signed/orders"""

    @documented(
        "Place a signed order", body=signed_schema.SignedOrder, answer=signed_schema.PlacedOrder, status=201,
        tags=["self custody"],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """The signature is verified before the matcher hears of the order."""
        order, signature = signed_requests.read_signed_order(self.json_object())
        caller = self.caller
        return placed_answer(
            signed.place_order(
                account_id=caller.account_id, order=order, signed=signature, deadline_us=caller.deadline_us
            )
        )


class SignedAmendView(PrivateView):
    """/signed/orders/{id}/amend"""

    @documented(
        "Amend a signed order", body=signed_schema.SignedAmend, answer=signed_schema.AmendedOrder,
        tags=["self custody"],
    )  # fmt: skip
    def post(self, request: Request, order_id: int) -> HttpResponse:
        """Signed is the order as it will be: its id, and totals by its new price and total size."""
        name = path_name(order_id)
        changes, signature = signed_requests.read_signed_amend(self.json_object())
        caller = self.caller
        return amended_answer(
            signed.amend_order(
                account_id=caller.account_id, order_id=name.order_id, changes=changes, signed=signature,
                deadline_us=caller.deadline_us,
            )
        )  # fmt: skip


class SignedTransfersView(PrivateView):
    """/signed/transfers"""

    write_permission = WITHDRAW

    @documented(
        "Make a signed transfer", body=signed_schema.SignedTransfer, answer=signed_schema.TransferItem, status=201,
        tags=["self custody"],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """To another account, by its number in the rollup."""
        asked = signed_requests.read_transfer(self.json_object())
        made = signed.transfer(
            account_id=self.caller.account_id, to_number=asked.to, asset_code=asked.asset_code,
            amount_atoms=asked.amount_atoms, nonce=asked.nonce, signature=asked.signature, reference=asked.reference,
        )  # fmt: skip
        return answer(shapes.transfer_json(made, assets_by_id()), status=201, sequence=made.sequence)


class SignedWithdrawalsView(PrivateView):
    """/signed/withdrawals"""

    write_permission = WITHDRAW

    @documented(
        "Make a signed withdrawal", body=signed_schema.SignedWithdrawal, answer=signed_schema.WithdrawalItem,
        status=201, tags=["self custody"],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """To an address of the chain. Nobody has to approve it, and it cannot be canceled."""
        asked = signed_requests.read_withdrawal(self.json_object())
        made = signed.withdraw(
            account_id=self.caller.account_id, address=asked.address, asset_code=asked.asset_code,
            amount_atoms=asked.amount_atoms, nonce=asked.nonce, signature=asked.signature, reference=asked.reference,
        )  # fmt: skip
        return answer(shapes.withdrawal_json(made, assets_by_id()), status=201, sequence=made.sequence)


class LinkView(PrivateView):
    """/l2/accounts"""

    write_permission = WITHDRAW

    @documented(
        "Announce a key of one's own", body=signed_schema.Link, answer=signed_schema.Linked, status=201,
        tags=["self custody"],
    )  # fmt: skip
    def post(self, request: Request) -> HttpResponse:
        """Before it is registered on the chain, by its owner: then the exchange knows whose it is."""
        asked = signed_requests.read_link(self.json_object())
        row = signed.link_account(
            account_id=self.caller.account_id, key=asked.key, owner=asked.owner, signature=asked.signature
        )
        return answer(linked_json(row), status=201)
