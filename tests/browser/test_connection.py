"""The socket goes and comes back: the page says so and misses nothing."""

from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import expect

from tests.stack import Stack


@contextmanager
def without_sockets(stack: Stack) -> Iterator[None]:
    """They are back afterwards, for the tests to come too."""
    stack.end("sockets")
    try:
        yield
    finally:
        stack.launch("sockets")


def test_the_page_survives_the_loss_of_the_socket_server(demo, program, stack):
    program.place("buy", "59900", "0.5")
    demo.open_market()
    expect(demo.level("bids", "59,900.0")).to_contain_text("0.50000")

    with without_sockets(stack):
        expect(demo.page.locator("#connection")).to_have_attribute("data-state", "waiting")
        expect(demo.page.locator("#connection")).to_contain_text("Connection lost")
        # Meanwhile the world goes on, and so may the person: orders go by REST.
        program.call("DELETE", "/orders")
        program.place("buy", "59800", "0.25")
        demo.place("Buy", price="59700", size="0.1")
        expect(demo.outcome).to_contain_text("is in the book")
        expect(demo.orders()).to_have_count(1)
    demo.expect_live()
    expect(demo.level("bids", "59,800.0")).to_contain_text("0.25000")
    expect(demo.level("bids", "59,700.0")).to_contain_text("0.10000")
    expect(demo.level("bids", "59,900.0")).to_have_count(0)
    expect(demo.orders()).to_have_count(1)
    stack.wait_ready()


def test_what_was_filled_during_the_loss_is_shown_after_it(demo, program, stack):
    demo.open_market()
    demo.place("Sell", price="60200", size="0.1")
    expect(demo.orders()).to_have_count(1)
    with without_sockets(stack):
        expect(demo.page.locator("#connection")).to_have_attribute("data-state", "waiting")
        program.place("buy", "60200", "0.1")
    demo.expect_live()
    expect(demo.orders()).to_have_count(0)
    demo.show("Fills")
    expect(demo.page.locator("#fills tr").first).to_contain_text("60,200.0")
    stack.wait_ready()


def test_a_missed_update_makes_the_page_ask_for_a_snapshot(demo, program):
    program.place("buy", "59950", "0.5")
    # Swallow one update of the book on its way into the page.
    demo.page.add_init_script(
        """
        const listen = Object.getOwnPropertyDescriptor(WebSocket.prototype, 'onmessage');
        window.swallow = 0;
        window.snapshots = 0;
        Object.defineProperty(WebSocket.prototype, 'onmessage', { ...listen, set(handler) {
          listen.set.call(this, (event) => {
            const message = JSON.parse(event.data);
            if (message.channel === 'book' && message.type === 'snapshot') window.snapshots += 1;
            if (message.channel === 'book' && message.type === 'update' && window.swallow-- > 0) return;
            handler(event);
          });
        } });
        """
    )
    demo.open_market()
    expect(demo.level("bids", "59,950.0")).to_be_visible()
    demo.page.evaluate("window.swallow = 1")
    program.place("buy", "59940", "0.1")
    # Two orders close together may come in one update: the second is placed when the first is lost.
    demo.page.wait_for_function("window.swallow < 1")
    program.place("buy", "59930", "0.2")
    expect(demo.level("bids", "59,940.0")).to_contain_text("0.10000")
    expect(demo.level("bids", "59,930.0")).to_contain_text("0.20000")
    assert demo.page.evaluate("window.snapshots") == 2
