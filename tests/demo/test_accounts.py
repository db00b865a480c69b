"""manage.py seed and demo_account, typed beside a running exchange as scripts do."""

import json
import stat
import time

import httpx
import pytest

from accounts import signing
from tests.patience import PATIENCE_S
from tests.stack import Stack, StackFailed

pytestmark = [pytest.mark.process, pytest.mark.xdist_group("stack")]


def balances(stack: Stack, account: dict) -> dict[str, str]:
    """By REST, with the account's own key."""
    headers = signing.headers(
        key=account["key"], secret=account["secret"], timestamp_ms=time.time_ns() // 1_000_000, method="GET",
        path_with_query="/api/v1/balances", window_ms=signing.WINDOW_MS_MAX,
    )  # fmt: skip
    answer = httpx.get(f"{stack.base_url}/api/v1/balances", headers=headers, trust_env=False, timeout=PATIENCE_S)
    assert answer.status_code == 200, answer.text
    return {row["asset"]: row["available"] for row in answer.json()["balances"]}


def test_an_account_is_made_funded_and_topped_up(stack):
    printed = stack.manage("demo_account", "carol", "--balance", "BTC=10", "--balance", "USDT=1000000", "--json")
    account = json.loads(printed)
    assert set(account) == {"account", "key", "secret"}
    assert isinstance(account["account"], int)
    assert balances(stack, account) == {"BTC": "10", "USDT": "1000000"}

    again = stack.account("carol", BTC="0.00000001", ETH="2")
    assert again == account
    assert balances(stack, account) == {"BTC": "10.00000001", "ETH": "2", "USDT": "1000000"}
    assert stack.account("carol") == account
    assert balances(stack, account) == {"BTC": "10.00000001", "ETH": "2", "USDT": "1000000"}
    assert stack.account("dave")["account"] != account["account"]


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("--balance", "BTC=1", "--balance", "DOGE=1"), "unknown_asset: DOGE=1"),
        (("--balance", "BTC=1", "--balance", "USDT=-1"), "invalid_amount"),
        (("--balance", "BTC=1", "--balance", "USDT=0"), "invalid_amount"),
        (("--balance", "BTC=1", "--balance", "USDT=NaN"), "invalid_number"),
        (("--balance", "BTC=1", "--balance", "USDT=0.0000001"), "too_precise"),
        (("--balance", "BTC=1", "--balance", f"USDT={'9' * 400}"), "invalid_number"),
        (("--balance", "BTC=1", "--balance", "USDT"), "is not ASSET=AMOUNT"),
        (("--rate-tier", "boundless",), "invalid choice"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_and_nothing_is_credited(stack, arguments, sentence):
    account = stack.account("erin", ETH="1")
    before = balances(stack, account)
    with pytest.raises(StackFailed) as caught:
        stack.manage("demo_account", "erin", *arguments)
    assert sentence in str(caught.value)
    assert "Traceback" not in str(caught.value).partition("--- ")[0]
    assert balances(stack, account) == before


def test_a_name_that_is_none_is_refused(stack):
    for name in ("", " ", "x" * 65, "two\nlines"):
        with pytest.raises(StackFailed, match="a name has 1 to 64"):
            stack.manage("demo_account", name, "--json")


def test_without_an_exchange_the_commands_say_so(stack, tmp_path, monkeypatch):
    for name, url in (("DATABASE_URL", ""), ("VAR_DIR", str(tmp_path))):
        monkeypatch.setitem(stack.env, name, url)
    for command in (("demo_account", "x"), ("seed",), ("bots",)):
        with pytest.raises(StackFailed, match="the exchange does not run") as caught:
            stack.manage(*command)
        assert "Traceback" not in str(caught.value).partition("--- ")[0]


def test_a_second_seed_changes_nothing(stack):
    sign_ins = stack.root / "var/demo-users.json"
    before = sign_ins.read_text()
    assert stat.S_IMODE(sign_ins.stat().st_mode) == 0o600
    assert [(user["username"], user["role"]) for user in json.loads(before)] == [
        ("operator", "superuser"), ("demo", "trader"),
    ]  # fmt: skip
    assert stack.manage("seed") == ""
    assert sign_ins.read_text() == before
    markets = httpx.get(f"{stack.base_url}/api/v1/markets", trust_env=False, timeout=PATIENCE_S).json()["markets"]
    assert [market["symbol"] for market in markets] == ["BTC-USDT", "ETH-USDT", "ETH-BTC"]


def test_lost_passwords_are_made_anew_and_work(stack):
    sign_ins = stack.root / "var/demo-users.json"
    old = {user["username"]: user["password"] for user in json.loads(sign_ins.read_text())}
    sign_ins.unlink()
    stack.manage("seed")
    new = {user["username"]: user["password"] for user in json.loads(sign_ins.read_text())}
    assert set(new) == set(old)
    assert not set(new.values()) & set(old.values())
    assert [signs_in(stack, "demo", password) for password in (old["demo"], new["demo"])] == [False, True]


def signs_in(stack: Stack, username: str, password: str) -> bool:
    with httpx.Client(base_url=stack.base_url, trust_env=False, timeout=PATIENCE_S) as http:
        http.get("/accounts/login/")
        form = {"login": username, "password": password, "csrfmiddlewaretoken": http.cookies["csrftoken"]}
        return http.post("/accounts/login/", data=form).status_code == 302
