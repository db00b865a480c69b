"""What fails after the matcher has answered: the client is told that nobody knows, never that nothing was done."""

import json
import time
from collections.abc import Callable
from typing import Any

import pytest
from django.db import OperationalError

from accounts import keys, outcome, services, signing
from accounts.api.errors import problem_of
from accounts.binance.errors import Refusal, refusal_of
from accounts.problems import Problem
from matching import journal
from orders import listing
from orders.binance.sockets.api_desk import _told
from orders.sockets.server import _with_database
from tests.matching.harness import MatcherProcess, fund
from tests.projections import project_all
from wallets.api import views as wallet_views

pytestmark = pytest.mark.process
ORDER = {"market": "BTC-USDT", "side": "buy", "price": "60000", "size": "0.001"}
Call = Callable[..., Any]


@pytest.fixture
def call(client: Any, matcher: MatcherProcess) -> Call:
    """Signed calls of a funded account, through Django's own handler to a real matcher."""
    project_all()
    listing.forget()
    keys.forget()
    account = services.create_account(name="alice")
    services.create_account(name="bob")
    key, secret = services.create_api_key(account=account, permissions=["read", "trade", "withdraw"])
    fund(account=account.pk, BTC="10", USDT="100000")
    project_all()
    listing.all_markets()

    def call(method: str, path: str, body: Any = None) -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        headers = signing.headers(
            key=key, secret=secret, timestamp_ms=time.time_ns() // 1_000_000, method=method,
            path_with_query=f"/api/v1{path}", body=content,
        )  # fmt: skip
        return client.generic(method, f"/api/v1{path}", content, content_type="application/json", headers=headers)

    return call


def lost(*_: object, **__: object) -> Any:
    raise OperationalError("the connection is lost")


def lacking(*_: object) -> Any:
    raise Problem("unavailable", "market 1 is not known here yet")


@pytest.mark.parametrize("trouble", [lost, lacking])
@pytest.mark.parametrize(
    ("method", "path", "body", "event"),
    [
        ("POST", "/orders", ORDER, "new"), ("POST", "/orders/batch", {"orders": [ORDER]}, "new"),
        ("DELETE", "/orders/{id}", None, "done"), ("PATCH", "/orders/{id}", {"size": "0.0005"}, "amend"),
        ("POST", "/orders/{id}/replace", ORDER, "done"),
        ("POST", "/orders/batch-cancel", {"orders": [{"order_id": "{id}"}]}, "done"),
    ],
)  # fmt: skip
def test_orders(
    call: Call, monkeypatch: pytest.MonkeyPatch, trouble: Any, method: str, path: str, body: Any, event: str
) -> None:
    placed = call("POST", "/orders", ORDER)
    assert placed.status_code == 201, placed.content
    project_all()
    number = placed.json()["id"]
    if path.endswith("batch-cancel"):
        body = {"orders": [{"order_id": number}]}
    before = journal.head()
    # An amend asks for the market before, too: it may.
    really, answered = listing.by_id, outcome.is_answered
    monkeypatch.setattr(listing, "by_id", lambda market: trouble(market) if answered() else really(market))
    answer = call(method, path.format(id=number), body)
    assert (answer.status_code, answer.json()["code"]) == (504, "unknown_outcome")
    assert journal.head() == before + 1
    assert event in [one[0] for one in journal.events_at(before + 1)]


@pytest.mark.parametrize("path", ["/withdrawals", "/transfers"])
def test_money(call: Call, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    body = {"asset": "BTC", "amount": "1", "reference": "r"} | ({"to_account": 2} if path == "/transfers" else {})
    if path == "/transfers":
        body["to_account"] = services.create_account(name="carol").pk
    with monkeypatch.context() as patch:
        patch.setattr(wallet_views, "assets_by_id", lost)
        answer = call("POST", path, body)
        assert (answer.status_code, answer.json()["code"]) == (504, "unknown_outcome")
    # Asked for again with the same reference it is told, and has happened once.
    time.sleep(0.002)
    before = journal.head()
    assert call("POST", path, body).status_code == 201
    assert journal.head() == before


def test_what_fails_before_is_told_as_not_executed(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    before = journal.head()
    call("POST", "/orders", ORDER)
    monkeypatch.setattr(listing, "by_symbol", lost)
    answer = call("POST", "/orders", ORDER | {"client_id": "x"})
    assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
    assert journal.head() == before + 1


def test_refusals_stay_what_they_are() -> None:
    outcome.answered()
    for code in ("insufficient_balance", "deadline_passed", "rate_limited"):
        assert problem_of(Problem(code)).code == code
    assert problem_of(OperationalError()).code == problem_of(ValueError()).code == "unknown_outcome"
    assert refusal_of(OperationalError()).code == -1007
    outcome.begin()
    assert problem_of(OperationalError()).code == "unavailable"
    assert problem_of(ValueError()).code == "internal_error"


def test_a_thread_of_the_sockets_tells_what_it_knows() -> None:
    """Work that waits for the matcher in a thread fails there, and is told in another one."""

    def fails_after() -> None:
        outcome.answered()
        raise OperationalError

    def fails_before() -> None:
        raise OperationalError

    codes = []
    for work in (fails_after, fails_before):
        with pytest.raises(Refusal) as caught:
            _with_database(lambda work=work: _told(work, "place"))
        codes.append(caught.value.code)
    assert codes == [-1007, -1001]
