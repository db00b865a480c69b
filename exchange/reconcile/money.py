"""Balances and ledger against the engine, to the atom."""

from dataclasses import dataclass
from typing import Any

from exchange.reconcile.report import Report
from matching.engine import Engine
from wallets import selectors

Key = tuple[int, int]


@dataclass(slots=True)
class MoneyRows:
    """What the rows say: (available, held) by (account, asset), and each asset by id."""

    balances: dict[Key, tuple[int, int]]
    assets: dict[int, tuple[str, int]]


class LedgerSums:
    """Sums of the ledger's legs by (account, asset). Legs are only ever added, so each is read once."""

    def __init__(self) -> None:
        self._sums: dict[Key, int] = {}
        self._last_id = 0

    def read(self) -> dict[Key, int]:
        """The sums as of now, all legs included."""
        last_id = selectors.last_ledger_id()
        if last_id < self._last_id:
            self._sums, self._last_id = {}, 0
        for key, amount in selectors.ledger_sums(after_id=self._last_id).items():
            self._sums[key] = self._sums.get(key, 0) + amount
        self._last_id = last_id
        return self._sums


def read() -> MoneyRows:
    """The rows of wallets."""
    assets = {asset.id: (asset.code, asset.scale) for asset in selectors.list_assets()}
    return MoneyRows(selectors.all_balances(), assets)


def check(engine: Engine, rows: tuple[MoneyRows, dict[Key, int]], report: Report) -> None:
    """Note what differs between the engine and balances or ledger at the same sequence."""
    money, sums = rows
    report.compare("assets", {a.id: (a.code, a.scale) for a in engine.assets.values()}, money.assets)
    owned = {
        (account, asset): balance
        for account in engine.accounts()
        for asset, balance in engine.balances(account).items()
    }  # fmt: skip

    def name(key: Key) -> str:
        account, asset = key
        code = money.assets.get(asset, (f"asset {asset}", 0))[0]
        return f"of {'the outside' if account == selectors.OUTSIDE_ACCOUNT else f'account {account}'} in {code}"

    report.compare("balances (available, held)", owned, _without(money.balances, (0, 0)), name)
    expected = {key: available + held for key, (available, held) in owned.items()}
    # What is inside came from outside: the counterpart of all deposits and withdrawals.
    expected |= {(selectors.OUTSIDE_ACCOUNT, asset.id): -asset.total for asset in engine.assets.values() if asset.total}
    report.compare("ledger sums", expected, _without(sums, 0), name)
    _conservation(engine, money, sums, report)


def _conservation(engine: Engine, money: MoneyRows, sums: dict[Key, int], report: Report) -> None:
    """Within each asset the ledger sums to zero, and all balances to what the engine counts."""
    ledger_totals = dict.fromkeys(money.assets, 0)
    for (_, asset), amount in sums.items():
        ledger_totals[asset] = ledger_totals.get(asset, 0) + amount
    report.compare("ledger totals of assets", dict.fromkeys(ledger_totals, 0), ledger_totals)
    balance_totals = dict.fromkeys(money.assets, 0)
    for (_, asset), (available, held) in money.balances.items():
        balance_totals[asset] = balance_totals.get(asset, 0) + available + held
    report.compare("totals of assets", {a.id: a.total for a in engine.assets.values()}, balance_totals)


def _without(rows: dict[Key, Any], nothing: Any) -> dict[Key, Any]:
    return {key: value for key, value in rows.items() if value != nothing}
