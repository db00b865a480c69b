"""The reference engine's part of the chain: keys, exits, and what users sign (section 11)."""

from matching.engine.commands import BUY, FOK, GTC, GTD, IOC, LIMIT
from tests.engine.reference_checks import Fields, ReferenceChecks, conditional, refuse
from tests.engine.reference_state import MAX_AMOUNT, Market, Order, Registered

P = 21888242871839275222246405745257275088548364400416034343698204186575808495617
L = 2736030358979909402780800718157159386076813972158567259200215660948447373041


class ReferenceChain(ReferenceChecks):
    """Registered accounts: `registered` by account, `registry` the source of their entries."""

    late = False

    # Entries of the chain's queue

    def check_entry(self, source: int, index: int) -> None:
        last = self.sources.get(source, 0)
        refuse("already_applied", index <= last)
        self.in_time()
        refuse("unknown_source", self.registry not in (None, source))
        refuse("index_gap", index > last + 1)

    def do_key(self, *fields: int) -> None:
        source, index, account, l2, custody, x, y = fields
        self.check_entry(source, index)
        refuse("invalid_account", account < 0)
        refuse("invalid_parameter", index >= 2**32 or not 0 <= l2 < 2**24 or custody not in (0, 1))
        refuse("invalid_parameter", not 0 <= x < P or not 0 <= y < P)
        known = self.registered.get(account)
        others = [other.l2 for number, other in self.registered.items() if number != account]
        refuse("invalid_parameter", l2 in others or (known is not None and known.l2 != l2))
        refuse("invalid_parameter", known is not None and known.custody == 0 and custody == 1)
        refuse("balances_exist", not self.registered and any(self.totals.values()))
        self.sources[source] = index
        self.registry = source
        used = known.used if known else []
        leaves_custody = known is not None and known.custody == 1 and custody == 0
        self.registered[account] = Registered(l2=l2, key=(x, y), custody=custody, nonce=index * 2**32, used=used)
        self.events.append(("key", *fields))
        self.end_whatever_is_open(account)
        if leaves_custody:
            self.release_all(account, list(self.assets))

    def do_exit(self, source: int, index: int, account: int, asset: int) -> None:
        self.check_entry(source, index)
        refuse("invalid_account", account < 0)
        refuse("account_not_registered", account not in self.registered)
        refuse("unknown_asset", asset not in self.assets)
        self.sources[source] = index
        self.end_whatever_is_open(account)
        self.release_all(account, [asset])
        amount = self.available(account, asset)
        self.give(account, asset, -amount)
        self.events.append(("exit", source, index, account, asset, amount))

    def release_all(self, account: int, assets: list[int]) -> None:
        """What is held for withdrawals of these assets is available again."""
        for withdrawal in sorted(self.withdrawals):
            who, what, held, status, recipient = self.withdrawals[withdrawal]
            if who == account and what in assets and status == "held":
                self.withdrawals[withdrawal][3] = "release"
                self.events.append(("release", withdrawal, account, what, held, recipient))

    def end_whatever_is_open(self, account: int) -> None:
        if self.orders_of(account):
            self.end_counted(("cancel_all", account, 0, -1), self.orders_of(account), "canceled")

    # Who signs

    def in_self_custody(self, account: int) -> bool:
        return account in self.registered and self.registered[account].custody == 0

    def check_signer(self, account: int, signature: Fields) -> None:
        refuse("not_self_custody", not self.in_self_custody(account))
        refuse("key_changed", self.registered[account].key != (signature["x"], signature["y"]))

    def check_custody(self, account: int, signature: Fields | None) -> None:
        refuse("signature_required", signature is None and self.in_self_custody(account))
        if signature:
            self.check_signer(account, signature)

    def check_signature(self, signature: Fields | None) -> None:
        """The ranges of what a transfer or a withdrawal carries."""
        if signature:
            refuse("invalid_parameter", not 0 <= signature["nonce"] < 2**64)
            self.check_numbers(signature)

    def check_numbers(self, signature: Fields) -> None:
        refuse("invalid_parameter", not 0 <= signature["r_x"] < P or not 0 <= signature["r_y"] < P)
        refuse("invalid_parameter", not 0 <= signature["s"] < L)

    def check_nonce(self, account: int, signature: Fields | None) -> None:
        refuse("invalid_nonce", signature is not None and signature["nonce"] != self.registered[account].nonce)

    def use_nonce(self, account: int, signature: Fields | None) -> None:
        if signature:
            self.registered[account].nonce += 1
            self.events.append(("signature", *(signature[name] for name in ("nonce", "r_x", "r_y", "s"))))

    # Signed orders

    def check_signature_fields(self, signature: Fields) -> None:
        leaves = signature["leaves"]
        refuse("invalid_parameter", leaves not in [4, 16, 64, 256, 1024, 4096, 16384, 65536])
        refuse("invalid_parameter", self.leaves is not None and leaves != self.leaves)
        for name in ("sell_total", "buy_total"):
            refuse("invalid_parameter", not 1 <= signature[name] <= MAX_AMOUNT)
        refuse("invalid_parameter", not 0 <= signature["valid_until"] < 2**40)
        refuse("invalid_parameter", not 0 <= signature["max_fee_bps"] <= 10_000)
        refuse("invalid_parameter", not 1 <= signature["id"] < 2**64)
        self.check_numbers(signature)

    def check_can_be_signed(self, o: Fields, signature: Fields) -> None:
        refuse("invalid_parameter", o["type"] != LIMIT or o["quote"] != 0 or o["tif"] == GTC)
        refuse("invalid_parameter", o["tif"] == GTD and o["expires"] > signature["valid_until"] * 10**6)
        refuse("invalid_parameter", o["tif"] in (IOC, FOK) and conditional(o))

    def check_totals(self, market: Market, side: int, price: int, size: int, signature: Fields) -> None:
        quote, base = price * size * market.unit, size * market.lot_atoms
        sells, buys = (quote, base) if side == BUY else (base, quote)
        refuse("signature_mismatch", signature["sell_total"] != sells or signature["buy_total"] != buys)

    def check_id_is_free(self, account: int, signature: Fields) -> None:
        leaf, leaves = signature["id"] % signature["leaves"], signature["leaves"]
        there = [id for id in self.registered[account].used if id % leaves == leaf]
        refuse("order_id_used", any(id >= signature["id"] for id in there))
        still_open = [o for o in self.orders_of(account) if o.signed_id and o.signed_id % leaves == leaf]
        refuse("order_id_used", bool(still_open))

    def check_fee_cap(self, market: Market, account: int, signature: Fields) -> None:
        refuse("fee_cap_too_low", self.is_too_dear(market, account, signature["max_fee_bps"]))

    def is_too_dear(self, market: Market, account: int, max_fee_bps: int) -> bool:
        return any(self.fee_ppm(market, account, column) > max_fee_bps * 100 for column in (0, 1))

    def end_too_dear(self, orders: list[Order]) -> None:
        """Fees have changed: signed orders that would be charged more than was signed end."""
        dear = [o for o in orders if o.signed_id and self.is_too_dear(o.market, o.account, o.max_fee_bps)]
        self.end_all(sorted(dear, key=lambda o: o.id), "fee")

    def note_signature(self, order: Order, signature: Fields) -> None:
        order.signed_id, order.max_fee_bps = signature["id"], signature["max_fee_bps"]
        said = [value for name, value in signature.items() if name not in ("x", "y")]
        self.events.append(("signed", order.id, order.account, order.market.id, order.side, *said))

    def in_time(self) -> None:
        refuse("deadline_passed", self.late)
