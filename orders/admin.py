"""Admin of trading: markets are changed by commands, orders, trades and candles are to look at."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import path, reverse

from accounts.admin import operator_of
from accounts.problems import Problem
from matching.engine.commands import SIDES, TIFS, TRIGGERS, TYPES
from matching.gateway import GatewayError
from matching.money import format_atoms
from matching.readonly import BoundedPaginator, ReadOnlyAdmin, time_text
from orders import listing, operators, selectors
from orders.admin_forms import NewMarketForm, RulesForm, initial_of
from orders.models import Candle, Market, Order, Trade
from orders.operators import MarketRules
from orders.scales import PERCENT_SCALE

FEES_OF_A_NEW_MARKET = ((1_000, 1_500),)
CANDLES_PER_PAGE = 200


@admin.register(Market)
class MarketAdmin(ReadOnlyAdmin):
    """Markets. Whoever may change them sends commands; the row follows from the journal."""

    list_display = ("symbol", "state", "state_reason", "until", "rules_text", "fees_text", "sequence")
    actions = ["open_markets", "make_post_only", "make_cancel_only", "halt_markets"]
    change_list_template = "admin/orders/market/change_list.html"

    def has_command_permission(self, request: HttpRequest) -> bool:
        """Who may send commands to markets."""
        return request.user.has_perm("orders.change_market")

    @admin.display(description="until (UTC)")
    def until(self, market: Market) -> str:
        """When the state ends by itself."""
        return time_text(market.state_until_us)

    @admin.display(description="tick, lot, smallest value")
    def rules_text(self, market: Market) -> str:
        """In coins."""
        numbers = listing.by_id(market.pk).scale
        return f"{numbers.tick} {market.quote_code}, {numbers.lot} {market.base_code}, " + (
            f"{numbers.quote_text(market.min_notional)} {market.quote_code}"
        )

    @admin.display(description="fees % (maker / taker)")
    def fees_text(self, market: Market) -> str:
        """By tier."""
        rows = ((format_atoms(ppm, PERCENT_SCALE) for ppm in row) for row in market.fees)
        return ", ".join(" / ".join(row) for row in rows)

    def get_urls(self) -> list[Any]:
        """One more page."""
        page = self.admin_site.admin_view(self.candles)
        return [path("candles/", page, name="orders_market_candles"), *super().get_urls()]

    def changelist_view(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> Any:
        """With a link for a new market to who may make one."""
        may_add = self.has_command_permission(request)
        return super().changelist_view(request, {**(extra_context or {}), "may_send": may_add})

    def add_view(
        self, request: HttpRequest, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:  # fmt: skip
        """A new market."""
        form = NewMarketForm(request.POST or None)
        if self._is_posted(request) and form.is_valid():
            number = max((market.pk for market in selectors.list_markets()), default=0) + 1
            rules = form.rules(market_id=number, fees=FEES_OF_A_NEW_MARKET)
            if self._send_rules(request, rules):
                return HttpResponseRedirect(reverse("admin:orders_market_change", args=[number]))
        return self._command_page(request, form, "New market", None)

    def change_view(
        self, request: HttpRequest, object_id: str, form_url: str = "", extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:  # fmt: skip
        """A market's rules and fees."""
        if not self.has_command_permission(request):
            return super().change_view(request, object_id, form_url, extra_context)
        market = get_object_or_404(Market, pk=object_id)
        form = RulesForm(request.POST or None, market=market, initial=initial_of(market))
        if self._is_posted(request) and form.is_valid() and self._send_rules(request, form.rules()):
            return HttpResponseRedirect(request.get_full_path())
        return self._command_page(request, form, f"Rules of {market}", market)

    def _is_posted(self, request: HttpRequest) -> bool:
        if not self.has_command_permission(request):
            raise PermissionDenied
        return request.method == "POST"

    def _send_rules(self, request: HttpRequest, rules: MarketRules) -> bool:
        try:
            result = operators.set_market_rules(rules=rules, by=operator_of(request))
        except (Problem, GatewayError) as error:
            messages.error(request, str(error))
            return False
        messages.success(request, f"{rules.symbol} has these rules, sequence {result.sequence}.")
        return True

    def _command_page(self, request: HttpRequest, form: Any, title: str, market: Market | None) -> HttpResponse:
        context = self.admin_site.each_context(request) | {
            "title": title, "form": form, "opts": self.opts, "original": market,
        }  # fmt: skip
        return TemplateResponse(request, "admin/command_form.html", context)

    @admin.action(description="Open", permissions=["command"])
    def open_markets(self, request: HttpRequest, queryset: QuerySet[Market]) -> None:
        """Everything is taken."""
        self._set_state(request, queryset, "open")

    @admin.action(description="Post-only", permissions=["command"])
    def make_post_only(self, request: HttpRequest, queryset: QuerySet[Market]) -> None:
        """Only orders that rest are taken."""
        self._set_state(request, queryset, "post_only")

    @admin.action(description="Cancel-only", permissions=["command"])
    def make_cancel_only(self, request: HttpRequest, queryset: QuerySet[Market]) -> None:
        """Only cancels and reductions are taken."""
        self._set_state(request, queryset, "cancel_only")

    @admin.action(description="Halt", permissions=["command"])
    def halt_markets(self, request: HttpRequest, queryset: QuerySet[Market]) -> None:
        """Only cancels are taken, until an operator opens the market."""
        self._set_state(request, queryset, "halted")

    def _set_state(self, request: HttpRequest, queryset: QuerySet[Market], state: str) -> None:
        for market in queryset:
            try:
                result = operators.set_market_state(
                    market_id=market.pk, symbol=market.symbol, state=state, by=operator_of(request)
                )
                messages.success(request, f"{market.symbol} is {state}, sequence {result.sequence}.")
            except (Problem, GatewayError) as error:
                messages.error(request, f"{market.symbol}: {error}")

    def candles(self, request: HttpRequest) -> HttpResponse:
        """Candles of a market, newest first: Django's admin cannot list rows with a key of three columns."""
        if not request.user.has_perm("orders.view_candle"):
            raise PermissionDenied
        symbol = request.GET.get("market", "").strip()
        chosen = request.GET.get("interval", "")
        interval = chosen if chosen in selectors.INTERVALS else Candle.Interval.M1.label
        market = Market.objects.filter(symbol=symbol).first()
        rows = Candle.objects.filter(market_id=market.pk if market else 0, interval=selectors.INTERVALS[interval])
        page = BoundedPaginator(rows.order_by("-open_us"), CANDLES_PER_PAGE).get_page(request.GET.get("p"))
        scale = listing.by_id(market.pk).scale if market else None
        table = [
            (
                time_text(row.open_us), *map(scale.ticks_to_price, (row.open, row.high, row.low, row.close)),
                scale.base_text(row.base_volume), scale.quote_text(row.quote_volume),
                scale.base_text(row.taker_base_volume), row.trades,
            )
            for row in page
            if scale is not None
        ]  # fmt: skip
        context = self.admin_site.each_context(request) | {
            "title": "Candles", "opts": self.opts, "page": page, "rows": table, "filter_name": "market",
            "filter_value": symbol, "choice_name": "interval", "choices": list(selectors.INTERVALS),
            "choice": interval,
            "headings": (
                "Opened (UTC)", "Open", "High", "Low", "Close", "Volume", "Quote volume", "Bought by takers", "Trades",
            ),
        }  # fmt: skip
        return TemplateResponse(request, "admin/table.html", context)


class TradingAdmin(ReadOnlyAdmin):
    """Rows of one market each, in its decimals."""

    ordering = ("-id",)
    list_filter: ClassVar[tuple[str, ...]] = ("market_id",)

    @admin.display(description="market")
    def symbol(self, row: Any) -> str:
        """The market's name."""
        return listing.by_id(row.market_id).symbol

    @admin.display(description="price")
    def price_text(self, row: Any) -> str:
        """In the quote asset."""
        return listing.by_id(row.market_id).scale.ticks_to_price(row.price) if row.price else "–"


@admin.register(Order)
class OrderAdmin(TradingAdmin):
    """Orders as of the last command that touched them."""

    list_display = (
        "id", "created", "account_id", "symbol", "side_text", "type_text", "price_text", "condition_text", "size_text",
        "filled_text", "status", "done_reason", "list_id", "client_id",
    )  # fmt: skip
    list_filter: ClassVar[tuple[str, ...]] = ("status", "market_id")
    search_fields = ("=id", "=account_id", "=client_id", "=list_id")
    search_help_text = "An order, an account, a client id or a list"

    @admin.display(description="created (UTC)")
    def created(self, order: Order) -> str:
        """When it was accepted."""
        return time_text(order.created_us)

    @admin.display(description="side")
    def side_text(self, order: Order) -> str:
        """buy or sell."""
        return SIDES[order.side]

    @admin.display(description="type")
    def type_text(self, order: Order) -> str:
        """With what it waits for and time in force."""
        waits = f"{TRIGGERS[order.trigger]} ".replace("_", "-") if order.stop else ""
        waits += "trailing " if order.trail_ppm else ""
        return f"{waits}{TYPES[order.type]} {TIFS[order.tif]}{' iceberg' if order.display else ''}"

    @admin.display(description="waits for")
    def condition_text(self, order: Order) -> str:
        """The stop price, and the distance at which it trails."""
        stop = listing.by_id(order.market_id).scale.ticks_to_price(order.stop) if order.stop else ""
        trail = f"{format_atoms(order.trail_ppm, PERCENT_SCALE)} %" if order.trail_ppm else ""
        return f"{stop} {trail}".strip() or "–"

    @admin.display(description="size")
    def size_text(self, order: Order) -> str:
        """In the base asset, or the amount in the quote asset."""
        market = listing.by_id(order.market_id)
        if order.quote:
            return f"{market.scale.quote_text(order.quote)} {market.quote_code}"
        return market.scale.lots_to_size(order.size)

    @admin.display(description="filled")
    def filled_text(self, order: Order) -> str:
        """In the base asset."""
        return listing.by_id(order.market_id).scale.lots_to_size(order.filled_lots)


@admin.register(Trade)
class TradeAdmin(TradingAdmin):
    """Trades with both sides."""

    list_display = (
        "id", "time", "symbol", "number", "price_text", "size_text", "side_text", "taker_account_id",
        "maker_account_id", "taker_order_id", "maker_order_id", "sequence",
    )  # fmt: skip
    search_fields = ("=taker_account_id", "=maker_account_id", "=taker_order_id", "=maker_order_id", "=sequence")
    search_help_text = "An account, an order or a sequence"

    @admin.display(description="time (UTC)")
    def time(self, trade: Trade) -> str:
        """Of its command."""
        return time_text(trade.time_us)

    @admin.display(description="size")
    def size_text(self, trade: Trade) -> str:
        """In the base asset."""
        return listing.by_id(trade.market_id).scale.lots_to_size(trade.lots)

    @admin.display(description="taker")
    def side_text(self, trade: Trade) -> str:
        """The taker's side."""
        return SIDES[trade.taker_side]
