"""The matcher's whole memory: engine, sessions, and the end of the hash chain. Leader and standby have the same."""

from typing import Any, Final

from matching.chain import Chain, JournalDamaged
from matching.engine import ENGINE_VERSION, Engine
from matching.rows import Row, decode_json, encode_json

SESSION_IDLE_US_MAX: Final = 24 * 3600 * 1_000_000


class Replica:
    """State after `sequence` commands. `replay` follows the journal; a leader applies, commits, and calls `advance`.

    `sessions` maps a gateway's session to its last batch: (number, first sequence, time in µs), least recently used
    first. The reply to that batch is in the journal at its first sequence.
    """

    def __init__(self) -> None:
        self.engine = Engine()
        self.chain = Chain()
        self.sessions: dict[str, tuple[int, int, int]] = {}

    @property
    def sequence(self) -> int:
        return self.engine.sequence

    @property
    def version(self) -> int:
        """The engine's version that the journal names last; 0 before the first command."""
        return self.engine.version if self.sequence else 0

    def replay(self, row: Row) -> None:
        """Apply a journaled batch and compare everything. Raises JournalDamaged."""
        self.chain.check(row)
        commands = decode_json(row.commands_json.decode())
        self._check_version(row, commands)
        try:
            events = self.engine.apply_all(commands, row.time_us)
        except Exception as error:
            raise JournalDamaged(f"replay fails in sequences {row.first} to {row.last}: {error!r}") from error
        if encode_json(events).encode() != row.events_json or self.engine.sequence != row.last:
            raise JournalDamaged(f"replay differs from the journal: {_difference(row, events)}")
        self.advance(row)

    def advance(self, row: Row) -> None:
        """The row is durable and applied: move the chain and the sessions on."""
        self.chain.step(row)
        if row.session:
            self.sessions.pop(row.session, None)
            self.sessions[row.session] = (row.number, row.first, row.time_us)
        self._evict(row.time_us)

    def _check_version(self, row: Row, commands: list[Any]) -> None:
        version = self.version
        if version != ENGINE_VERSION and (commands[0][0], commands[0][2:]) != ("engine", [ENGINE_VERSION]):
            raise JournalDamaged(
                f"sequence {row.first} was made by engine version {version or 'unknown'}; this program has "
                f"{ENGINE_VERSION} and takes over only from a snapshot of where the journal ends. Let the former "
                "program run once more and stop: make run leaves one then, elsewhere manage.py snapshot does. "
                "Or begin anew, with an empty VAR_DIR"
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
            "hash": self.chain.hash.hex(),
            "epoch": self.chain.epoch,
            "sessions": [[session, *entry] for session, entry in self.sessions.items()],
            "engine": self.engine.dump(),
        }

    @classmethod
    def load(cls, dump: dict[str, Any]) -> "Replica":
        """Inverse of dump."""
        replica = cls()
        engine = replica.engine = Engine.load(dump["engine"])
        replica.chain = Chain(engine.sequence, bytes.fromhex(dump["hash"]), dump["epoch"], engine.time_us)
        replica.sessions = {session: (number, first, time_us) for session, number, first, time_us in dump["sessions"]}
        return replica


def _difference(row: Row, events: list[Any]) -> str:
    """The first command whose events differ, for whoever has to look into it."""
    recorded = decode_json(row.events_json)
    for index, (was, now) in enumerate(zip(recorded, decode_json(encode_json(events)), strict=False)):
        if was != now:
            return f"sequence {row.first + index} has {was} in the journal, {now} now"
    return f"{len(recorded)} results in the journal, {len(events)} now"
