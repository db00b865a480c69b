"""Keys of all three kinds sign as ccxt does it: HMAC secrets, RSA and Ed25519 private keys; over REST and sockets."""

import ccxt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa

from tests.api.test_sessions import Browser
from tests.clients import venue
from tests.clients.conftest import SYMBOL

KINDS = {
    "ed25519": ed25519.Ed25519PrivateKey.generate,
    "rsa": lambda: rsa.generate_private_key(public_exponent=65_537, key_size=2_048),
}


@pytest.fixture(scope="module")
def browser(stack, clients):
    """Somebody who signed up on the page and got money from the maker."""
    one = Browser(stack, "ccxt-signed-up")
    clients["maker"].withdraw("USDT", 100_000, f"PVX{one.call('GET', '/account').ok()['id']}")
    yield one
    one.http.close()


def pem(private):
    return private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


@pytest.fixture(scope="module", params=KINDS)
def credentials(request, browser):
    """A key made from a public key; whoever made it keeps the private one."""
    private = KINDS[request.param]()
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    made = browser.call(
        "POST", "/keys", {"permissions": ["read", "trade"], "label": request.param, "public_key": public.decode()}
    ).ok(201)
    assert made["secret"] is None
    return {"key": made["key"], "secret": pem(private), "kind": request.param}


def test_over_rest(stack, maker, credentials):
    client = venue.rest(stack, credentials)
    made = client.create_order(SYMBOL, "limit", "buy", 0.01, 59_000, {"clientOrderId": f"key/{credentials['kind']}:1"})
    assert client.fetch_order(made["id"], SYMBOL)["status"] == "open"
    assert client.fetch_balance()["USDT"]["used"] == 590
    assert client.cancel_order(made["id"], SYMBOL)["status"] == "canceled"


def test_over_sockets(stack, maker, credentials):
    async def run(client):
        made = await client.create_order_ws(SYMBOL, "limit", "buy", 0.01, 59_000)
        await client.authenticate()
        async with venue.watching(lambda: client.watch_orders(SYMBOL)) as watch:
            assert (await client.cancel_order_ws(made["id"], SYMBOL))["status"] == "canceled"
            await watch.until(lambda found: found[-1]["status"] == "canceled", "the cancel")

    venue.with_pro(stack, credentials, run)


def test_another_private_key(stack, credentials):
    client = venue.rest(stack)
    client.apiKey, client.secret = credentials["key"], pem(KINDS[credentials["kind"]]())
    with pytest.raises(ccxt.AuthenticationError, match="-1022"):
        client.fetch_balance()


def test_a_key_may_do_only_what_it_was_made_for(stack, browser, maker):
    made = browser.call("POST", "/keys", {"permissions": ["read"]}).ok(201)
    client = ccxt.binance(venue.of_stack(stack, {"key": made["key"], "secret": made["secret"]}))
    with pytest.raises(ccxt.AuthenticationError, match="-2015"):
        client.private_post_order(
            {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.01",
             "price": "59000"}
        )  # fmt: skip
    client.load_markets()
    assert client.fetch_open_orders(SYMBOL) == []
