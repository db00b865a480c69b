"""The matcher's whole memory: engine, sessions, and the end of the hash chain. Leader and standby have the same."""

from collections.abc import Sequence
from typing import Any, Final

from matching.engine import ENGINE_VERSION, Engine
from matching.rows import GENESIS_HASH, Row, chain, decode_json, encode_json, head_matches

SESSION_IDLE_US_MAX: Final = 24 * 3600 * 1_000_000


class JournalDamaged(Exception):
    """The journal is not what was written, or this program does not compute what it says. Nothing must go on."""


class Replica:
    """State after `sequence` commands. `replay` follows the journal; a leader applies, commits, and calls `advance`.

    `sessions` maps a gateway's session to its last batch: (number, first sequence, time in µs), least recently used
    first. The reply to that batch is in the journal at its first sequence.
    """

    def __init__(self) -> None:
        self.engine = Engine()
        self.sessions: dict[str, tuple[int, int, int]] = {}
        self.hash = GENESIS_HASH
        self.epoch = 0
        self.version = 0  # of the engine, as journaled; 0 before the first command

    @property
    def sequence(self) -> int:
        return self.engine.sequence

    def replay(self, row: Row) -> None:
        """Apply a journaled batch and compare everything. Raises JournalDamaged."""
        self._check(row)
        commands = decode_json(row.commands_json)
        self._check_version(row, commands)
        apply, time_us = self.engine.apply, row.time_us
        events = [apply(command, time_us) for command in commands]
        if encode_json(events).encode() != row.events_json or self.engine.sequence != row.last:
            raise JournalDamaged(f"replay differs from the journal: {_difference(row, events)}")
        self.advance(row, commands)

    def advance(self, row: Row, commands: Sequence[Any]) -> None:
        """The row is durable and applied: move the chain and the sessions on."""
        self.hash = row.hash
        self.epoch = row.epoch
        if commands[0][0] == "engine" and commands[0][2] > 0:
            self.version = commands[0][2]
        if row.session:
            self.sessions.pop(row.session, None)
            self.sessions[row.session] = (row.number, row.first, row.time_us)
        self._evict(row.time_us)

    def _check(self, row: Row) -> None:
        at = f"in the batch of sequences {row.first} to {row.last}"
        if row.first != self.sequence + 1:
            raise JournalDamaged(f"sequences {self.sequence + 1} to {row.first - 1} are missing or double")
        if chain(self.hash, row.body) != row.hash:
            raise JournalDamaged(f"the hash chain breaks {at}")
        if not head_matches(row):
            raise JournalDamaged(f"the columns contradict the hashed body {at}")
        if row.epoch < self.epoch:
            raise JournalDamaged(f"the epoch falls from {self.epoch} to {row.epoch} {at}")
        if row.time_us < self.engine.time_us:
            raise JournalDamaged(f"time falls {at}")

    def _check_version(self, row: Row, commands: list[Any]) -> None:
        if self.version != ENGINE_VERSION and (commands[0][0], commands[0][2:]) != ("engine", [ENGINE_VERSION]):
            raise JournalDamaged(
                f"sequence {row.first} was made by engine version {self.version or 'unknown'}, this program has "
                f"{ENGINE_VERSION}: start from a snapshot of the sequence at which this version took over"
            )

    def _evict(self, time_us: int) -> None:
        while self.sessions:
            session, (_, _, used_us) = next(iter(self.sessions.items()))
            if time_us - used_us <= SESSION_IDLE_US_MAX:
                return
            del self.sessions[session]

    def dump(self) -> dict[str, Any]:
        """Everything, JSON-able."""
        return {
            "sequence": self.sequence,
            "hash": self.hash.hex(),
            "epoch": self.epoch,
            "version": self.version,
            "sessions": [[session, *entry] for session, entry in self.sessions.items()],
            "engine": self.engine.dump(),
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> "Replica":
        """Inverse of dump."""
        replica = cls()
        replica.engine = Engine.load(dump["engine"])
        replica.hash = bytes.fromhex(dump["hash"])
        replica.epoch = dump["epoch"]
        replica.version = dump["version"]
        replica.sessions = {session: (number, first, time_us) for session, number, first, time_us in dump["sessions"]}
        return replica


def _difference(row: Row, events: list[Any]) -> str:
    """The first command whose events differ, for whoever has to look into it."""
    recorded = decode_json(row.events_json)
    for index, (was, now) in enumerate(zip(recorded, decode_json(encode_json(events)), strict=False)):
        if was != now:
            return f"sequence {row.first + index} has {was} in the journal, {now} now"
    return f"{len(recorded)} results in the journal, {len(events)} now"
