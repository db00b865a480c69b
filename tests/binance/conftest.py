"""Clients of the dialect on a real exchange of these tests' own: its matcher, projections, market data and web."""

import base64
import hashlib
import hmac
import json
import time
from dataclasses import dataclass, field, replace
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx
import psycopg
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from accounts import signing
from tests.patience import PATIENCE_S
from tests.stack import running_stack

RICH = {"BTC": "1000", "USDT": "100000000", "ETH": "10000"}
PRICE = 60_000
ORDER = "/api/v3/order"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items):
    """All that need the exchange run in one worker, on one exchange."""
    for item in items:
        if Path(__file__).parent in item.path.parents and "stack" in getattr(item, "fixturenames", ()):
            item.add_marker(pytest.mark.process)
            item.add_marker(pytest.mark.xdist_group("binance"))


class Answer:
    """Status, headers and JSON of an answer; an error has a code, a message and nothing of a trace."""

    def __init__(self, response):
        self.status = response.status_code
        self.headers = response.headers
        assert response.headers["content-type"] == "application/json"
        self.body = json.loads(response.content)
        if self.status >= 400:
            assert set(self.body) - {"data"} == {"code", "msg"}, self.body
            assert "Traceback" not in response.text

    def __getitem__(self, name):
        return self.body[name]

    def ok(self):
        assert self.status == 200, (self.status, self.body)
        return self

    @property
    def error(self):
        """Code and message."""
        assert self.status >= 400, self.body
        return self.body["code"], self.body["msg"]

    @property
    def code(self):
        return self.error[0]


def hmac_signer(secret):
    return lambda text: hmac.new(secret.encode(), text.encode(), hashlib.sha256).hexdigest()


@dataclass
class Client:
    """Somebody with a key; calls are signed over what is sent."""

    http: httpx.Client
    account: int
    key: str
    sign: object
    secret: str = ""
    used: set = field(default_factory=set)

    def call(self, method, path, /, *, inside="query", signed=True, stamp=True, headers=None, **values):
        """One request; its parameters go into the query, into the body, or half and half."""
        if signed and stamp:
            values.setdefault("timestamp", self.now_ms())
        pairs = [(name, value) for name, value in values.items() if value is not None]
        half = {"query": len(pairs), "body": 0, "mixed": len(pairs) // 2}[inside]
        query, body = (urlencode(part, quote_via=quote) for part in (pairs[:half], pairs[half:]))
        if signed:
            signature = "signature=" + quote(self.sign(query + body), safe="")
            if inside == "query":
                query = f"{query}&{signature}" if query else signature
            else:
                body = f"{body}&{signature}"
        return self.raw(method, path, query, body, headers)

    def raw(self, method, path, query="", body="", headers=None):
        """One request as it stands."""
        sent = {"X-MBX-APIKEY": self.key} if self.key else {}
        if body:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        return Answer(
            self.http.request(
                method,
                f"{path}?{query}" if query else path,
                content=body.encode() or None,
                headers=sent | (headers or {}),
            )
        )

    def now_ms(self):
        """Now, but never the same twice: equal requests in one millisecond would be one request."""
        now = time.time_ns() // 1_000_000
        while now in self.used:
            now -= 1
        self.used.add(now)
        return now

    def get(self, path, /, **values):
        return self.call("GET", path, **values)

    def public(self, path, /, **values):
        return self.call("GET", f"/api/v3/{path}", signed=False, **values)

    def order(self, side="BUY", price=PRICE, quantity="0.001", **values):
        """POST order, a limit order if nothing else is said."""
        limit = {"type": "LIMIT", "timeInForce": "GTC", "price": price, "quantity": quantity}
        values = {"symbol": "BTCUSDT", "side": side, **limit, **values}
        return self.call("POST", ORDER, **values)

    def place(self, *args, **values):
        """One that must be taken."""
        return self.order(*args, **values).ok()

    def v1(self, method, path, body=None):
        """The same account over /api/v1."""
        data = b"" if body is None else json.dumps(body).encode()
        path = f"/api/v1{path}"
        headers = signing.headers(
            key=self.key, secret=self.secret, timestamp_ms=self.now_ms(), method=method, path_with_query=path, body=data
        )
        answer = self.http.request(method, path, content=data, headers=headers | {"Content-Type": "application/json"})
        return answer.json()

    def balances(self):
        rows = self.get("/api/v3/account").ok()["balances"]
        return {row["asset"]: (row["free"], row["locked"]) for row in rows}


@pytest.fixture(scope="package")
def stack():
    """An exchange of these tests' own: they expect an empty book."""
    yield from running_stack()


@pytest.fixture(scope="package")
def http(stack):
    with httpx.Client(base_url=stack.base_url, timeout=PATIENCE_S) as client:
        yield client


@pytest.fixture(scope="package")
def clients(stack, http):
    made = []
    for name in ("dialect-alice", "dialect-bob"):
        account = stack.account(name, **RICH)
        made.append(Client(http, account["account"], account["key"], hmac_signer(account["secret"]), account["secret"]))
    return made


@pytest.fixture
def alice(clients):
    """With an empty book; the last price does not move but by these tests."""
    for client in clients:
        client.v1("DELETE", "/orders")
    return clients[0]


@pytest.fixture
def bob(clients, alice):
    return clients[1]


@pytest.fixture(scope="package")
def make_key(stack):
    """Makes another key of an account: permissions, networks, a public key."""

    def make(client, **options):
        told = stack.manage(
            "shell", "-c",
            "import json; from accounts import services, selectors; "
            f"options = json.loads({json.dumps(json.dumps(options))}); "
            f"account = selectors.get_account(account_id={client.account}); "
            "print(json.dumps(services.create_api_key(account=account, **options)))",
        )  # fmt: skip
        key, secret = json.loads(told.strip().splitlines()[-1])
        return replace(client, key=key, secret=secret, sign=hmac_signer(secret))

    return make


def pem(private_key):
    """The public half of a key."""
    return (
        private_key.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )


@pytest.fixture(scope="package")
def private_keys():
    """One of each kind that signs without a secret: (private key, signer of text)."""
    ed = ed25519.Ed25519PrivateKey.generate()
    big = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "ed25519": (ed, lambda text: base64.b64encode(ed.sign(text.encode())).decode()),
        "rsa": (
            big,
            lambda text: base64.b64encode(big.sign(text.encode(), padding.PKCS1v15(), hashes.SHA256())).decode(),
        ),
    }


@pytest.fixture
def head(stack):
    """The journal's last sequence."""

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
