"""Each method of ccxt's binance that is for spot does here what it says."""

import pytest

from tests.clients import account_probes, order_probes, rest_probes, venue  # noqa: F401  they fill the tables
from tests.clients.probes import REST, SOCKETS
from tests.clients.rest_probes import Desk
from tests.clients.socket_probes import Trading


def checks(table):
    """Each check once, named by the first method it is for."""
    named = {}
    for probe in table.values():
        named.setdefault(probe.run, probe.method)
    return [pytest.param(run, id=method) for run, method in named.items()]


@pytest.mark.parametrize("check", checks(REST))
def test_blocking(check, trader, maker):
    check(Desk(trader, maker))


@pytest.mark.parametrize("check", checks(SOCKETS))
def test_over_sockets(check, trader, maker, stack, accounts):
    venue.with_pro(stack, accounts["trader"], lambda client: check(Trading(trader, maker, client)))
