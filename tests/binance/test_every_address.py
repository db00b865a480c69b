"""Every address of the dialect: described in the docs, and calm whatever is sent to it."""

import random
import re
from pathlib import Path

import pytest
from django.urls import get_resolver

from accounts.binance.endpoint import KEYED, PUBLIC

DOC = (Path(__file__).resolve().parents[2] / "docs/binance.md").read_text()
PREFIXES = ("api/v3/", "sapi/v1/")
NASTY = (
    "", "0", "-1", "1", "1" * 21, "9223372036854775807", "9223372036854775808", "NaN", "1e9", "0.00000000000000000001",
    "true", "null", "BTCUSDT", "ETHBTC", "BUY", "SELL", "LIMIT", "MARKET", "STOP_LOSS", "LIMIT_MAKER", "GTC", "FULL",
    "PVX1", "1m", "1d", "60m", "7d", '["BTCUSDT"]', "[]", "[[]]", '["BTCUSDT"', "{}", "\x00", "ü", "٣", "a" * 5_000,
    "' OR 1=1 --", "../../etc/passwd", "%s%n", "1790000000000", "253402300800000", "ALLOW_FAILURE", "STOP_ON_FAILURE",
    "PROVEX", "EXTERNAL", "BTC", "+5:30", "-12:00", "99:99",
)  # fmt: skip


def every_endpoint():
    found = []
    for pattern in get_resolver().url_patterns:
        prefix = str(pattern.pattern)
        if prefix in PREFIXES:
            for inner in pattern.url_patterns:
                for method, endpoint in inner.callback.endpoints.items():
                    found.append((method, f"/{prefix}{inner.pattern}", endpoint))
    return found


ENDPOINTS = every_endpoint()
IDS = [f"{method} {path}" for method, path, _ in ENDPOINTS]


def test_all_of_them_are_described():
    assert len(ENDPOINTS) >= 45
    described = set(re.findall(r"`([A-Za-z0-9/-]+)`", DOC))
    for _, path, _ in ENDPOINTS:
        name = path.removeprefix("/api/v3/").removeprefix("/sapi/v1/")
        assert name in described, path


def test_what_needs_a_signature_has_one():
    """Only market data is public; whatever writes goes through the gate and needs more than the right to read."""
    for method, path, endpoint in ENDPOINTS:
        if method != "GET":
            assert endpoint.access not in {PUBLIC, KEYED, "read"}, path
            assert endpoint.writes or path.endswith("order/test"), path
        assert set(endpoint.required) <= set(endpoint.fields), path


@pytest.mark.parametrize(("method", "path", "endpoint"), ENDPOINTS, ids=IDS)
def test_nothing_shakes_it(alice, method, path, endpoint):
    """Parameters that exist with values that should not: always an answer, never an error of ours."""
    chance = random.Random(path + method)
    names = [*endpoint.fields, "bogus"]
    for number in range(12):
        values = {name: chance.choice(NASTY) for name in names if chance.random() < (0.3 if number % 2 else 0.8)}
        signed = endpoint.access != PUBLIC
        if signed and number % 4 == 3:
            values["recvWindow"] = chance.choice(NASTY)
        inside = "query" if method == "GET" else chance.choice(["query", "body", "mixed"])
        answer = alice.call(method, path, inside=inside, signed=signed, **values)
        assert answer.status < 500, (values, answer.body)
