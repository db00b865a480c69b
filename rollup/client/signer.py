"""A user's key of BabyJubjub: makes the bodies of signed requests. Nothing here sends anything."""

import time
from collections.abc import Mapping
from fractions import Fraction
from typing import Any, Final

from rollup.state import messages
from rollup.state.eddsa import PrivateKey, Signature
from rollup.state.slots import BUY, SELL, SignedOrder

VALID_S: Final = 24 * 3600
Body = dict[str, Any]


class Signer:
    """The key, and what the exchange said of the account (`terms`: the answer of GET /api/v1/signed, `Exchange.terms`).

    `secret`: 32 bytes that never leave the user's machine.
    """

    def __init__(self, secret: bytes, terms: Mapping[str, Any]) -> None:
        self._key = PrivateKey(secret)
        self.public = self._key.public
        self._domain = int(terms["domain"])
        self._account = int(terms["account"])
        self._leaves = int(terms["leaves"])
        self._number: int | None = (terms["linked"] or {}).get("number")
        self._nonce = int(terms["nonce"]) if terms["nonce"] is not None else None
        self._ids = [int(id) for id in terms["order_ids"]]
        self._tokens = {token["asset"]: (token["token"], token["scale"]) for token in terms["tokens"]}
        self._fee_caps = {market["market"]: market["max_fee_bps"] for market in terms["markets"]}

    def link(self, owner: str) -> Body:
        """POST /api/v1/l2/accounts: this key, to be registered by `owner`, is the account's."""
        message = messages.link_message(self._domain, account=self._account, owner=int(owner, 16))
        x, y = self.public
        return {"x": str(x), "y": str(y), "owner": owner, "signature": _signature(self._key.sign(message))}

    def order(
        self, *, market: str, side: str, price: str, size: str, tif: str = "gtd", valid_s: int = VALID_S,
        max_fee_bps: int | None = None, id: int | None = None, **more: Any,
    ) -> Body:  # fmt: skip
        """POST /api/v1/signed/orders. The signature is valid for `valid_s` seconds; `more` are fields of an order.

        `id`: the order's on the chain, else the next free one. ValueError when all leaves have been used up: ask for
        the terms anew.
        """
        if id is None:
            if not self._ids:
                raise ValueError("no free order id is left: ask for the terms anew")
            id = self._ids.pop(0)
        body = {"market": market, "side": side, "type": "limit", "price": price, "size": size, "tif": tif, **more}
        valid_until = int(time.time()) + valid_s
        if tif == "gtd":
            body.setdefault("expires_at", valid_until * 1_000)
        cap = self._fee_caps[market] if max_fee_bps is None else max_fee_bps
        body["signature"] = self.order_signature(
            market=market, side=side, price=price, size=size, id=id, valid_until=valid_until, max_fee_bps=cap
        )
        return body

    def amend(
        self, *, market: str, side: str, price: str, size: str, id: int, valid_s: int = VALID_S,
        max_fee_bps: int | None = None,
    ) -> Body:  # fmt: skip
        """POST /api/v1/signed/orders/{id}/amend: the order `id` with this price and total size."""
        cap = self._fee_caps[market] if max_fee_bps is None else max_fee_bps
        signature = self.order_signature(
            market=market, side=side, price=price, size=size, id=id, valid_until=int(time.time()) + valid_s,
            max_fee_bps=cap,
        )  # fmt: skip
        return {"price": price, "size": size, "signature": signature}

    def order_signature(
        self, *, market: str, side: str, price: str, size: str, id: int, valid_until: int, max_fee_bps: int
    ) -> Body:
        """What is signed of an order, and the signature. `valid_until` in seconds since the epoch."""
        base, quote = market.split("-")
        base_token, base_atoms = self._amount(base, Fraction(size))
        quote_token, quote_atoms = self._amount(quote, Fraction(price) * Fraction(size))
        if side == "buy":
            order = SignedOrder(id, BUY, quote_atoms, base_atoms, valid_until, max_fee_bps)
            sells, buys = quote_token, base_token
        else:
            order = SignedOrder(id, SELL, base_atoms, quote_atoms, valid_until, max_fee_bps)
            sells, buys = base_token, quote_token
        message = messages.order_message(
            self._domain, number=self._registered(), sell_token=sells, buy_token=buys, order=order
        )
        return {
            "id": str(id), "sell_total": str(order.sell_total), "buy_total": str(order.buy_total),
            "valid_until": valid_until, "max_fee_bps": max_fee_bps, **_signature(self._key.sign(message)),
        }  # fmt: skip

    def transfer(self, *, asset: str, amount: str, to: int, reference: str) -> Body:
        """POST /api/v1/signed/transfers, to an account by its number in the rollup. Uses up a nonce."""
        token, atoms = self._amount(asset, Fraction(amount))
        nonce = self._next_nonce()
        message = messages.transfer_message(
            self._domain, number=self._registered(), token=token, amount=atoms, nonce=nonce, to=to
        )
        return self._movement(asset, amount, reference, nonce, message) | {"to": to}

    def withdrawal(self, *, asset: str, amount: str, address: str, reference: str) -> Body:
        """POST /api/v1/signed/withdrawals, to an address of the chain. Uses up a nonce."""
        token, atoms = self._amount(asset, Fraction(amount))
        nonce = self._next_nonce()
        message = messages.withdrawal_message(
            self._domain, number=self._registered(), token=token, amount=atoms, nonce=nonce, recipient=int(address, 16)
        )
        return self._movement(asset, amount, reference, nonce, message) | {"address": address}

    def _movement(self, asset: str, amount: str, reference: str, nonce: int, message: int) -> Body:
        return {
            "asset": asset, "amount": amount, "reference": reference, "nonce": str(nonce),
            "signature": _signature(self._key.sign(message)),
        }  # fmt: skip

    def _registered(self) -> int:
        if self._number is None:
            raise ValueError("the account has no number in the rollup yet")
        return self._number

    def _next_nonce(self) -> int:
        if self._nonce is None:
            raise ValueError("the account is not in self custody yet")
        self._nonce += 1
        return self._nonce - 1

    def _amount(self, asset: str, amount: Fraction) -> tuple[int, int]:
        """Token number and atoms. ValueError for less than an atom."""
        token, scale = self._tokens[asset]
        atoms = amount * 10**scale
        if atoms.denominator != 1:
            raise ValueError(f"{asset} has {scale} decimals")
        return token, atoms.numerator


def _signature(signature: Signature) -> Body:
    return {"r_x": str(signature.r.x), "r_y": str(signature.r.y), "s": str(signature.s)}
