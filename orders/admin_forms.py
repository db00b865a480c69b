"""The form of a market's rules: decimals and percents for people, the engine's integers for the command."""

from typing import Any, Final

from django import forms

from accounts.problems import Problem
from matching.money import PPM, InvalidAmount, format_atoms, parse_decimal
from orders.models import Market
from orders.operators import MarketRules
from orders.scales import PERCENT_SCALE, MarketScale
from wallets import selectors as wallets

SECONDS_SCALE: Final = 6


class DecimalText(forms.CharField):
    """A decimal number as an integer of 10^-scale; `scale` may be set later, before the form is cleaned."""

    def __init__(self, *, scale: int, **options: Any) -> None:
        super().__init__(max_length=60, **options)
        self.scale = scale

    def clean(self, value: Any) -> Any:
        """The integer."""
        text = super().clean(value)
        try:
            number = parse_decimal(text, self.scale)
        except InvalidAmount as error:
            sentence = f"at most {self.scale} decimals" if error.code == "too_precise" else "a plain decimal number"
            raise forms.ValidationError(sentence, code=error.code) from None
        if number < 0:
            raise forms.ValidationError("not below zero", code="invalid_number")
        return number


class RulesForm(forms.Form):
    """What may change of a market."""

    min_size = forms.CharField(max_length=60, label="Smallest order size", help_text="in the base asset")
    max_size = forms.CharField(max_length=60, label="Largest order size", help_text="in the base asset")
    min_notional = DecimalText(scale=0, label="Smallest order value", help_text="in the quote asset")
    band = DecimalText(scale=PERCENT_SCALE, label="Price band", help_text="percent around the last price")
    breaker = DecimalText(
        scale=PERCENT_SCALE, label="Breaker", help_text="percent of movement that halts; 0 turns it off"
    )
    breaker_window = DecimalText(scale=SECONDS_SCALE, label="Breaker window", help_text="seconds; 0 turns it off")
    halt = DecimalText(scale=SECONDS_SCALE, label="Halt", help_text="seconds; 0: until an operator opens it")
    reopen = DecimalText(scale=SECONDS_SCALE, label="Post-only after a halt", help_text="seconds")
    max_orders = forms.IntegerField(min_value=1, max_value=1_000_000, label="Open orders per account, at most")
    fees = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 4, "cols": 24}), label="Fees",
        help_text="one line a tier, tier 0 first: maker percent, taker percent",
    )  # fmt: skip

    def __init__(self, *args: Any, market: Market, **options: Any) -> None:
        super().__init__(*args, **options)
        self.market = market
        self._scale = MarketScale(market)
        quantity: DecimalText = self.fields["min_notional"]  # type: ignore[assignment]
        quantity.scale = market.quote_scale

    def clean_min_size(self) -> int:
        """In lots."""
        return self._lots("min_size")

    def clean_max_size(self) -> int:
        """In lots."""
        return self._lots("max_size")

    def clean_fees(self) -> tuple[tuple[int, int], ...]:
        """By tier, in ppm."""
        rows = []
        for line in self.cleaned_data["fees"].strip().splitlines():
            parts = line.replace(",", " ").split()
            if len(parts) != 2:
                raise forms.ValidationError(f"{line!r} is not two numbers")
            try:
                maker, taker = (parse_decimal(part, PERCENT_SCALE) for part in parts)
            except InvalidAmount:
                raise forms.ValidationError(f"{line!r} is not two percentages of four decimals at most") from None
            rows.append((maker, taker))
        return tuple(rows)

    def rules(self) -> MarketRules:
        """The command's content, once the form is valid."""
        market, data = self.market, self.cleaned_data
        return MarketRules(
            market=market.id, symbol=market.symbol, base=market.base_id, quote=market.quote_id,
            lot_atoms=market.lot_atoms, unit=market.unit, min_lots=data["min_size"], max_lots=data["max_size"],
            min_notional=data["min_notional"], band_ppm=data["band"], breaker_ppm=data["breaker"],
            breaker_window_us=data["breaker_window"], halt_us=data["halt"], reopen_us=data["reopen"],
            max_orders=data["max_orders"], reference_price=market.reference_price, fees=data["fees"],
        )  # fmt: skip

    def _lots(self, name: str) -> int:
        try:
            return self._scale.size_to_lots(self.cleaned_data[name])
        except Problem as problem:
            raise forms.ValidationError(problem.detail, code=problem.code) from None


def initial_of(market: Market) -> dict[str, Any]:
    """The form's values of a market as it is."""
    scale = MarketScale(market)
    return {
        "min_size": scale.lots_to_size(market.min_lots), "max_size": scale.lots_to_size(market.max_lots),
        "min_notional": scale.quote_text(market.min_notional), "band": format_atoms(market.band_ppm, PERCENT_SCALE),
        "breaker": format_atoms(market.breaker_ppm, PERCENT_SCALE),
        "breaker_window": format_atoms(market.breaker_window_us, SECONDS_SCALE),
        "halt": format_atoms(market.halt_us, SECONDS_SCALE), "reopen": format_atoms(market.reopen_us, SECONDS_SCALE),
        "max_orders": market.max_orders,
        "fees": "\n".join(" ".join(format_atoms(ppm, PERCENT_SCALE) for ppm in row) for row in market.fees),
    }  # fmt: skip


class NewMarketForm(forms.Form):
    """What never changes about a market. The rest gets careful values, to be set on the next page."""

    base = forms.ChoiceField(label="Base asset")
    quote = forms.ChoiceField(label="Quote asset")
    tick = forms.CharField(max_length=60, label="Tick", help_text="smallest price step, in the quote asset")
    lot = forms.CharField(max_length=60, label="Lot", help_text="smallest size step, in the base asset")
    reference = forms.CharField(max_length=60, label="Reference price", help_text="the last price to begin with")

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._assets = {str(asset.id): asset for asset in wallets.list_assets()}
        for name in ("base", "quote"):
            choice: forms.ChoiceField = self.fields[name]  # type: ignore[assignment]
            choice.choices = [(key, asset.code) for key, asset in self._assets.items()]

    def clean(self) -> dict[str, Any]:
        """lot_atoms, unit and reference ticks, exact or refused."""
        data = super().clean() or {}
        if self.errors:
            return data
        base, quote = self._assets[data["base"]], self._assets[data["quote"]]
        if base.id == quote.id:
            raise forms.ValidationError("base and quote are the same")
        try:
            data["lot_atoms"] = parse_decimal(data["lot"], base.scale)
            # tick = unit * 10^base_scale / lot_atoms / 10^quote_scale
            wanted = parse_decimal(data["tick"], quote.scale + base.scale) * data["lot_atoms"]
            data["unit"], rest = divmod(wanted, 10 ** (2 * base.scale))
            tick = parse_decimal(data["tick"], quote.scale + base.scale)
            data["ticks"], off = divmod(parse_decimal(data["reference"], quote.scale + base.scale), max(tick, 1))
        except InvalidAmount as error:
            raise forms.ValidationError(f"not a plain decimal number with few enough decimals: {error}") from None
        if rest or data["unit"] < 1 or data["lot_atoms"] < 1:
            raise forms.ValidationError(f"a tick for a lot must be whole atoms of {quote.code}: enlarge tick or lot")
        if off or data["ticks"] < 1:
            raise forms.ValidationError("the reference price is not a multiple of the tick")
        return data

    def rules(self, *, market_id: int, fees: tuple[tuple[int, int], ...]) -> MarketRules:
        """The command's content, once the form is valid."""
        data = self.cleaned_data
        base, quote = self._assets[data["base"]], self._assets[data["quote"]]
        return MarketRules(
            market=market_id, symbol=f"{base.code}-{quote.code}", base=base.id, quote=quote.id,
            lot_atoms=data["lot_atoms"], unit=data["unit"], min_lots=1, max_lots=10**12, min_notional=0,
            band_ppm=200_000, breaker_ppm=100_000, breaker_window_us=60 * PPM, halt_us=0, reopen_us=0,
            max_orders=200, reference_price=data["ticks"], fees=fees,
        )  # fmt: skip
