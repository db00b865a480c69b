"""What a fresh exchange begins with: assets, markets, an operator, a funded trader. Again, it adds nothing."""

import json
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypedDict

from django.contrib.auth import get_user_model
from django.db import transaction

from accounts import selectors as accounts
from accounts import services as account_services
from accounts.problems import Problem
from matching import defaults, gateway, journal
from orders import selectors as orders
from orders.demo.accounts import fund
from orders.scales import amount_to_atoms
from wallets import selectors as wallets

PROJECTED_WITHIN_MS: Final = 30_000
OPERATOR: Final = "operator"
TRADER: Final = "demo"
TRADER_BALANCES: Final = (("BTC", "5"), ("ETH", "50"), ("USDT", "250000"))

Say = Callable[[str], None]


class SignIn(TypedDict):
    """A demo user; `role` is superuser or trader."""

    username: str
    password: str
    role: str


class SeedFailed(RuntimeError):
    """The exchange did not take what the seed asked for; the message says why."""


def seed(*, sign_ins: Path, say: Say) -> None:
    """Make what is missing. `sign_ins` keeps the demo users' passwords (mode 600).

    Raises SeedFailed, Problem, and GatewayError when the matcher does not answer.
    """
    list_assets_and_markets(say=say)
    kept = _read(sign_ins)
    users = [_ensure_user(OPERATOR, "superuser", kept, say), _ensure_user(TRADER, "trader", kept, say)]
    _write(sign_ins, users)
    _fund_trader(say)


def list_assets_and_markets(*, say: Say) -> None:
    """Make assets and markets that are missing, and wait until they can be read. Raises as `seed` does."""
    _await_read_models()
    _make_assets_and_markets(say)
    _await_read_models()


def _await_read_models() -> None:
    """The seed asks the read models what there is, so they must be as far as the journal."""
    head = journal.head()
    for name, selector in (("orders", orders), ("wallets", wallets)):
        if selector.wait_for_sequence(head, timeout_ms=PROJECTED_WITHIN_MS) < head:
            raise SeedFailed(f"the projection of {name} does not catch up; does `manage.py project {name}` run?")


def _make_assets_and_markets(say: Say) -> None:
    assets = {asset.id for asset in wallets.list_assets()}
    markets = {market.id for market in orders.list_markets()}
    # Only what is missing: an operator may have changed the rules of a market since.
    commands = [defaults.asset_command(rules) for rules in defaults.ASSETS if rules.id not in assets]
    commands += [defaults.market_command(rules) for rules in defaults.MARKETS if rules.id not in markets]
    if not commands:
        return
    for command, result in zip(commands, gateway.submit(commands, timeout_s=30), strict=True):
        kind, *fields = result.events[-1]
        if kind == "rejected":
            raise SeedFailed(f"{command[0]} {command[3]} was rejected: {fields[0]}")
        say(f"{command[0]} {command[3]} at sequence {result.sequence}")


def _ensure_user(username: str, role: str, kept: dict[str, SignIn], say: Say) -> SignIn:
    """The user with the kept password; one whose password was lost gets a new one."""
    users = get_user_model().objects
    sign_in = kept.get(username)
    user = users.filter(username=username).first()
    if user is not None and sign_in is not None:
        return sign_in
    password = sign_in["password"] if sign_in else secrets.token_urlsafe(9)
    with transaction.atomic():
        if user is None:
            is_superuser = role == "superuser"
            user = users.create_user(username, password=password, is_staff=is_superuser, is_superuser=is_superuser)
            if not is_superuser:
                account_services.create_account(user=user)
        else:
            user.set_password(password)
            user.save(update_fields=["password"])
    say(f"user {username}")
    return {"username": username, "password": password, "role": role}


def _fund_trader(say: Say) -> None:
    try:
        account = accounts.account_of_user(get_user_model().objects.get(username=TRADER))
    except Problem:
        say(f"user {TRADER} has no trading account")
        return
    amounts = [(code, amount_to_atoms(text, wallets.get_asset(code=code).scale)) for code, text in TRADER_BALANCES]
    # The reference makes it once: a second seed finds the deposits done.
    fund(account_id=account.pk, amounts=amounts, reference=f"seed-{account.pk}")


def _read(path: Path) -> dict[str, SignIn]:
    try:
        return {entry["username"]: entry for entry in json.loads(path.read_text())}
    except FileNotFoundError:
        return {}


def _write(path: Path, users: list[SignIn]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_text(json.dumps(users, indent=2) + "\n")
