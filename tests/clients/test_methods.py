"""Each method of ccxt's binance that is for spot does here what it says."""

import pytest

from tests.clients import order_probes, rest_probes  # noqa: F401  they fill the table
from tests.clients.probes import REST
from tests.clients.rest_probes import Desk


def checks(table):
    """Each check once, named by the first method it is for."""
    named = {}
    for probe in table.values():
        named.setdefault(probe.run, probe.method)
    return [pytest.param(run, id=method) for run, method in named.items()]


@pytest.mark.parametrize("check", checks(REST))
def test_blocking(check, trader, maker):
    check(Desk(trader, maker))
