"""Headless Chromium before a real, whole exchange (tests/stack.py)."""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from accounts import signing
from tests.browser.terminal import Terminal
from tests.patience import PATIENCE_S
from tests.stack import Stack

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--no-first-run",
]  # fmt: skip
WAIT_MS_MAX = 1_000 * PATIENCE_S
expect.set_options(timeout=WAIT_MS_MAX)


def chromium() -> str | None:
    """Where the browser is: CHROMIUM, or what the machine has."""
    return os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of these drive a browser, on one stack, so in one worker."""
    missing = pytest.mark.skip(reason="no chromium on this machine; CHROMIUM= names one")
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.browser)
            item.add_marker(pytest.mark.process)
            item.add_marker(pytest.mark.xdist_group("stack"))
            if chromium() is None:
                item.add_marker(missing)


@contextmanager
def chromium_open() -> Iterator[Browser]:
    """A browser. While it is open its event loop keeps other tests of this process from using the database."""
    with sync_playwright() as playwright:
        one = playwright.chromium.launch(executable_path=chromium(), args=FLAGS)
        yield one
        one.close()


@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """One browser for all tests here, closed when they end; each test gets contexts of its own."""
    with chromium_open() as one:
        yield one


class Complaints:
    """What pages complained of: exceptions, and what the Content-Security-Policy stopped."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def watch(self, page: Page) -> None:
        """Listen to a page."""
        page.on("pageerror", lambda error: self.found.append(str(error)))
        page.on("console", lambda line: "Content Security Policy" in line.text and self.found.append(line.text))


@pytest.fixture
def open_terminal(browser: Browser, stack: Stack):
    """Makes terminals, each with a browser session of its own; no page may complain of anything."""
    contexts: list[BrowserContext] = []
    complaints = Complaints()

    def make(*, width: int = 1400, height: int = 900) -> Terminal:
        context = browser.new_context(base_url=stack.base_url, viewport={"width": width, "height": height})
        context.set_default_timeout(WAIT_MS_MAX)
        contexts.append(context)
        page = context.new_page()
        complaints.watch(page)
        return Terminal(page, stack)

    yield make
    for context in contexts:
        context.close()
    assert complaints.found == []


@pytest.fixture
def terminal(open_terminal) -> Terminal:
    """One terminal, signed out."""
    return open_terminal()


@pytest.fixture
def demo(open_terminal, stack: Stack) -> Terminal:
    """A terminal of the seeded, funded trader, without open orders."""
    users = json.loads((stack.root / "var/demo-users.json").read_text())
    terminal = open_terminal()
    terminal.sign_in("demo", next(user["password"] for user in users if user["username"] == "demo"))
    terminal.call("DELETE", "/orders")
    return terminal


class Program:
    """A trader without a browser: signed REST requests."""

    def __init__(self, base_url: str, account: dict[str, object]) -> None:
        self.account_id = account["account"]
        self._key, self._secret = str(account["key"]), str(account["secret"])
        self._http = httpx.Client(base_url=base_url, trust_env=False, timeout=PATIENCE_S)

    def call(self, method: str, path: str, body: dict[str, object] | None = None) -> dict[str, object]:
        """The answer's JSON; any refusal fails the test."""
        content = b"" if body is None else json.dumps(body).encode()
        path = f"/api/v1{path}"
        headers = signing.headers(
            key=self._key, secret=self._secret, timestamp_ms=time.time_ns() // 1_000_000, method=method,
            path_with_query=path, body=content, window_ms=signing.WINDOW_MS_MAX,
        )  # fmt: skip
        headers["Content-Type"] = "application/json"
        answer = self._http.request(method, path, content=content, headers=headers)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else {}

    def place(self, side: str, price: str, size: str, market: str = "BTC-USDT") -> dict[str, object]:
        """A limit order."""
        return self.call("POST", "/orders", {"market": market, "side": side, "price": price, "size": size})


@pytest.fixture
def program(stack: Stack) -> Iterator[Program]:
    """A funded trader without a browser; its orders are gone at the end."""
    one = Program(stack.base_url, stack.account("program", BTC="10", ETH="100", USDT="1000000"))
    yield one
    one.call("DELETE", "/orders")
