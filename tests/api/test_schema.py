"""Schemathesis plays the OpenAPI document against the real exchange: answers fit it, and nothing ends in a 5xx.

Bounded: a handful of examples for each operation, from a fixed seed.
"""

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.specs.openapi import checks

from accounts import signing
from tests.patience import PATIENCE_S

schema = schemathesis.pytest.from_fixture("document")
EXAMPLES = 5
# What the document cannot promise: that a market's rules take every order of the right form, and the two ways
# to say who one is (both are tested by hand).
LEFT_OUT = [
    checks.positive_data_acceptance,
    checks.ignored_auth,
    checks.missing_required_header,
    checks.use_after_free,
    checks.ensure_resource_availability,
]


class Signed(requests.auth.AuthBase):
    """Signs what is really sent, whatever it is."""

    def __init__(self, trader):
        self.trader = trader

    def __call__(self, request):
        body = request.body or b""
        request.headers.update(
            signing.headers(
                key=self.trader.key, secret=self.trader.secret, timestamp_ms=self.trader._fresh_ms(),
                method=request.method, path_with_query=request.path_url,
                body=body.encode() if isinstance(body, str) else body,
            )
        )  # fmt: skip
        return request


@pytest.fixture(scope="package")
def fuzzer(make_trader):
    return make_trader("api-fuzz", BTC="10", USDT="1000000")


@pytest.fixture
def document(stack):
    # Keys are made by sessions only; the rest is open to a key.
    document = schemathesis.openapi.from_url(f"{stack.base_url}/api/v1/schema", timeout=PATIENCE_S)
    return document.exclude(path_regex="/keys")


@schema.parametrize()
@settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
)
def test_answers_fit_the_document(case, fuzzer):
    # A batch answers 200 and refuses its items one by one; a file without its Range answers 416, which is no 400.
    in_its_way = "/batch" in case.path or "{sha256}" in case.path
    otherwise = [checks.negative_data_rejection] if in_its_way else []
    case.call_and_validate(auth=Signed(fuzzer), excluded_checks=LEFT_OUT + otherwise, timeout=PATIENCE_S)
