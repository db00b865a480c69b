"""What users of accounts in self custody send, as JSON: numbers of more than 53 bits are decimal text."""

import re
from dataclasses import dataclass
from typing import Any, Final

from accounts.fields import Readers, Refused, decimal, integer, read_fields, text_of
from accounts.problems import Problem
from matching.money import InvalidAmount, parse_decimal
from orders.requests import AmendRequest, OrderRequest, read_amend, read_order
from rollup.signed import OrderSignature
from rollup.state.babyjubjub import Point
from rollup.state.eddsa import Signature
from rollup.state.messages import NUMBER_BITS
from rollup.state.slots import AMOUNT_BITS, ID_BITS, MAX_BPS, TIME_BITS
from wallets import selectors
from wallets.requests import ASSET, REFERENCE

ELEMENT_BITS: Final = 256
_DIGITS: Final = re.compile(r"0|[1-9][0-9]{0,77}", re.ASCII)


def _whole(bits: int) -> Any:
    """A reader of whole numbers of at most so many bits, as text. Whether it means anything is judged later."""
    sentence = f"a whole number of at most {bits} bits as a string, like '17'"

    def read(value: Any) -> int:
        if type(value) is not str or not _DIGITS.fullmatch(value) or int(value) >> bits:
            raise Refused(sentence)
        return int(value)

    return read


def _anything(value: Any) -> Any:
    """Read by itself afterwards."""
    return value


_SIGNATURE: Final[Readers] = {name: _whole(ELEMENT_BITS) for name in ("r_x", "r_y", "s")}
_ORDER_SIGNATURE: Final[Readers] = {
    "id": _whole(ID_BITS),
    "sell_total": _whole(AMOUNT_BITS),
    "buy_total": _whole(AMOUNT_BITS),
    "valid_until": integer(0, 2**TIME_BITS - 1),
    "max_fee_bps": integer(0, MAX_BPS),
    **_SIGNATURE,
}
_MOVEMENT: Final[Readers] = {
    "asset": text_of(ASSET, "an asset's code, like 'BTC'"),
    "amount": decimal,
    "nonce": _whole(ID_BITS),
    "reference": text_of(REFERENCE, "1 to 64 of letters, digits, '_', '.', ':', '-'"),
    "signature": _anything,
}
_TRANSFER: Final[Readers] = {**_MOVEMENT, "to": integer(1, 2**NUMBER_BITS - 1)}
_ADDRESS: Final = text_of(re.compile(r"[ -~]{1,64}", re.ASCII), "an address, like '0x…'")
_WITHDRAWAL: Final[Readers] = {**_MOVEMENT, "address": _ADDRESS}
_LINK: Final[Readers] = {
    "x": _whole(ELEMENT_BITS),
    "y": _whole(ELEMENT_BITS),
    "owner": _ADDRESS,
    "signature": _anything,
}


@dataclass(frozen=True, slots=True)
class MovementRequest:
    """An amount to move, the nonce it uses up, and its signature. `to` or `address` is set."""

    asset_code: str
    amount_atoms: int
    nonce: int
    reference: str
    signature: Signature
    to: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A key, its owner on the chain, and the key's signature of both."""

    key: Point
    owner: str
    signature: Signature


def read_signed_order(body: dict[str, Any]) -> tuple[OrderRequest, OrderSignature]:
    """A new order, and under `signature` what was signed of it."""
    order = read_order(_without_signature(body))
    return order, _read_order_signature(body)


def read_signed_amend(body: dict[str, Any]) -> tuple[AmendRequest, OrderSignature]:
    """New price, new total size or both, and the signature of the order as it will be."""
    return read_amend(_without_signature(body)), _read_order_signature(body)


def read_transfer(body: dict[str, Any]) -> MovementRequest:
    """A transfer to an account by its number in the rollup."""
    fields = read_fields(body, _TRANSFER, required=tuple(_TRANSFER))
    return MovementRequest(**_movement(fields), to=fields["to"])


def read_withdrawal(body: dict[str, Any]) -> MovementRequest:
    """A withdrawal to an address of the chain."""
    fields = read_fields(body, _WITHDRAWAL, required=tuple(_WITHDRAWAL))
    return MovementRequest(**_movement(fields), address=fields["address"])


def read_link(body: dict[str, Any]) -> LinkRequest:
    """A key that its user will register."""
    fields = read_fields(body, _LINK, required=tuple(_LINK))
    return LinkRequest(Point(fields["x"], fields["y"]), fields["owner"], _read_signature(fields["signature"]))


def _without_signature(body: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in body.items() if name != "signature"}


def _read_order_signature(body: dict[str, Any]) -> OrderSignature:
    fields = _within_signature(body.get("signature"), _ORDER_SIGNATURE)
    signature = _signature(fields)
    return OrderSignature(
        fields["id"], fields["sell_total"], fields["buy_total"], fields["valid_until"], fields["max_fee_bps"], signature
    )  # fmt: skip


def _read_signature(given: Any) -> Signature:
    return _signature(_within_signature(given, _SIGNATURE))


def _within_signature(given: Any, readers: Readers) -> dict[str, Any]:
    try:
        return read_fields(given, readers, required=tuple(readers))
    except Problem as problem:
        errors = {f"signature.{name}": text for name, text in problem.extra.get("errors", {}).items()}
        raise Problem(
            problem.code, f"signature: {problem.detail}", errors=errors or {"signature": "a JSON object"}
        ) from None


def _signature(fields: dict[str, Any]) -> Signature:
    return Signature(Point(fields["r_x"], fields["r_y"]), fields["s"])


def _movement(fields: dict[str, Any]) -> dict[str, Any]:
    asset = selectors.get_asset(code=fields["asset"])
    try:
        atoms = parse_decimal(fields["amount"], asset.scale)
    except InvalidAmount as error:
        raise Problem(error.code) from None
    if not 1 <= atoms < 2**AMOUNT_BITS:
        raise Problem("invalid_amount")
    return {
        "asset_code": asset.code, "amount_atoms": atoms, "nonce": fields["nonce"], "reference": fields["reference"],
        "signature": _read_signature(fields["signature"]),
    }  # fmt: skip
