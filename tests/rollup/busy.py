"""A busy market: few accounts with little money, in self custody and not, whose orders meet all the time.

Random journals of the engine's tests try everything; here nearly everything trades, is amended, and lives on what the
trade before brought in. Commands that the engine refuses are part of it.
"""

import random

from matching.engine import commands as c
from rollup.state.parameters import TINY
from rollup.state.slots import message
from tests.engine.generate import SECOND_US, START_US, market_rules
from tests.rollup.journals import DOMAIN, REGISTRY, Run, key_command, order_slot, own_key

CUSTODIAL, OWN = (1, 2), (3, 4, 5)
ASSETS = ((1, "BTC", 8), (2, "USDT", 6), (3, "ETH", 18))
# Market by id: base, quote, and as in market_rules atoms of a lot and of a tick of a lot.
MARKETS = {1: (1, 2, 1000, 7), 3: (3, 1, 5, 10**6)}
PRICES = {1: 1000, 3: 60}


class BusyMarket:
    """Plays commands into a run; blocks close by themselves, and at random."""

    def __init__(self, seed: int, *, slots: int = TINY.slots, close_percent: int = 1) -> None:
        self.run = Run(TINY._replace(slots=slots), seed=seed, close_percent=close_percent)
        self.random = random.Random(seed)
        self.time_us = START_US
        self.entries = self.movements = 0
        self.ids = dict.fromkeys(OWN, 0)
        # Of signed orders: account, market, side, price, size, the id that was signed.
        self.signed: dict[int, tuple[int, int, int, int, int, int]] = {}
        self._open()

    def _open(self) -> None:
        apply = self.apply
        for asset, code, scale in ASSETS:
            apply(c.asset(asset=asset, code=code, scale=scale))
        for market in MARKETS:
            apply(market_rules(market, breaker_ppm=0, band_ppm=500_000, fees=[[1000, 2000]], min_notional=0))
        for account in (0, *CUSTODIAL, *OWN):
            apply(key_command(index=self.next_entry(), account=account, custody=int(account not in OWN)))
        for account in (*CUSTODIAL, *OWN):
            for asset, amount in ((1, 60_000_000), (2, 300_000), (3, 400)):
                self.deposit(account, asset, amount)

    def next_entry(self) -> int:
        self.entries += 1
        return self.entries

    def apply(self, command: list[object]) -> list[list[object]]:
        self.time_us += self.random.randrange(3)
        return self.run.apply(command, self.time_us)

    def play(self, commands: int) -> Run:
        for _ in range(commands):
            roll = self.random.randrange(100)
            if roll < 60:
                self.place()
            elif roll < 85:
                self.amend()
            elif roll < 92:
                self.transfer()
            elif roll < 96:
                self.deposit(self.random.choice((*CUSTODIAL, *OWN)), self.random.randrange(1, 4), 50)
            else:
                account = self.random.choice((*CUSTODIAL, *OWN))
                self.apply(c.cancel_all(account=account, market=0, side=-1))
        self.run.manager.close()
        return self.run

    def place(self) -> None:
        account = self.random.choice((*CUSTODIAL, *OWN))
        market, side = self.random.choice((1, 1, 3)), self.random.randrange(2)
        price = PRICES[market] + self.random.randrange(-3, 4)
        size = self.random.choice((1, 5, 20, 40))
        if account in CUSTODIAL:
            self.apply(c.place(account=account, market=market, side=side, price=price, size=size))
            return
        self.ids[account] += self.random.choice((1, 1, 2))
        id = self.ids[account]
        events = self.apply(c.signed_place(
            signature=self.signature(account, market, side, price, size, id), account=account, market=market,
            side=side, price=price, size=size, tif=c.GTD, expires_us=self.time_us + 100 * SECOND_US,
        ))  # fmt: skip
        for event in events:
            if event[0] == "signed":
                self.signed[event[1]] = (account, market, side, price, size, id)

    def amend(self) -> None:
        still_open = [order for order in self.signed if order in self.run.engine.open_orders(self.signed[order][0])]
        if not still_open:
            return
        order = self.random.choice(still_open)
        account, market, side, price, size, id = self.signed[order]
        price += self.random.choice((0, 1, -1, 2))
        size = max(1, size + self.random.choice((0, 5, -2, 30)))
        events = self.apply(c.signed_amend(
            signature=self.signature(account, market, side, price, size, id), account=account, order=order,
            price=price, size=size,
        ))  # fmt: skip
        if events[0][0] == "signed":
            self.signed[order] = (account, market, side, price, size, id)

    def signature(self, account: int, market: int, side: int, price: int, size: int, id: int) -> list[int]:
        base, quote, lot_atoms, unit = MARKETS[market]
        base_total, quote_total = size * lot_atoms, price * size * unit
        totals = (quote_total, base_total) if side == c.BUY else (base_total, quote_total)
        signed = {
            "leaves": TINY.orders, "id": id, "sell_total": totals[0], "buy_total": totals[1],
            "valid_until": self.time_us // SECOND_US + 200, "max_fee_bps": 20,
        }  # fmt: skip
        key = own_key(account)
        (r_x, r_y), s = key.sign(message(DOMAIN, order_slot(account, base, quote, side, signed)))
        return c.order_signature(key=tuple(key.public), r_x=r_x, r_y=r_y, s=s, **signed)

    def transfer(self) -> None:
        self.movements += 1
        giver = self.random.choice((0, *CUSTODIAL))
        to = self.random.choice(OWN)
        asset = self.random.randrange(1, 4)
        amount = self.run.engine.balance(giver, asset)[0] // 3
        if amount:
            self.apply(c.transfer(transfer=self.movements, source=giver, to=to, asset=asset, amount=amount))

    def deposit(self, account: int, asset: int, amount: int) -> None:
        self.apply(c.deposit(source=REGISTRY, index=self.next_entry(), account=account, asset=asset, amount=amount))
