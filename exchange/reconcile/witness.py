"""An engine that replays the journal to any sequence further on, checking hashes and events as it goes."""

import logging
from pathlib import Path
from typing import Final

from django.db import connection

from matching import snapshots
from matching.chain import JournalDamaged
from matching.engine import Engine
from matching.replica import Replica
from matching.rows import select_rows

log = logging.getLogger(__name__)

ROWS_AT_A_TIME: Final = 64


class Witness:
    """Begins at the newest fitting snapshot, else at nothing."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._replica: Replica | None = None

    @property
    def engine(self) -> Engine:
        """The engine where it stands."""
        return self._replica.engine if self._replica else Engine()

    def forget(self) -> None:
        """Begin anew next time."""
        self._replica = None

    def at(self, sequence: int) -> Engine:
        """The engine at this sequence, the end of a batch. Raises JournalDamaged."""
        if self._replica is None or self._replica.sequence > sequence:
            self._replica = self._begin(sequence)
        replica = self._replica
        while replica.sequence < sequence:
            rows = select_rows(connection, after=replica.sequence, limit=ROWS_AT_A_TIME, up_to=sequence)
            if not rows:
                raise JournalDamaged(f"it ends at {replica.sequence}, and a read model stands at {sequence}")
            for row in rows:
                replica.replay(row)
        if replica.sequence != sequence:
            raise JournalDamaged(f"a read model stands at {sequence}, in the midst of a batch")
        return replica.engine

    def _begin(self, sequence: int) -> Replica:
        for replica in snapshots.load_newest(self._directory):
            if not 0 < replica.sequence <= sequence:
                continue
            if snapshots.belongs(connection, replica):
                log.info("begin at the snapshot of sequence %s", replica.sequence)
                return replica
        return Replica()
