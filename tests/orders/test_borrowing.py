"""Who waits holds no database connection: a process has fewer of them than threads."""

import threading
import time
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, RequestFactory
from rest_framework.request import Request

from accounts import keys, services
from accounts.api.authentication import BrowserSession
from accounts.problems import Problem
from matching import gateway, projection
from orders import listing
from orders import services as orders
from orders.models import ListedAsset, Market
from orders.requests import read_order
from tests.orders.test_listing import NUMBERS
from tests.patience import PATIENCE_S
from wallets import outbox

pytestmark = pytest.mark.django_db(transaction=True)
ORDER = {"market": "BTC-USDT", "side": "buy", "price": "60000", "size": "0.001"}


@pytest.fixture
def markets() -> Iterator[None]:
    for id, code, scale in ((1, "BTC", 8), (2, "USDT", 6)):
        ListedAsset.objects.create(id=id, code=code, scale=scale)
    Market.objects.create(id=1, symbol="BTC-USDT", base_id=1, quote_id=2, lot_atoms=1000, unit=1, **NUMBERS)
    listing.forget()
    keys.forget()
    gateway.close()
    yield
    listing.forget()
    keys.forget()
    gateway.close()


def lent() -> int:
    """How many connections of this process's pool somebody has."""
    connection.close()
    stats = connection.pool.get_stats()  # type: ignore[attr-defined]  # of the PostgreSQL backend
    return int(stats["pool_size"] - stats["pool_available"])


def becomes(expected: int) -> bool:
    """Whether so many are lent in the end; the limit is only for the failure."""
    end = time.monotonic() + PATIENCE_S
    while lent() != expected and time.monotonic() < end:
        time.sleep(0.01)
    return lent() == expected


class Waiting(threading.Thread):
    """Asks the database something, and then begins what makes it wait."""

    def __init__(self, work: Callable[[], object]) -> None:
        super().__init__(daemon=True)
        self._work = work
        self.has_asked = threading.Event()
        self.may_go_on = threading.Event()
        self.raised: Exception | None = None

    def run(self) -> None:
        Market.objects.count()
        self.has_asked.set()
        self.may_go_on.wait(PATIENCE_S)
        try:
            self._work()
        except Exception as error:
            self.raised = error
        finally:
            connection.close()

    def begin(self) -> None:
        """Returns when the work begins, with a connection in its hand."""
        before = lent()
        self.start()
        assert self.has_asked.wait(PATIENCE_S)
        assert lent() == before + 1
        self.may_go_on.set()


def test_no_connection_is_held_while_another_thread_reads_the_markets(markets: None) -> None:
    """The one that reads them may be waiting for just this connection."""
    before = lent()
    thread = Waiting(lambda: listing.by_symbol("BTC-USDT"))
    with listing._lock:
        thread.begin()
        assert becomes(before)
        assert thread.is_alive()
    thread.join(PATIENCE_S)
    assert thread.raised is None


def test_no_connection_is_held_while_the_matcher_works(markets: None) -> None:
    """There is no matcher here: the order waits until the gateway ends."""
    before = lent()
    thread = Waiting(lambda: orders.place_order(account_id=1, order=read_order(ORDER)))
    thread.begin()
    assert becomes(before)
    assert thread.is_alive()
    gateway.close()
    thread.join(PATIENCE_S)
    assert isinstance(thread.raised, gateway.GatewayError)


def test_no_connection_is_held_between_looks_at_a_projection(markets: None, monkeypatch: pytest.MonkeyPatch) -> None:
    sleeps, wakes = threading.Event(), threading.Event()

    def sleep(seconds: float) -> None:
        sleeps.set()
        wakes.wait(PATIENCE_S)

    monkeypatch.setattr(projection.journal, "head", lambda: 1)
    before = lent()
    monkeypatch.setattr(projection, "time", SimpleNamespace(sleep=sleep, monotonic=time.monotonic))
    thread = Waiting(lambda: projection.wait_for("orders", 1, timeout_ms=100))
    thread.begin()
    assert sleeps.wait(PATIENCE_S)
    is_given_back = becomes(before)
    wakes.set()
    thread.join(PATIENCE_S)
    assert is_given_back
    assert thread.raised is None


def test_a_key_that_was_looked_up_costs_no_connection_for_the_rest_of_the_request(markets: None) -> None:
    account = services.create_account(name="alice")
    key, _ = services.create_api_key(account=account, permissions=["read"])
    keys.forget()
    connection.close()
    before = lent()
    assert keys.find(key) is not None
    assert connection.connection is None
    assert lent() == before


class Body:
    """A body that notes whether a connection was held while it was awaited."""

    def __init__(self) -> None:
        self.text = b"a=b"
        self.held: list[bool] = []

    def read(self, *_: int) -> bytes:
        self.held.append(connection.connection is not None)
        text, self.text = self.text, b""
        return text

    readline = read


def test_a_browsers_body_is_awaited_without_a_connection(markets: None) -> None:
    """Whoever signed up could otherwise send bodies that never come, and hold all connections."""
    user = User.objects.create_user("alice")
    client, body = Client(), Body()
    client.force_login(user)
    connection.close()
    sent = RequestFactory().generic(
        "POST", "/api/v1/orders", b"a=b", content_type="application/x-www-form-urlencoded", **{"wsgi.input": body}
    )
    sent.COOKIES[settings.SESSION_COOKIE_NAME] = client.cookies[settings.SESSION_COOKIE_NAME].value
    with pytest.raises(Problem) as refused:
        BrowserSession().authenticate(Request(sent))
    assert refused.value.code == "csrf_failed"
    assert body.held
    assert not any(body.held)


def test_movements_that_wait_for_each_other_leave_connections_for_the_rest(markets: None) -> None:
    before = lent()
    threads = [Waiting(partial(_move_nothing, number)) for number in range(5)]
    with outbox.locked("movement"):
        for thread in threads:
            thread.start()
            assert thread.has_asked.wait(PATIENCE_S)
            thread.may_go_on.set()
        # This thread's own one, and those who got as far as to wait for it in the database.
        stats = connection.pool.get_stats  # type: ignore[attr-defined]  # of the PostgreSQL backend
        settled = time.monotonic() + PATIENCE_S
        while (lends := stats()["pool_size"] - stats()["pool_available"]) > outbox.SENDERS_MAX:
            assert time.monotonic() < settled, f"{lends} connections wait"
            time.sleep(0.01)
        assert any(thread.is_alive() for thread in threads)
    for thread in threads:
        thread.join(PATIENCE_S)
        assert thread.raised is None
    assert becomes(before)


def _move_nothing(number: int) -> None:
    with outbox.locked("movement"):
        assert number >= 0


def test_a_lock_is_kept_whatever_is_waited_for_within_it(markets: None) -> None:
    """It lives in the connection: given back, somebody else's queries would run in it, and the lock would stay."""
    with outbox.locked("one"):
        held = connection.connection
        with outbox.locked("two"):
            listing.by_symbol("BTC-USDT")
            projection.wait_for("orders", 0, timeout_ms=0)
            keys.find("0" * 32)
            assert connection.connection is held
        assert connection.connection is held
        with connection.cursor() as cursor:
            cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
            assert cursor.fetchone() == (1,)
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()")
        assert cursor.fetchone() == (0,)
