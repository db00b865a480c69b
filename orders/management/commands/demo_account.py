"""manage.py demo_account: a funded account with an API key, for scripts and tests."""

import json
from argparse import ArgumentParser, ArgumentTypeError
from typing import Any

from django.conf import settings

from orders.demo.accounts import DemoAccount, demo_account
from orders.demo.command import DemoCommand


def _balance(text: str) -> tuple[str, str]:
    code, equals, amount = text.partition("=")
    if not (code and equals and amount):
        raise ArgumentTypeError(f"{text!r} is not ASSET=AMOUNT, like BTC=10")
    return code, amount


class Command(DemoCommand):
    """Prints the account's id, key and secret."""

    help = "Create a funded account with an API key, or add to the balances of the one of that name."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="up to 64 characters; the same name is the same account")
        parser.add_argument(
            "--balance", type=_balance, action="append", default=[], metavar="ASSET=AMOUNT",
            help="amount to add, like BTC=10; may be given many times",
        )  # fmt: skip
        parser.add_argument(
            "--rate-tier", choices=[tier for tier in settings.RATE_LIMITS if tier != "public"], default="standard",
            help="rate limits of a new account (standard)",
        )  # fmt: skip
        parser.add_argument("--json", action="store_true", help='print {"account": …, "key": …, "secret": …}')

    def handle(
        self, *, name: str, balance: list[tuple[str, str]], rate_tier: str, json: bool, **options: Any
    ) -> None:  # fmt: skip
        made = demo_account(name=name, balances=balance, rate_tier=rate_tier)
        self.stdout.write(_as_json(made) if json else _as_text(made))


def _as_json(made: DemoAccount) -> str:
    return json.dumps({"account": made.account, "key": made.key, "secret": made.secret})


def _as_text(made: DemoAccount) -> str:
    return f"account {made.account}\nkey     {made.key}\nsecret  {made.secret}"
