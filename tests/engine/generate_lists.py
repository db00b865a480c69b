"""Random order lists: pairs around the market, entries with what follows them, and all of that slightly wrong."""

from typing import Any

from matching.engine import commands as c
from tests.engine.generate_orders import EXTREMES, OrderDecisions
from tests.engine.reference_state import Market

Leg = dict[str, Any]


class ListDecisions(OrderDecisions):
    """Lists that suit the state of the engine."""

    def order_list(self) -> list[Any]:
        market_id = self.busy_market_id()
        market = self.engine.markets.get(market_id) or self.engine.markets[1]
        side = self.choice.one_of((c.BUY, c.SELL))
        kind = self.choice.one_of((c.OCO, c.OTO, c.OTOCO, c.OCO, c.OTO))
        legs = [] if kind == c.OCO else [self.working(market, side)]
        if kind == c.OTO:
            other = side if self.chance(15) else 1 - side
            legs.append({"side": other} | self.content(market, other))
        else:
            legs += self.pair(market, side if kind == c.OCO else 1 - side, pends=kind == c.OTOCO)
        if self.chance(6):
            self.spoil_legs(legs)
        common = {"account": self.account(), "market": market_id, "kind": kind, "fingerprint": 0}
        makers = self.engine.book(market, 1 - legs[0]["side"]) if legs else []
        if makers and self.chance(10):
            common["account"] = makers[0].account
        for leg in legs:
            name = self.client_id()
            leg["client_id"] = name.pop("client_id", "")
            common |= name
        if self.chance(3):
            legs = legs[1:] if self.chance(50) else [*legs, *legs[:1]]
        return c.order_list(**common, legs=[c.leg(**leg) for leg in legs], client_id=self.choice.one_of(("", "list")))

    def working(self, market: Market, side: int) -> Leg:
        """An entry that is filled soon: near the last price, small."""
        tif = self.choice.one_of((c.GTC, c.GTC, c.GTC, c.GTD, c.IOC, c.FOK))
        leg = {"side": side, "price": self.price(market, side), "size": self.choice.one_of((1, 2, 3, 2, 5)), "tif": tif}
        if tif in (c.GTC, c.GTD):
            leg["post_only"] = int(self.chance(40))
            leg["display"] = self.display() if self.chance(20) else 0
        if tif == c.GTD:
            leg["expires_us"] = self.expires_us()
        return leg | {"stp": self.choice.one_of((0, 1, 2, 3, 4))}

    def pair(self, market: Market, side: int, *, pends: bool) -> list[Leg]:
        """Two legs of an OCO, one above the market and one below, in any order."""
        size = self.choice.one_of((1, 2, 3, 5, 8))
        legs = [self.leg_of_pair(market, side, above=above, size=size, pends=pends) for above in (True, False)]
        if all(leg.get("post_only") for leg in legs):
            legs[0] = self.conditional_leg(market, side, above=True, size=size)
        return legs[::-1] if self.chance(50) else legs

    def leg_of_pair(self, market: Market, side: int, *, above: bool, size: int, pends: bool) -> Leg:
        """A plain leg where one may stand, else a conditional one."""
        if above != (side == c.SELL) or self.chance(25):
            return self.conditional_leg(market, side, above=above, size=size)
        away = self.choice.one_of((1, 2, 3, 1, 5))
        leg = {"side": side, "price": max(1, market.last + (away if above else -away)), "size": size, "post_only": 1}
        if self.chance(30):
            leg["display"] = self.display()
        if not pends and self.chance(20):
            leg |= {"tif": c.GTD, "expires_us": self.expires_us()}
        return leg | {"stp": self.choice.one_of((0, 1, 2, 3, 4))}

    def conditional_leg(self, market: Market, side: int, *, above: bool, size: int) -> Leg:
        leg = self.conditional(market, side, size)
        leg |= {
            "side": side,
            "size": size,
            "quote": 0,
            "trigger": c.STOP if above == (side == c.BUY) else c.TAKE_PROFIT,
        }
        if leg["stop"]:
            away = self.choice.one_of((1, 2, 3, 1, 5))
            leg["stop"] = max(1, market.last + (away if above else -away))
            if leg.get("price"):
                leg["price"] = max(1, leg["stop"] + self.choice.integer(-3, 3))
        if leg["tif"] == c.GTD:
            leg["tif"] = c.GTC
        return leg | {"stp": self.choice.one_of((0, 1, 2, 3, 4))}

    def spoil_legs(self, legs: list[Leg]) -> None:
        """One field of one leg becomes another."""
        leg = self.choice.one_of(legs)
        name = self.choice.one_of(
            ("side", "size", "price", "stop", "trigger", "trail", "display", "tif", "type", "post_only", "quote")
        )
        leg[name] = self.choice.one_of((0, 1, 2, 3, 7)) if self.chance(70) else self.choice.one_of(EXTREMES)
        if leg.get("tif") == c.GTD and self.chance(50):
            leg["expires_us"] = self.expires_us()
