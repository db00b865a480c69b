"""Commands the engine takes: one constructor each, and a shape check for what comes from outside.

A command is a flat list: kind, deadline, then the fields of docs/protocol.md section 2, in that order.
Flat lists, not objects, because they are journaled and replayed by the million.
All numbers are integers; times are microseconds since the epoch; 0 as deadline means none.
"""

from collections.abc import Sequence
from typing import Any, Final

Command = Sequence[Any]

BUY: Final = 0
SELL: Final = 1
SIDES: Final = ("buy", "sell")

LIMIT: Final = 0
MARKET: Final = 1
TYPES: Final = ("limit", "market")

GTC: Final = 0
IOC: Final = 1
FOK: Final = 2
GTD: Final = 3
TIFS: Final = ("gtc", "ioc", "fok", "gtd")

STP_NONE: Final = 0
STP_NEWEST: Final = 1
STP_OLDEST: Final = 2
STP_BOTH: Final = 3
STP_DECREMENT: Final = 4
STPS: Final = ("none", "cancel_newest", "cancel_oldest", "cancel_both", "decrement")

STOP: Final = 0
TAKE_PROFIT: Final = 1
TRIGGERS: Final = ("stop", "take_profit")
MIN_TRAIL_PPM: Final = 100
MAX_TRAIL_PPM: Final = 500_000
MAX_PARTS: Final = 10  # of an iceberg: its size is at most so many times what it shows

# Which orders a `cancel` ends: any, only one of which nothing is filled yet, only one that is partly filled.
ANY: Final = 0
UNFILLED: Final = 1
PARTLY_FILLED: Final = 2

# Who signs for an account: its user, or the exchange, which keeps the key.
SELF_CUSTODY: Final = 0
CUSTODIAL: Final = 1

OCO: Final = 0
OTO: Final = 1
OTOCO: Final = 2
LIST_KINDS: Final = ("oco", "oto", "otoco")

STATES: Final = ("open", "post_only", "cancel_only", "halted")

# Field names after kind and deadline, in order.
PLACE_FIELDS: Final = (
    "account", "market", "side", "type", "tif", "price", "stop", "size",
    "quote", "post_only", "stp", "expires", "trigger", "trail", "display", "client_id", "fingerprint",
)  # fmt: skip
# A leg of a list says what an order says of itself, from its side to its client id.
LEG_FIELDS: Final = PLACE_FIELDS[2:-1]
HOLD_FIELDS: Final = ("withdrawal", "account", "asset", "amount", "recipient")
TRANSFER_FIELDS: Final = ("transfer", "from", "to", "asset", "amount")
AMEND_FIELDS: Final = ("account", "order", "client_id", "price", "size", "keep")
# The key that a signature was verified with; what a user signs of an order, beside what the order itself says, and of
# what has a nonce.
KEY_FIELDS: Final = ("x", "y")
ORDER_SIGNATURE_FIELDS: Final = (
    *KEY_FIELDS, "leaves", "id", "sell_total", "buy_total", "valid_until", "max_fee_bps", "r_x", "r_y", "s",
)  # fmt: skip
SIGNATURE_FIELDS: Final = (*KEY_FIELDS, "nonce", "r_x", "r_y", "s")
FIELDS: Final[dict[str, tuple[str, ...]]] = {
    "asset": ("asset", "code", "scale"),
    "market": (
        "market", "symbol", "base", "quote", "lot_atoms", "unit", "min_lots", "max_lots", "min_notional",
        "band_ppm", "breaker_ppm", "breaker_window_us", "halt_us", "reopen_us", "max_orders",
        "reference_price", "fees",
    ),
    "state": ("market", "state"),
    "tier": ("account", "tier"),
    "deposit": ("source", "index", "account", "asset", "amount"),
    "hold": HOLD_FIELDS,
    "release": ("withdrawal",),
    "complete": ("withdrawal",),
    "transfer": TRANSFER_FIELDS,
    "place": PLACE_FIELDS,
    "cancel": ("account", "order", "client_id", "only"),
    "cancel_all": ("account", "market", "side"),
    "amend": AMEND_FIELDS,
    "replace": ("target_order", "target_client_id", *PLACE_FIELDS),
    "list": ("account", "market", "list_kind", "legs", "client_id", "fingerprint"),
    "deadman": ("account", "timeout_us"),
    "key": ("source", "index", "account", "l2", "custody", "x", "y"),
    "exit": ("source", "index", "account", "asset"),
    "signed_place": (*ORDER_SIGNATURE_FIELDS, *PLACE_FIELDS),
    "signed_amend": (*ORDER_SIGNATURE_FIELDS, *AMEND_FIELDS),
    "signed_transfer": (*SIGNATURE_FIELDS, *TRANSFER_FIELDS),
    "signed_withdraw": (*SIGNATURE_FIELDS, *HOLD_FIELDS),
    "tick": (),
    "engine": ("version",),
}  # fmt: skip
TEXT_FIELDS: Final = frozenset({"code", "symbol", "state", "client_id", "target_client_id"})
# The types of a whole command, by kind, of those without a table among their fields.
_TYPES: Final = {
    kind: (str, int, *(str if name in TEXT_FIELDS else int for name in names))
    for kind, names in FIELDS.items()
    if not {"fees", "legs"} & set(names)
}


class MalformedCommand(ValueError):
    """A command of unknown kind, of the wrong length, or with a field of the wrong type."""


def check_shape(command: Any) -> None:
    """Refuse what is not a command at all. Values are the engine's to judge.

    Raises MalformedCommand. bool is not an int here: JSON's true must not become 1.
    """
    if not isinstance(command, (list, tuple)) or len(command) < 2 or not isinstance(command[0], str):
        raise MalformedCommand("a command is an array of kind, deadline, fields")
    if tuple(map(type, command)) == _TYPES.get(command[0]):
        return
    names = FIELDS.get(command[0])
    if names is None:
        raise MalformedCommand(f"unknown command {command[0][:40]!r}")
    if len(command) != len(names) + 2:
        raise MalformedCommand(f"{command[0]} takes {len(names)} fields")
    if type(command[1]) is not int:
        raise MalformedCommand("deadline is not an integer")
    for name, value in zip(names, command[2:], strict=True):
        if name in TEXT_FIELDS:
            if type(value) is not str:
                raise MalformedCommand(f"{name} is not text")
        elif name == "fees":
            if not isinstance(value, (list, tuple)) or any(
                not isinstance(row, (list, tuple)) or len(row) != 2 or any(type(ppm) is not int for ppm in row)
                for row in value
            ):
                raise MalformedCommand("fees is not a table of [maker_ppm, taker_ppm]")
        elif name == "legs":
            _check_legs(value)
        elif type(value) is not int:
            raise MalformedCommand(f"{name} is not an integer")


def _check_legs(legs: Any) -> None:
    if not isinstance(legs, (list, tuple)):
        raise MalformedCommand("legs is not a table of orders")
    for leg in legs:
        if not isinstance(leg, (list, tuple)) or len(leg) != len(LEG_FIELDS):
            raise MalformedCommand(f"a leg takes {len(LEG_FIELDS)} fields")
        for name, value in zip(LEG_FIELDS, leg, strict=True):
            if type(value) is not (str if name in TEXT_FIELDS else int):
                raise MalformedCommand(f"{name} of a leg is of another type")


def asset(*, asset: int, code: str, scale: int, deadline_us: int = 0) -> list[Any]:
    """Declare an asset of `scale` decimals (0 … 30)."""
    return ["asset", deadline_us, asset, code, scale]


def market(
    *, market: int, symbol: str, base: int, quote: int, lot_atoms: int, unit: int, min_lots: int, max_lots: int,
    min_notional: int, band_ppm: int, breaker_ppm: int, breaker_window_us: int, halt_us: int, reopen_us: int,
    max_orders: int, reference_price: int, fees: Sequence[Sequence[int]], deadline_us: int = 0,
) -> list[Any]:  # fmt: skip
    """Create a market or change its rules; sizes in lots, price in ticks, min_notional in quote atoms."""
    return [
        "market", deadline_us, market, symbol, base, quote, lot_atoms, unit, min_lots, max_lots, min_notional,
        band_ppm, breaker_ppm, breaker_window_us, halt_us, reopen_us, max_orders, reference_price,
        [list(row) for row in fees],
    ]  # fmt: skip


def state(*, market: int, state: str, deadline_us: int = 0) -> list[Any]:
    """Set a market's state, one of STATES."""
    return ["state", deadline_us, market, state]


def tier(*, account: int, tier: int, deadline_us: int = 0) -> list[Any]:
    """Put an account into a fee tier (0 is the highest fee)."""
    return ["tier", deadline_us, account, tier]


def deposit(*, source: int, index: int, account: int, asset: int, amount: int, deadline_us: int = 0) -> list[Any]:
    """Credit `amount` atoms. `index` counts 1, 2, 3… within `source`; only last + 1 is taken."""
    return ["deposit", deadline_us, source, index, account, asset, amount]


def hold(
    *, withdrawal: int, account: int, asset: int, amount: int, recipient: int = 0, deadline_us: int = 0
) -> list[Any]:
    """Set `amount` atoms aside for a withdrawal; `withdrawal` is its row id and is taken once.

    `recipient`: the address on the chain, as a number (0: paid out by hand).
    """
    return ["hold", deadline_us, withdrawal, account, asset, amount, recipient]


def release(*, withdrawal: int, deadline_us: int = 0) -> list[Any]:
    """Give a held withdrawal back to its account."""
    return ["release", deadline_us, withdrawal]


def complete(*, withdrawal: int, deadline_us: int = 0) -> list[Any]:
    """A held withdrawal has left the exchange."""
    return ["complete", deadline_us, withdrawal]


def transfer(
    *, transfer: int, source: int, to: int, asset: int, amount: int, deadline_us: int = 0
) -> list[Any]:  # fmt: skip
    """Move `amount` atoms between accounts; `transfer` is its row id and is taken once."""
    return ["transfer", deadline_us, transfer, source, to, asset, amount]


def place(
    *, account: int, market: int, side: int, type: int = LIMIT, tif: int = GTC, price: int = 0, stop: int = 0,
    size: int = 0, quote: int = 0, post_only: int = 0, stp: int = STP_NONE, expires_us: int = 0,
    trigger: int = STOP, trail: int = 0, display: int = 0, client_id: str = "", fingerprint: int = 0,
    deadline_us: int = 0,
) -> list[Any]:  # fmt: skip
    """A new order: price and stop in ticks, size and display in lots, quote in quote atoms (market orders by amount).

    A `stop` or a `trail` (in ppm, MIN_TRAIL_PPM to MAX_TRAIL_PPM) makes it conditional, `display` an iceberg.
    """
    return [
        "place", deadline_us, account, market, side, type, tif, price, stop, size, quote, post_only, stp,
        expires_us, trigger, trail, display, client_id, fingerprint,
    ]  # fmt: skip


def leg(**order: Any) -> list[Any]:
    """An order of a list; `order` as for `place`, without account, market, fingerprint and deadline."""
    return place(account=0, market=0, **order)[4:-1]


def order_list(
    *, account: int, market: int, kind: int, legs: Sequence[Sequence[Any]], client_id: str = "", fingerprint: int = 0,
    deadline_us: int = 0,
) -> list[Any]:  # fmt: skip
    """Orders that depend on each other, see LIST_KINDS; `legs` made by `leg`, the working one of an OTO first."""
    return ["list", deadline_us, account, market, kind, [list(leg) for leg in legs], client_id, fingerprint]


def cancel(
    *, account: int, order: int = 0, client_id: str = "", only: int = ANY, deadline_us: int = 0
) -> list[Any]:  # fmt: skip
    """Cancel one order, named by id if above 0, else by client id; `only` if it is UNFILLED or PARTLY_FILLED."""
    return ["cancel", deadline_us, account, order, client_id, only]


def cancel_all(*, account: int, market: int = 0, side: int = -1, deadline_us: int = 0) -> list[Any]:
    """Cancel an account's orders in one market (0: in all), of one side (-1: of both)."""
    return ["cancel_all", deadline_us, account, market, side]


def amend(
    *, account: int, order: int = 0, client_id: str = "", price: int = 0, size: int = 0, keep: int = 0,
    deadline_us: int = 0,
) -> list[Any]:  # fmt: skip
    """Change price (ticks) and total size (lots, filled part included) of a resting order; 0 keeps.

    `keep` 1: not at all if the order would lose its place in the queue.
    """
    return ["amend", deadline_us, account, order, client_id, price, size, keep]


def replace(*, target_order: int = 0, target_client_id: str = "", deadline_us: int = 0, **order: Any) -> list[Any]:
    """Cancel one order and place another, both or neither; `order` as for `place`."""
    return ["replace", deadline_us, target_order, target_client_id, *place(**order)[2:]]


def deadman(*, account: int, timeout_us: int, deadline_us: int = 0) -> list[Any]:
    """Cancel all of the account's orders unless called again within `timeout_us` (0: switch off)."""
    return ["deadman", deadline_us, account, timeout_us]


def key(
    *, source: int, index: int, account: int, l2: int, custody: int, x: int, y: int, deadline_us: int = 0
) -> list[Any]:  # fmt: skip
    """An account has a key on the chain, where it is number `l2`; `source` and `index` as for `deposit`.

    `custody`: CUSTODIAL or SELF_CUSTODY. `x`, `y`: the key, a point of BabyJubjub.
    """
    return ["key", deadline_us, source, index, account, l2, custody, x, y]


def exit_all(*, source: int, index: int, account: int, asset: int, deadline_us: int = 0) -> list[Any]:
    """An account takes out all that it has of an asset, forced on the chain; `source` and `index` as for `deposit`."""
    return ["exit", deadline_us, source, index, account, asset]


def order_signature(
    *, key: tuple[int, int], leaves: int, id: int, sell_total: int, buy_total: int, valid_until: int, max_fee_bps: int,
    r_x: int, r_y: int, s: int,
) -> list[Any]:  # fmt: skip
    """What a user signed of an order, and the signature (a point R and a number s, of EdDSA on BabyJubjub).

    `key`: that which the signature was verified with. `leaves`: order leaves of an account's tree. `id`: the order's
    there, 1 … 2^64 - 1. Totals in atoms, `valid_until` in seconds since the epoch, `max_fee_bps` in hundredths of a
    percent.
    """
    return [*key, leaves, id, sell_total, buy_total, valid_until, max_fee_bps, r_x, r_y, s]


def signed_place(*, signature: Sequence[int], deadline_us: int = 0, **order: Any) -> list[Any]:
    """A new order of an account in self custody; `signature` made by `order_signature`, `order` as for `place`."""
    return ["signed_place", deadline_us, *signature, *place(**order)[2:]]


def signed_amend(*, signature: Sequence[int], deadline_us: int = 0, **change: Any) -> list[Any]:
    """Change such an order; `signature` is that of the order as it will be, `change` as for `amend`."""
    return ["signed_amend", deadline_us, *signature, *amend(**change)[2:]]


def signed_transfer(
    *, key: tuple[int, int], nonce: int, r_x: int, r_y: int, s: int, deadline_us: int = 0, **move: Any
) -> list[Any]:  # fmt: skip
    """A transfer out of an account in self custody, whose `nonce` it uses up; `move` as for `transfer`.

    `key`: that which the signature was verified with.
    """
    return ["signed_transfer", deadline_us, *key, nonce, r_x, r_y, s, *transfer(**move)[2:]]


def signed_withdraw(
    *, key: tuple[int, int], nonce: int, r_x: int, r_y: int, s: int, deadline_us: int = 0, **move: Any
) -> list[Any]:  # fmt: skip
    """A withdrawal from an account in self custody, held and completed at once; `move` as for `hold`.

    `key`: that which the signature was verified with.
    """
    return ["signed_withdraw", deadline_us, *key, nonce, r_x, r_y, s, *hold(**move)[2:]]


def tick() -> list[Any]:
    """Let what is due happen."""
    return ["tick", 0]


def engine(*, version: int) -> list[Any]:
    """The journal goes on under this version of the rules."""
    return ["engine", 0, version]
