"""manage.py market_state: halt, restrict or open a market from the command line, for when the admin is not at hand."""

from argparse import ArgumentParser
from typing import Any

from django.contrib.auth import get_user_model
from django.core.management.base import BaseCommand, CommandError

from accounts.operators import Operator
from accounts.problems import Problem
from matching.engine.commands import STATES
from matching.gateway import GatewayError
from orders import listing, operators


class Command(BaseCommand):
    """The same command with the same audit row as in the admin. Cancels are taken in every state."""

    help = "Put a market into a state, by a command through the matcher, and say at which sequence."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("symbol", help="such as BTC-USDT, or all")
        parser.add_argument("state", choices=STATES)
        parser.add_argument("--by", required=True, metavar="USER", help="who orders it: a staff user's name")

    def handle(self, *, symbol: str, state: str, by: str, **options: Any) -> None:
        user = get_user_model().objects.filter(username=by, is_staff=True, is_active=True).first()
        if user is None:
            raise CommandError(f"no staff user {by}")
        operator = Operator(user_id=user.pk, ip=None)
        try:
            markets = listing.all_markets() if symbol == "all" else [listing.by_symbol(symbol)]
            for market in markets:
                result = operators.set_market_state(market_id=market.id, symbol=market.symbol, state=state, by=operator)
                self.stdout.write(f"{market.symbol} is {state}, sequence {result.sequence}")
        except Problem as error:
            raise CommandError(str(error)) from None
        except GatewayError as error:
            raise CommandError(f"{error.code}: {error}") from None
