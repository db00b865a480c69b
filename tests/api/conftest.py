"""Signed clients of the real exchange (tests/stack.py): every request goes over HTTP to granian and to a real matcher.

Three funded accounts are made once; each test begins with an empty book, and measures what it changes.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path

import httpx
import psycopg
import pytest

from accounts import signing
from tests.patience import PATIENCE_S
from tests.stack import running_stack

RICH = {"BTC": "1000", "USDT": "100000000", "ETH": "10000"}
PRICE = 60_000


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """All that need the exchange run in one worker, on one exchange; browsers and traders have theirs."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)
            item.add_marker(pytest.mark.xdist_group("api"))


class Answer:
    """Status, headers and body of an answer; problems are checked to be problems."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        self.body = json.loads(response.content) if response.content else None
        if self.status >= 400:
            assert response.headers["content-type"] == "application/problem+json", response.text
            assert self.body["status"] == self.status
            assert set(self.body) >= {"type", "title", "status", "detail", "code"}
            assert "Traceback" not in response.text

    def __getitem__(self, name):
        return self.body[name]

    @property
    def code(self):
        return self.body["code"] if self.status >= 400 else None

    def ok(self, status=200):
        assert self.status == status, (self.status, self.body)
        return self


@dataclass
class Trader:
    """An account with a key. Calls are signed unless said otherwise."""

    stack: object
    account: int
    key: str
    secret: str
    http: httpx.Client
    used: set = field(default_factory=set)

    def call(self, method, path, body=None, *, raw=None, headers=None, sign=True, timestamp_ms=None, window_ms=None):
        data = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        path = f"/api/v1{path}"
        sent = {"Content-Type": "application/json"} if data else {}
        if sign:
            if timestamp_ms is None:
                timestamp_ms = self._fresh_ms()
            sent |= signing.headers(
                key=self.key, secret=self.secret, timestamp_ms=timestamp_ms, method=method, path_with_query=path,
                body=data, window_ms=window_ms,
            )  # fmt: skip
        return Answer(self.http.request(method, path, content=data, headers=sent | (headers or {})))

    def _fresh_ms(self):
        """Now, but never the same twice: equal requests in one millisecond would be one request."""
        now = time.time_ns() // 1_000_000
        while now in self.used:
            now -= 1
        self.used.add(now)
        return now

    def get(self, path, *, after=None, **more):
        headers = {"X-Min-Sequence": str(after)} if after else {}
        return self.call("GET", path, headers=headers, **more)

    def post(self, path, body=None, **more):
        return self.call("POST", path, body, **more)

    def patch(self, path, body=None, **more):
        return self.call("PATCH", path, body, **more)

    def delete(self, path, **more):
        return self.call("DELETE", path, **more)

    def order(self, side="buy", price=f"{PRICE}", size="0.001", market="BTC-USDT", **more):
        """The body of a limit order."""
        return {"market": market, "side": side, "price": price, "size": size} | more

    def place(self, *args, **more):
        """Place an order that must be taken."""
        return self.post("/orders", self.order(*args, **more)).ok(201)

    def caught_up(self, path, sequence):
        """A read that is true as of the sequence; the read models may need a moment."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            answer = self.get(path, after=sequence).ok()
            if int(answer.headers["X-Sequence"]) >= sequence:
                return answer
            assert time.monotonic() < deadline, "the read models do not catch up"

    def balances(self, sequence):
        rows = self.caught_up("/balances", sequence)["balances"]
        return {row["asset"]: (row["available"], row["held"]) for row in rows}


@pytest.fixture(scope="package")
def stack():
    """An exchange of these tests' own, also where one worker runs others too: they expect an empty book."""
    yield from running_stack()


@pytest.fixture(scope="package")
def http(stack):
    with httpx.Client(base_url=stack.base_url, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture(scope="package")
def make_trader(stack, http):
    """Makes a trader of this name, funded; the same name gives the same."""
    made = {}

    def make(name, **balances):
        if name not in made:
            made[name] = Trader(stack, http=http, **stack.account(name, **balances))
        return made[name]

    return make


@pytest.fixture(scope="package")
def traders(make_trader):
    return [make_trader(name, **RICH) for name in ("api-alice", "api-bob")]


@pytest.fixture
def alice(traders):
    return _fresh(traders)[0]


@pytest.fixture
def bob(traders, alice):
    return traders[1]


def _fresh(traders):
    """An empty book and a last price that does not move: nobody else trades here."""
    for trader in traders:
        trader.delete("/orders").ok()
    return traders


@pytest.fixture
def head(stack):
    """The journal's last sequence: who compares it before and after sees whether anything reached the matcher."""

    def read():
        with psycopg.connect(stack.env["DATABASE_URL"]) as connection:
            return connection.execute("SELECT head FROM matching_leader").fetchone()[0]

    return read


@pytest.fixture
def nothing_executed(head):
    """Check at the end of the test that no command reached the journal since the fixture was made."""
    before = head()
    yield
    assert head() == before
