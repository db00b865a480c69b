"""What a person does with the web terminal, by the names that the page gives things."""

import re
from typing import Any

import psycopg
from playwright.sync_api import Locator, Page, expect

from tests.stack import Stack, wait_until


class Terminal:
    """One browser page."""

    def __init__(self, page: Page, stack: Stack) -> None:
        self.page = page
        self.stack = stack

    def sign_up(self, username: str, password: str) -> None:
        """By the page's form, from the market list."""
        self.page.goto("/")
        self.page.get_by_role("link", name="Sign up").click()
        self.page.get_by_label("Username").fill(username)
        self.page.get_by_label("Password:").fill(password)
        self.page.get_by_label("Password (again):").fill(password)
        self.page.get_by_role("button", name="Sign Up").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def sign_in(self, username: str, password: str) -> None:
        """By the page's form."""
        self.page.goto("/accounts/login/")
        self.page.get_by_label("Login").fill(username)
        self.page.get_by_label("Password").fill(password)
        self.page.get_by_role("button", name="Sign In").click()
        expect(self.page.get_by_role("button", name="Sign out")).to_be_visible()

    def open_market(self, symbol: str = "BTC-USDT") -> None:
        """Until it is live."""
        self.page.goto(f"/markets/{symbol}/")
        self.expect_live()

    def expect_live(self) -> None:
        """The connection says so."""
        expect(self.page.locator("#connection")).to_have_attribute("data-state", "live")

    def call(self, method: str, path: str, body: Any = None) -> Any:
        """A REST call of this session, as the page itself makes them."""
        self.page.goto("/keys/")
        return self.page.evaluate(
            """async ([method, path, body]) => {
              const token = document.querySelector('input[name=csrfmiddlewaretoken]').value;
              const answer = await fetch('/api/v1' + path, { method, headers: {
                'X-CSRFToken': token, 'Content-Type': 'application/json' }, body: body && JSON.stringify(body) });
              const text = await answer.text();
              if (!answer.ok) throw new Error(text);
              return text ? JSON.parse(text) : null;
            }""",
            [method, path, body],
        )

    def available(self, asset: str = "USDT") -> str:
        """What there is to spend, as the form says it when all that was done until now has come to the page."""
        with psycopg.connect(self.stack.env["DATABASE_URL"]) as connection:
            (head,) = connection.execute("SELECT head FROM matching_leader").fetchone() or (0,)
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.page.evaluate("fetch('/api/v1/balances').then((answer) => answer.json())"))
            return bool(found["sequence"] >= head)

        wait_until(is_there, "the balances as of now")
        (amount,) = (row["available"] for row in found["balances"] if row["asset"] == asset)
        whole, point, decimals = amount.partition(".")
        text = f"{int(whole):,}{point}{decimals} {asset}"
        expect(self.page.locator("#available")).to_have_text(text)
        return text

    def place(self, side: str, *, price: str = "", size: str = "", kind: str = "Limit") -> None:
        """Fill in the form and send it."""
        self.page.get_by_role("radio", name=side).check(force=True)
        self.page.get_by_role("radio", name=kind).check(force=True)
        if price:
            self.price.fill(price)
        self.page.get_by_label("Size", exact=True).fill(size)
        self.page.locator("#submit").click()

    @property
    def price(self) -> Locator:
        """The field of the limit price."""
        return self.page.get_by_role("textbox", name=re.compile("^Price"))

    @property
    def outcome(self) -> Locator:
        """What the form says about the last order."""
        return self.page.locator("#outcome")

    def level(self, side: str, price: str) -> Locator:
        """A level of the book, by its price as text with decimals."""
        return self.page.locator(f"#{side} li").filter(has=self.page.get_by_text(price, exact=True))

    def orders(self) -> Locator:
        """The rows of open orders."""
        return self.page.locator("#orders tr")

    def show(self, tab: str) -> None:
        """Choose a tab of what is mine."""
        self.page.get_by_role("tab", name=tab).click()
