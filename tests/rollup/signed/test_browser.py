"""Keys and signatures in a real browser: as circomlibjs and our Python make them; and the page, from key to order."""

import json
import random
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from rollup.state import messages
from rollup.state.eddsa import sign
from rollup.state.slots import BUY, SELL, SignedOrder
from tests.browser.conftest import chromium, chromium_open, open_terminal, terminal  # noqa: F401  fixtures
from tests.browser.terminal import Terminal
from tests.rollup.signed.conftest import OWNER, ChainStack

pytestmark = [
    pytest.mark.process, pytest.mark.browser, pytest.mark.xdist_group("signed"),
    pytest.mark.skipif(chromium() is None, reason="no chromium on this machine; CHROMIUM= names one"),
]  # fmt: skip
VECTORS = json.loads((Path(__file__).parents[1] / "circomlibjs_vectors.json").read_text())
# BigInt crosses as text, marked so that it becomes one again.
CALL = """async ([module, name, calls]) => {
  const found = await import(`/static/rollup/${module}.js`);
  const read = (value) => typeof value === 'string' && value.startsWith('n') ? BigInt(value.slice(1))
    : value && value.bytes ? Uint8Array.from(value.bytes) : Array.isArray(value) ? value.map(read)
    : value && typeof value === 'object' ? Object.fromEntries(Object.entries(value).map(([k, v]) => [k, read(v)]))
    : value;
  const write = (value) => JSON.parse(JSON.stringify(value, (_, one) => typeof one === 'bigint' ? String(one) : one));
  return calls.map((args) => write(found[name](...args.map(read))));
}"""


def big(number: int) -> str:
    return f"n{number}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For this module alone: the tests after it use the database."""
    with chromium_open() as one:
        yield one


@pytest.fixture
def run(terminal: Terminal) -> Any:  # noqa: F811
    """Calls a function of a module of the page, many times."""
    terminal.page.goto("/")
    return lambda module, name, *calls: terminal.page.evaluate(CALL, [module, name, list(calls)])


def test_the_vectors_of_circomlibjs(run: Any) -> None:
    hashes = [one for one in VECTORS["poseidon"] if len(one["inputs"]) == 4]
    made = run("vendor/eddsa-poseidon", "poseidon4", *[[[big(int(i)) for i in one["inputs"]]] for one in hashes])
    assert hashes and made == [one["hash"] for one in hashes]
    for one in VECTORS["eddsa"]:
        key = {"bytes": list(bytes.fromhex(one["private"]))}
        assert run("vendor/eddsa-poseidon", "derivePublicKey", [key]) == [[one["Ax"], one["Ay"]]]
        (signature,) = run("signer", "sign", [key, big(int(one["message"]))])
        assert signature == {"r_x": one["R8x"], "r_y": one["R8y"], "s": one["S"]}


def test_messages_are_those_of_python(run: Any) -> None:
    chance = random.Random(5)

    def number(bits: int) -> int:
        return chance.choice((0, 1, 2**bits - 1, chance.getrandbits(bits)))

    expected: list[str] = []
    calls: dict[str, list[Any]] = {
        "orderMessage": [],
        "transferMessage": [],
        "withdrawalMessage": [],
        "linkMessage": [],
    }
    for _ in range(20):
        domain, n, sells, buys = number(200), number(24), number(8), number(8)
        order = SignedOrder(
            number(64), chance.choice((BUY, SELL)), number(96), number(96), number(40), chance.randint(0, 10_000)
        )
        calls["orderMessage"].append([{
            "domain": big(domain), "number": big(n), "sellToken": big(sells), "buyToken": big(buys),
            "id": big(order.id), "isBuy": order.side == BUY, "sellTotal": big(order.sell_total),
            "buyTotal": big(order.buy_total), "validUntil": big(order.valid_until), "maxFeeBps": big(order.max_fee_bps),
        }])  # fmt: skip
        expected.append(str(messages.order_message(domain, number=n, sell_token=sells, buy_token=buys, order=order)))
    assert run("messages", "orderMessage", *calls["orderMessage"]) == expected
    domain, amount, nonce, to = 31_337 << 160, 2**96 - 1, 2**64 - 1, 2**160 - 1
    common = {"domain": big(domain), "number": big(7), "token": big(3), "amount": big(amount), "nonce": big(nonce)}
    plain: dict[str, int] = {"number": 7, "token": 3, "amount": amount, "nonce": nonce}
    for name, more, python in (
        ("transferMessage", {"to": big(9)}, messages.transfer_message(domain, **plain, to=9)),
        ("withdrawalMessage", {"recipient": big(to)}, messages.withdrawal_message(domain, **plain, recipient=to)),
    ):
        assert run("messages", name, [common | more]) == [str(python)]
    assert run("messages", "linkMessage", [{"domain": big(domain), "account": big(12), "owner": big(to)}]) == [
        str(messages.link_message(domain, account=12, owner=to))
    ]
    key, message = bytes(range(32)), 12_345
    (signature,) = run("signer", "sign", [{"bytes": list(key)}, big(message)])
    ours = sign(key, message)
    assert signature == {"r_x": str(ours.r.x), "r_y": str(ours.r.y), "s": str(ours.s)}


def test_from_a_key_to_an_order(terminal: Terminal, stack: ChainStack, users: Any) -> None:  # noqa: F811
    terminal.sign_up("erin", "a-Long-enough-Pass-77")
    page = terminal.page
    sent: list[str] = []
    page.on("request", lambda request: sent.append(f"{request.url} {request.post_data or ''}"))
    page.goto("/self-custody/")
    page.get_by_role("button", name="Make a key").click()
    page.get_by_role("button", name="Show it to write it down").click()
    secret = page.locator("#secret").inner_text()
    assert len(secret) == 64
    page.get_by_text("My wallet is elsewhere").click()
    page.get_by_label("Your address on the chain").fill(OWNER)
    page.get_by_role("button", name="Announce the key").click()
    expect(page.locator("#standing")).to_contain_text("Register the key on the chain")
    expect(page.get_by_role("button", name="Sign and place")).to_be_disabled()
    account = terminal.call("GET", "/signed")["account"]
    page.goto("/self-custody/")
    expect(page.locator("#standing")).to_contain_text("Register the key on the chain")
    stack.admit(account, number=60, secret=bytes.fromhex(secret))
    expect(page.locator("#standing")).to_contain_text("number 60")
    expect(page.get_by_role("button", name="Sign and place")).to_be_enabled()
    page.get_by_label("Price").fill("50000")
    page.get_by_label("Amount", exact=True).fill("0.01")
    page.get_by_role("button", name="Sign and place").click()
    expect(page.locator("#placed")).to_contain_text("is open")
    (order,) = terminal.call("GET", "/orders")["orders"]
    assert (order["price"], order["size"]) == ("50000", "0.01")
    page.goto("/self-custody/")
    page.get_by_label("Price").fill("50000")
    page.get_by_label("Amount", exact=True).fill("1000")
    page.get_by_role("button", name="Sign and place").click()
    expect(page.locator("#order-wrong")).not_to_be_empty()
    assert not [one for one in sent if secret in one], "the key left the browser"
    terminal.call("DELETE", "/orders")
