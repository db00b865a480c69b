"""What a comparison found."""

import time
from dataclasses import dataclass, field
from typing import Any, Final

# A broken read model differs in a million rows; the first ones and the count say it.
LISTED_MAX: Final = 100


@dataclass(slots=True)
class Report:
    """`orders` and `wallets` are the sequences compared at; `compared` counts what was, by kind."""

    orders: int
    wallets: int
    compared: dict[str, int] = field(default_factory=dict)
    differences: list[str] = field(default_factory=list)
    # What is no difference and worth a line: what is on its way, and what could not be asked.
    notes: list[str] = field(default_factory=list)
    count: int = 0
    time_ms: int = field(default_factory=lambda: time.time_ns() // 1_000_000)
    seconds: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.count

    @property
    def sequence(self) -> int:
        """Everything was compared up to here."""
        return min(self.orders, self.wallets)

    def differ(self, kind: str, what: str, expected: object, found: object) -> None:
        """Note a difference: the journal says `expected`, the rows say `found`."""
        self.count += 1
        if len(self.differences) < LISTED_MAX:
            self.differences.append(f"{kind} {what}: {expected} by the journal, {found} in the rows")

    def compare(self, kind: str, expected: dict[Any, Any], found: dict[Any, Any], name: Any = str) -> None:
        """Note every key whose value differs; `name` makes text of a key. Values of None are not there."""
        self.compared[kind] = self.compared.get(kind, 0) + len(expected)
        if expected == found:
            return
        for key in sorted(expected.keys() | found.keys()):
            if expected.get(key) != found.get(key):
                self.differ(kind, name(key), expected.get(key, "nothing"), found.get(key, "nothing"))

    def detail(self) -> str:
        """One sentence for people."""
        if self.ok:
            compared = ", ".join(f"{count:,} {kind}" for kind, count in self.compared.items())
            return f"equal at sequence {self.sequence:,}: {compared}"
        return f"{self.count:,} differences at sequence {self.sequence:,}, the first: {self.differences[0]}"

    def as_dict(self) -> dict[str, Any]:
        """For JSON."""
        return {
            "ok": self.ok,
            "sequence": self.sequence,
            "sequences": {"orders": self.orders, "wallets": self.wallets},
            "time_ms": self.time_ms,
            "took_ms": int(self.seconds * 1000),
            "detail": self.detail(),
            "compared": self.compared,
            "count": self.count,
            "differences": self.differences,
            "notes": self.notes,
        }
