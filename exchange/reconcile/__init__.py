"""Do the read models say what the journal says? An engine of our own replays it; then both are compared.

With a chain: does the rollup's state say what the ledger says, and does the contract hold what both say?

report = Reconciler(snapshots=settings.MATCHING_SNAPSHOTS).compare(thorough=True)
"""

import time
from pathlib import Path

from django.db import connection, transaction

from exchange.reconcile import money, settled, trading
from exchange.reconcile.report import Report
from exchange.reconcile.witness import Witness
from matching.chain import JournalDamaged
from orders import selectors as orders
from wallets import selectors as wallets

__all__ = ["Reconciler", "Report"]


class Reconciler:
    """Keeps its engine and the ledger's sums between comparisons, so that the next one costs only what is new."""

    def __init__(self, *, snapshots: Path) -> None:
        self._witness = Witness(snapshots)
        self._ledger = money.LedgerSums()
        self._at_state = settled.StateSums()

    def compare(self, *, thorough: bool) -> Report:
        """Compare everything that stands: balances, open orders, books, ledger, conservation.

        `thorough` also sums the whole ledger anew and holds all orders and candles against all trades.
        """
        started = time.monotonic()
        with transaction.atomic(), connection.cursor() as cursor:
            # One moment for all reads; the offsets say which.
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
            report = Report(orders=orders.sequence(), wallets=wallets.sequence())
            if thorough:
                self._ledger, self._at_state = money.LedgerSums(), settled.StateSums()
            sums = self._ledger.read()
            money_rows = money.read()
            trading_rows = trading.read(thorough=thorough)
            settled_rows = settled.read(sums, self._at_state, report)
            if settled_rows is not None:
                settled.check(settled_rows, report)
        try:
            # The two read models may stand at different sequences; the engine passes the lower one first.
            steps = [(report.orders, trading.check, trading_rows), (report.wallets, money.check, (money_rows, sums))]
            for sequence, check, rows in sorted(steps, key=lambda step: step[0]):
                check(self._witness.at(sequence), rows, report)  # type: ignore[operator]
            self._witness.engine.validate()
        except (JournalDamaged, AssertionError) as error:
            # The engine cannot say what is right any more; the next comparison begins with a new one.
            self._witness.forget()
            report.differ("journal", str(error), "can be replayed", "cannot")
        report.seconds = time.monotonic() - started
        return report
