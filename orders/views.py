"""The web terminal's pages. Each asks once for what it shows; the rest is static files and the socket."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from accounts.problems import Problem
from accounts.services import PERMISSIONS
from orders import pages


def markets(request: HttpRequest) -> HttpResponse:
    """All markets with live prices."""
    return render(request, "orders/markets.html", {"page": pages.market_list()})


def market(request: HttpRequest, symbol: str) -> HttpResponse:
    """One market: book, trades, candles, and for who is signed in, orders."""
    try:
        page = pages.market_page(symbol=symbol, user=request.user)
    except Problem as problem:
        raise Http404(problem.detail) from None
    context = {"page": page, "market": page["market"], "symbols": list(page["markets"]), "intervals": page["intervals"]}
    return render(request, "orders/market.html", context)


@login_required
def wallet(request: HttpRequest) -> HttpResponse:
    """Balances, deposits and withdrawals; the page itself talks to REST."""
    return render(request, "wallets/wallet.html", pages.wallet_page())


@login_required
def api_keys(request: HttpRequest) -> HttpResponse:
    """Make and revoke API keys; the page itself talks to REST."""
    return render(request, "accounts/keys.html", {"permissions": PERMISSIONS})
