"""Coins, deposits and withdrawals under /sapi/v1/capital.

There are two networks. PROVEX is this exchange: an address is "PVX" and an account number, and what is sent to one is
there at once, as an internal transfer. EXTERNAL is everything else: what is sent there is held, with its address,
until an operator or a later chain carries it out; nothing can be deposited through it yet.
"""

import re
from typing import Any, Final

from accounts import selectors as accounts
from accounts.binance import params
from accounts.binance.amounts import amount_text
from accounts.binance.endpoint import Call, Endpoint
from accounts.binance.errors import Refusal
from accounts.problems import Problem
from accounts.services import READ, WITHDRAW
from matching import journal
from matching.money import InvalidAmount, parse_decimal
from wallets import selectors, services
from wallets.binance import movements
from wallets.binance.movements import account_address
from wallets.models import Asset

INTERNAL: Final = "PROVEX"
EXTERNAL: Final = "EXTERNAL"
NETWORKS: Final = (INTERNAL, EXTERNAL)
ACCOUNT_ADDRESS: Final = re.compile(r"PVX([1-9][0-9]{0,15})", re.ASCII)
ADDRESS_LENGTH_MAX: Final = 256
TAG_LENGTH_MAX: Final = 128
LIMIT_MAX: Final = 1_000


def coins(call: Call) -> list[dict[str, Any]]:
    """GET capital/config/getall."""
    selectors.wait_for_sequence(journal.head())
    rows = {row.asset_id: row for row in selectors.balances(call.caller.account_id)}
    shown = []
    for asset in selectors.list_assets():
        row = rows.get(asset.id)
        free, locked = (int(row.available), int(row.held)) if row else (0, 0)
        shown.append(coin_json(asset, free, locked))
    return shown


def coin_json(asset: Asset, free: int, locked: int) -> dict[str, Any]:
    """A coin, what an account has of it, and how it moves."""
    return {
        "coin": asset.code,
        "name": asset.code,
        "depositAllEnable": True,
        "withdrawAllEnable": True,
        "trading": True,
        "isLegalMoney": False,
        "free": amount_text(free, asset.scale),
        "locked": amount_text(locked, asset.scale),
        "freeze": "0",
        "withdrawing": "0",
        "ipoing": "0",
        "ipoable": "0",
        "storage": "0",
        "networkList": [_network_json(asset, network) for network in NETWORKS],
    }


def _network_json(asset: Asset, network: str) -> dict[str, Any]:
    is_internal = network == INTERNAL
    least = amount_text(1, asset.scale)
    return {
        "network": network,
        "coin": asset.code,
        "name": "Account of this exchange" if is_internal else "Carried out by an operator",
        "isDefault": is_internal,
        "depositEnable": is_internal,
        "withdrawEnable": True,
        "depositDesc": "",
        "withdrawDesc": "",
        "specialTips": "",
        "resetAddressStatus": False,
        "addressRegex": "^PVX[1-9][0-9]{0,15}$" if is_internal else "^[!-~]{1,256}$",
        "memoRegex": "",
        "withdrawFee": "0",
        "withdrawMin": least,
        "withdrawMax": amount_text(10**30 - 1, asset.scale),
        "withdrawIntegerMultiple": least,
        "depositDust": least,
        "minConfirm": 1,
        "unLockConfirm": 1,
        "sameAddress": False,
        "estimatedArrivalTime": 0 if is_internal else 1_440,
        "busy": False,
        "contractAddressUrl": "",
        "contractAddress": "",
    }


def deposit_address(call: Call) -> dict[str, Any]:
    """GET capital/deposit/address. Raises Refusal -1130 for the network that takes none."""
    asset = find_asset(call.values["coin"])
    if call.get("network", INTERNAL) != INTERNAL:
        raise params.invalid("network")
    return {"coin": asset.code, "address": account_address(call.caller.account_id), "tag": "", "url": ""}


def find_asset(code: str) -> Asset:
    """A coin. Raises Refusal -1130."""
    try:
        return selectors.get_asset(code=code)
    except Problem:
        raise params.invalid("coin") from None


def withdraw(call: Call) -> dict[str, Any]:
    """POST capital/withdraw/apply: a transfer to another account, or a withdrawal to an address outside."""
    values = call.values
    asset, address = find_asset(values["coin"]), values["address"]
    atoms = _atoms(values["amount"], asset)
    receiver = _account_of(address)
    network = values.get("network") or (INTERNAL if receiver else EXTERNAL)
    reference = values.get("withdrawOrderId")
    account_id = call.caller.account_id
    if network == EXTERNAL:
        held = services.hold_withdrawal(
            account_id=account_id, asset_code=asset.code, amount_atoms=atoms, reference=reference, network=network,
            address=address, address_tag=values.get("addressTag", ""),
        )  # fmt: skip
        return {"id": movements.withdrawal_id(held)}
    # The matcher would credit any number; money for nobody could not come back.
    if not receiver:
        raise params.invalid("address")
    done = services.transfer(
        from_account_id=account_id, to_account_id=receiver, asset_code=asset.code, amount_atoms=atoms,
        reference=reference,
    )  # fmt: skip
    return {"id": movements.transfer_id(done)}


def _atoms(amount: str, asset: Asset) -> int:
    """Raises Refusal -1111, Problem invalid_amount."""
    try:
        atoms = parse_decimal(amount, asset.scale)
    except InvalidAmount:
        raise Refusal(-1111, "Parameter 'amount' has too much precision.") from None
    if atoms < 1:
        raise Problem("invalid_amount")
    return atoms


def _account_of(address: str) -> int:
    """The account that an address names; 0 if it names none."""
    found = ACCOUNT_ADDRESS.fullmatch(address)
    return int(found[1]) if found and accounts.account_exists(account_id=int(found[1])) else 0


def deposits(call: Call) -> list[dict[str, Any]]:
    """GET capital/deposit/hisrec."""
    return _page(call, movements.incoming(call.caller.account_id, _span(call)))


def withdrawals(call: Call) -> list[dict[str, Any]]:
    """GET capital/withdraw/history."""
    shown = movements.outgoing(call.caller.account_id, _span(call))
    if (reference := call.get("withdrawOrderId")) is not None:
        shown = [item for item in shown if item["withdrawOrderId"] == reference]
    return _page(call, shown)


def _page(call: Call, shown: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Those of the coin and status asked for, newest first."""
    for name, member in (("coin", "coin"), ("status", "status")):
        if (wanted := call.get(name)) is not None:
            shown = [item for item in shown if item[member] == wanted]
    offset = call.get("offset", 0)
    return shown[offset : offset + call.get("limit", LIMIT_MAX)]


def _span(call: Call) -> movements.Span:
    start, end = call.get("startTime"), call.get("endTime")
    if start is not None and end is not None and start > end:
        raise Refusal(-1128, "Combination of optional parameters invalid.")
    try:
        return movements.Span(movements.time_of(start), movements.time_of(None if end is None else end + 1))
    except OverflowError:
        raise params.invalid("startTime" if end is None else "endTime") from None


def _address(name: str, given: str) -> str:
    if len(given) > ADDRESS_LENGTH_MAX or not (given.isascii() and given.isprintable() and " " not in given):
        raise params.illegal(name, "^[!-~]{1,256}$")
    return given


def _tag(name: str, given: str) -> str:
    if len(given) > TAG_LENGTH_MAX:
        raise params.invalid(name)
    return params.text(name, given)


_REFERENCE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)


def _reference(name: str, given: str) -> str:
    if not _REFERENCE.fullmatch(given):
        raise params.illegal(name, "^[A-Za-z0-9_.:-]{1,64}$")
    return given


_NETWORK: Final = params.one_of({name: name for name in NETWORKS})
_HISTORY: Final[params.Fields] = {
    "coin": params.symbol, "status": params.integer(0, 9), "startTime": params.milliseconds,
    "endTime": params.milliseconds, "offset": params.integer(0, 10_000), "limit": params.up_to(LIMIT_MAX),
}  # fmt: skip
COINS: Final = Endpoint(coins, weight=10, access=READ)
ADDRESS: Final = Endpoint(
    deposit_address, {"coin": params.symbol, "network": _NETWORK, "amount": params.decimal}, ("coin",), weight=10,
    access=READ,
)  # fmt: skip
WITHDRAW_APPLY: Final = Endpoint(
    withdraw,
    {
        "coin": params.symbol, "address": _address, "amount": params.decimal, "network": _NETWORK,
        "addressTag": _tag, "withdrawOrderId": _reference, "name": params.text,
        "transactionFeeFlag": params.flag, "walletType": params.integer(0, 1),
    },
    ("coin", "address", "amount"), weight=1, access=WITHDRAW, action="withdraw", writes=True,
)  # fmt: skip
DEPOSITS: Final = Endpoint(
    deposits, {**_HISTORY, "includeSource": params.flag, "txId": params.text}, weight=1, access=READ
)
WITHDRAWALS: Final = Endpoint(
    withdrawals, {**_HISTORY, "withdrawOrderId": _reference, "idList": params.text}, weight=1, access=READ
)
