"""Bodies, methods and addresses that nobody should send."""

import socket

import pytest

from tests.api.conftest import Answer


@pytest.mark.parametrize(
    "raw",
    [
        b"{", b"", b"nonsense", b'{"market":}', b"{'market':'BTC-USDT'}", b'{"price":NaN}', b'{"price":Infinity}',
        b"\xff\xfe\x00", b'{"a":1}{"b":2}', b'{"a":"\xc3\x28"}', b"[" * 100_000, b'{"a":' * 5_000, b'"\\ud800"',
    ],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/orders", "/orders/batch"])
def test_what_is_no_json(alice, nothing_executed, path, raw):
    answer = alice.call("POST", path, raw=raw)
    assert (answer.status, answer.code) in {(400, "malformed_json"), (400, "invalid_request")}


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"x"', b"1", b"true"])
def test_json_that_is_no_object(alice, nothing_executed, raw):
    answer = alice.call("POST", "/orders", raw=raw)
    assert (answer.status, answer.code) == (400, "invalid_request")


def test_integers_beyond_64_bits(alice, nothing_executed):
    answer = alice.call("PATCH", "/orders/1", raw=b'{"size": 340282366920938463463374607431768211456}')
    assert (answer.status, answer.code) == (400, "invalid_request")


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", "x"]
)
def test_other_media_types(alice, nothing_executed, content_type):
    answer = alice.post("/orders", alice.order(), headers={"Content-Type": content_type})
    assert (answer.status, answer.code) == (415, "unsupported_media_type")


def test_a_charset_is_no_other_media_type(alice):
    alice.post("/orders", alice.order(price="59000"), headers={"Content-Type": "application/json; charset=utf-8"}).ok(
        201
    )


@pytest.mark.parametrize("signed", [True, False])
def test_ten_megabytes(alice, nothing_executed, signed):
    answer = alice.call("POST", "/orders", raw=b" " * 10_000_000, sign=signed)
    assert (answer.status, answer.code) == (413, "body_too_large")


def test_ten_announced_megabytes_are_not_awaited(alice, stack, nothing_executed):
    """The answer comes from the length alone."""
    with socket.create_connection(("127.0.0.1", stack.port), 20) as connection:
        connection.sendall(
            b"POST /api/v1/orders HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            b"Content-Length: 10000000\r\n\r\n" + b" " * 1_000
        )
        assert connection.recv(12) == b"HTTP/1.1 413"


def test_a_body_without_a_length_is_not_read(alice, nothing_executed):
    """Django would take it for an empty one, and the signature for a wrong one."""
    response = alice.http.request("POST", "/api/v1/orders", content=iter([b"{", b"}"]))
    assert (response.status_code, response.json()["code"]) == (411, "length_required")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("PUT", "/orders", {"GET", "POST", "DELETE"}), ("PATCH", "/orders", {"GET", "POST", "DELETE"}),
        ("GET", "/orders/batch", {"POST"}), ("POST", "/markets", {"GET"}), ("DELETE", "/balances", {"GET"}),
        ("OPTIONS", "/orders", {"GET", "POST", "DELETE"}), ("POST", "/orders/1", {"GET", "PATCH", "DELETE"}),
    ],
)  # fmt: skip
def test_other_methods(alice, nothing_executed, method, path, allowed):
    answer = alice.call(method, path)
    assert (answer.status, answer.code) == (405, "method_not_allowed")
    assert allowed <= {name.strip() for name in answer.headers["Allow"].split(",")}


@pytest.mark.parametrize(
    "path",
    ["/nothing", "/orders/", "/orders/1/2/3", "/markets/BTC-USDT/nothing", "/../admin", "/%00", "/orders/%2e%2e", "//"],
)
def test_other_addresses(alice, nothing_executed, path):
    answer = alice.get(path, sign=False)
    assert (answer.status, answer.code) == (404, "not_found")


def test_the_api_itself_is_not_a_page(http):
    for path in ("/api/", "/api/v2/orders", "/api/v1"):
        assert Answer(http.get(path)).code == "not_found"


def test_a_public_answer_has_its_headers(alice):
    answer = alice.get("/time", sign=False).ok()
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert int(answer.headers["RateLimit-Remaining"]) < int(answer.headers["RateLimit-Limit"])


@pytest.mark.parametrize(
    ("path", "more"),
    [
        ("/api/v1/orders", b"PVX-KEY: " + b"0" * 32 + b"\r\nPVX-TIMESTAMP: 1\r\nPVX-SIGN: 0\r\n"),
        ("/accounts/login/", b"Cookie: csrftoken=" + b"a" * 32 + b"\r\n"),
    ],
)
def test_bodies_that_never_come_leave_threads_for_others(alice, stack, nothing_executed, path, more):
    held = []
    try:
        for _ in range(4 * int(stack.env["WEB_THREADS"])):
            connection = socket.create_connection(("127.0.0.1", stack.port), 20)
            held.append(connection)
            connection.sendall(
                f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n".encode()
                + b"Content-Type: application/x-www-form-urlencoded\r\n" + more + b"\r\nl"
            )  # fmt: skip
        assert alice.get("/account").ok()["id"] == alice.account
        assert alice.call("GET", "/time", sign=False).ok()["time"] > 0
    finally:
        for connection in held:
            connection.close()
