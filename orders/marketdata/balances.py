"""Balances of every account, folded from events alone (docs/protocol.md section 3, "Money, by event").

A fold and not an engine: it needs no rules, no engine version and no order of checks, and it is a
second witness of the engine's money that the tests compare. Pure; amounts are atoms.
"""

from collections.abc import Iterable


class Balances:
    """Available and held by account and asset; remembers which changed since they were last taken."""

    __slots__ = ("_changed", "accounts")

    def __init__(self) -> None:
        self.accounts: dict[int, dict[int, list[int]]] = {}
        self._changed: dict[int, set[int]] = {}

    def move(self, account: int, asset: int, available: int, held: int) -> None:
        """Change what an account has available and held by these, negative or not."""
        assets = self.accounts.get(account)
        if assets is None:
            assets = self.accounts[account] = {}
        balance = assets.get(asset)
        if balance is None:
            assets[asset] = [available, held]
        else:
            balance[0] += available
            balance[1] += held
        changed = self._changed.get(account)
        if changed is None:
            self._changed[account] = {asset}
        else:
            changed.add(asset)

    def take_changed(self) -> dict[int, set[int]]:
        """Assets by account that changed since the last call."""
        changed, self._changed = self._changed, {}
        return changed

    def of(self, account: int, assets: Iterable[int] | None = None) -> list[tuple[int, int, int]]:
        """(asset, available, held) by rising asset; all of the account's when `assets` is None."""
        have = self.accounts.get(account, {})
        return [(asset, *have.get(asset, (0, 0))) for asset in sorted(have if assets is None else assets)]
