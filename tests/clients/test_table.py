"""The page that tells which of ccxt's methods pass names them all, and is what the checks say."""

import ccxt.pro

from tests.clients import table
from tests.clients.probes import NO_METHODS, NOT_HERE, REST, SOCKETS


def test_every_method_of_ccxt_has_a_check_or_a_reason():
    has = {name for name, value in ccxt.pro.binance().has.items() if value}
    reasons = [method for methods in NOT_HERE.values() for method in methods]
    accounted = [*REST, *SOCKETS, *reasons, *NO_METHODS]
    assert sorted(accounted) == sorted(set(accounted))
    assert set(accounted) == has


def test_the_page_is_up_to_date():
    """It names each check as it is now; whether a method passes, test_methods.py tells. `make clients` writes it."""
    page = table.PAGE.read_text()
    assert page == table.write(table.read(page))
