"""The hash chain of the journal, as far as it can be checked without the engine."""

from dataclasses import dataclass

from matching.rows import GENESIS_HASH, Row, chain, head_matches


class JournalDamaged(Exception):
    """The journal is not what was written, or this program does not compute what it says. Nothing must go on."""


@dataclass(slots=True)
class Chain:
    """The end of a checked part of the journal, from its beginning or from a snapshot."""

    sequence: int = 0
    hash: bytes = GENESIS_HASH
    epoch: int = 0
    time_us: int = 0

    def check(self, row: Row) -> None:
        """Whether `row` is the next one. Raises JournalDamaged."""
        at = f"in the batch of sequences {row.first} to {row.last}"
        if row.first != self.sequence + 1:
            raise JournalDamaged(f"sequences {self.sequence + 1} to {row.first - 1} are missing or double")
        if chain(self.hash, row.body) != row.hash:
            raise JournalDamaged(f"the hash chain breaks {at}")
        if not head_matches(row):
            raise JournalDamaged(f"the columns contradict the hashed body {at}")
        if row.epoch < self.epoch:
            raise JournalDamaged(f"the epoch falls from {self.epoch} to {row.epoch} {at}")
        if row.time_us < self.time_us:
            raise JournalDamaged(f"time falls {at}")

    def step(self, row: Row) -> None:
        """`row` is checked, or was just written by us."""
        self.sequence, self.hash, self.epoch, self.time_us = row.last, row.hash, row.epoch, row.time_us
