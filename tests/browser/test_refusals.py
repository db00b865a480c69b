"""What is wrong is said at its place, and nothing is sent or changed."""

import pytest
from playwright.sync_api import expect


@pytest.mark.parametrize(
    ("price", "size", "field", "message"),
    [
        ("60000.05", "0.1", "price", "The tick size is 0.1"),
        ("60000", "0.000001", "size", "The lot size is 0.00001"),
        ("60000", "", "size", "Give a number"),
        ("6e4", "0.1", "price", "A plain decimal number, like 0.015"),
        ("60,000", "0.1", "price", "A plain decimal number, like 0.015"),
        ("0", "0.1", "price", "Above zero"),
        ("60000", "-1", "size", "A plain decimal number, like 0.015"),
        ("60000", "0.00001", "size", "Worth at least 1 USDT"),
        ("60000", "9" * 39, "size", "At most 1,000"),
        ("9" * 400, "1", "price", "A plain decimal number, like 0.015"),
    ],
)
def test_what_cannot_be_right_is_not_sent(demo, price, size, field, message):
    demo.open_market()
    sent = []
    demo.page.on("request", lambda request: request.method == "POST" and sent.append(request.url))
    demo.price.fill(price)
    demo.page.get_by_label("Size", exact=True).fill(size)
    demo.page.locator("#submit").click()
    expect(demo.page.locator(f"#{field}-error")).to_have_text(message)
    expect(demo.page.locator(f"#{field}")).to_be_focused()
    expect(demo.page.locator(f"#{field}")).to_have_attribute("aria-invalid", "true")
    assert sent == []
    demo.price.fill("60000")
    demo.page.get_by_label("Size", exact=True).fill("0.1")
    expect(demo.page.locator(f"#{field}-error")).to_have_text("")


@pytest.mark.parametrize(
    ("side", "price", "size", "post_only", "sentence"),
    [
        ("Buy", "60000", "900", False, "less available than this order needs"),
        ("Buy", "10000", "0.1", False, "too far from the last one"),
        ("Buy", "60020", "0.1", True, "would trade at once"),
    ],
)
def test_what_the_exchange_refuses_is_explained(demo, program, side, price, size, post_only, sentence):
    program.place("sell", "60010", "0.1")
    demo.open_market()
    expect(demo.level("asks", "60,010.0")).to_be_visible()
    before = demo.available()
    demo.page.get_by_label("Post-only").set_checked(post_only)
    demo.place(side, price=price, size=size)
    expect(demo.outcome).to_contain_text(sentence)
    expect(demo.outcome).to_have_class("outcome bad")
    expect(demo.orders()).to_have_count(0)
    expect(demo.page.locator("#available")).to_have_text(before)


def test_an_unknown_market_is_a_page_that_says_so(terminal):
    answer = terminal.page.goto("/markets/NO-SUCH/")
    assert answer.status == 404
    expect(terminal.page.get_by_role("link", name="To the markets")).to_be_visible()


def test_an_order_of_somebody_else_cannot_be_canceled(demo, program):
    order = program.place("buy", "59000", "0.1")
    with pytest.raises(Exception, match="unknown_order"):
        demo.call("DELETE", f"/orders/{order['id']}")
    assert program.call("GET", f"/orders/{order['id']}")["status"] == "open"
