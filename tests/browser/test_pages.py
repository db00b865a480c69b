"""The other pages, small screens, and that nothing jumps."""

import re

import pytest
from playwright.sync_api import expect


def test_the_list_of_markets_has_live_prices(terminal, program):
    terminal.page.goto("/")
    terminal.expect_live()
    rows = terminal.page.locator("tr[data-market]")
    expect(rows).to_have_count(3)
    program.place("sell", "3000", "0.5", "ETH-USDT")
    program.place("buy", "3000", "0.5", "ETH-USDT")
    row = terminal.page.locator("tr[data-market=ETH-USDT]")
    expect(row.locator(".last")).to_have_text("3,000.00")
    row.get_by_role("link").click()
    expect(terminal.page).to_have_url(re.compile("/markets/ETH-USDT/$"))


def test_an_api_key_is_shown_once_and_can_be_revoked(demo):
    demo.page.goto("/keys/")
    demo.page.get_by_label("Label").fill("my bot")
    demo.page.get_by_role("button", name="Make a key").click()
    key = demo.page.locator("#made-key")
    expect(key).to_have_text(re.compile("^[0-9a-f]{32}$"))
    expect(demo.page.locator("#made-secret")).to_have_text(re.compile("^.{43}$"))
    row = demo.page.locator("#keys tr").filter(has_text=key.inner_text())
    expect(row).to_contain_text("read, trade")
    secret = demo.page.locator("#made-secret").inner_text()
    demo.page.reload()
    expect(row).to_contain_text("my bot")
    assert secret not in demo.page.content()

    demo.page.on("dialog", lambda dialog: dialog.accept())
    row.get_by_role("button").click()
    expect(row).to_contain_text("revoked")


def test_a_wrong_network_of_a_key_is_told(demo):
    demo.page.goto("/keys/")
    expect(demo.page.locator("#keys-table")).to_have_attribute("aria-busy", "false")
    count = demo.page.locator("#keys tr").count()
    demo.page.get_by_label("Only from these networks").fill("not-a-network")
    demo.page.get_by_role("button", name="Make a key").click()
    expect(demo.page.locator("#wrong")).to_contain_text("ip_allow")
    expect(demo.page.locator("#made")).to_be_hidden()
    assert demo.page.locator("#keys tr").count() == count


@pytest.mark.parametrize(
    "path", ["/", "/markets/BTC-USDT/", "/keys/", "/wallet/", "/accounts/login/", "/accounts/signup/"]
)
def test_no_page_is_wider_than_a_phone(open_terminal, demo, path):
    demo.page.set_viewport_size({"width": 390, "height": 844})
    phone = demo if path.startswith(("/m", "/k", "/w")) else open_terminal(width=390, height=844)
    phone.page.goto(path)
    expect(phone.page.locator("main")).to_be_visible()
    assert phone.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_an_order_on_a_phone(open_terminal, demo):
    demo.page.set_viewport_size({"width": 390, "height": 844})
    demo.open_market()
    demo.place("Buy", price="58500", size="0.01")
    expect(demo.outcome).to_contain_text("is in the book")
    expect(demo.orders()).to_have_count(1)


def test_nothing_jumps_when_data_arrives(demo, program):
    demo.page.add_init_script(
        """
        window.shifts = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
        }).observe({ type: 'layout-shift', buffered: true });
        """
    )
    demo.open_market()
    for price in range(59_900, 59_910):
        program.place("buy", str(price), "0.1")
    program.place("sell", "59909", "0.35")
    expect(demo.page.locator("#trades li").first).to_contain_text("59,9")
    expect(demo.level("bids", "59,900.0")).to_be_visible()
    assert sum(demo.page.evaluate("window.shifts")) < 0.02


def test_candles_are_drawn_and_read(demo, program):
    program.place("sell", "60000", "0.1")
    program.place("buy", "60000", "0.1")
    demo.open_market()
    expect(demo.page.locator("#chart-empty")).to_be_hidden()
    expect(demo.page.locator("#ohlc")).to_contain_text("C 60,000.0")
    demo.page.get_by_role("button", name="1h", exact=True).click()
    expect(demo.page.get_by_role("button", name="1h", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(demo.page.locator("#ohlc")).to_contain_text("C 60,000.0")
    # Drawn with the next frame, so it may come a moment after the words.
    demo.page.wait_for_function(
        """() => {
          const chart = document.getElementById('chart');
          const pixels = chart.getContext('2d').getImageData(0, 0, chart.width, chart.height).data;
          return pixels.some((value, i) => i % 4 === 3 && value > 0);
        }"""
    )
