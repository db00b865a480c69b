"""The state manager as a projection of the journal: blocks, their proof's tasks and the offset move together.

What is open lives in memory only. A start takes the last checkpoint and folds the journal from there: the blocks that
were sealed since must come out exactly as they are stored, root by root, and what is left is the open block.
"""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.conf import settings

from matching import journal
from matching.projection import Clock, Handler, Projection, lock_offset, offset
from rollup import alarm, blocks
from rollup.models import Block
from rollup.state.book import Book, Position, StateWrong
from rollup.state.folding import KINDS
from rollup.state.ledger import Ledger
from rollup.state.manager import Authority, Manager, SealedBlock
from rollup.state.parameters import PARAMETERS, Parameters
from rollup.state.records import write_state

Progress = Callable[[int, int], None]

logger = logging.getLogger(__name__)

NAME: Final = "rollup"
READ_BATCHES: Final = 256
# A checkpoint costs as much as the state is large, a start without one as much as was journaled since.
CHECKPOINT_BLOCKS: Final = 16
CHECKPOINT_S: Final = 60


class StateManager:
    """The one part of the projection `rollup`."""

    # Blocks are records and not read models: a rebuild proves them, and makes checkpoints anew (rollup.verification).
    tables: tuple[str, ...] = ()

    def __init__(self, parameters: Parameters, authority: Authority) -> None:
        self.parameters = parameters
        self.authority = authority
        self.manager: Manager
        # Sealed and not yet written, each with the state after it where a checkpoint is due.
        self._sealed: list[tuple[SealedBlock, bytes | None]] = []
        self._checkpoint_block = self._checkpoint_time_s = 0

    def handlers(self) -> dict[str, Handler]:
        """All kinds that matter to the state."""
        return dict.fromkeys(KINDS, self._fold)

    def load(self) -> None:
        """Be where the rows are: the state after the last stored block, and open what the journal had since."""
        # So that the journal is kept from its first batch on, until there is a checkpoint.
        lock_offset(blocks.CHECKPOINT_NAME)
        self._guarded(self._load)
        alarm.clear()

    def prove(self, last: Block, *, progress: Progress) -> bytes:
        """Make all blocks up to `last` again from the journal's first command on; the checkpoint after it.

        Raises StateWrong if they do not come out as they are stored, journal.Archived.
        """
        self.manager = Manager(Ledger(self.parameters, 0), Book(), self.authority, number=0, sealed=self._keep)
        self._replay((0, 0), (last.last_sequence, last.last_ordinal + 1), progress=progress)
        return write_state(self.manager.ledger, self.manager.book)

    def write(self, cursor: Any, now_us: int) -> None:
        """Close the open block if somebody asked for it, and keep what was sealed."""
        if blocks.take_request():
            self._guarded(self.manager.close)
        sealed, self._sealed = self._sealed, []
        for one, state in sealed:
            block = blocks.store_block(one)
            if state is not None:
                blocks.store_checkpoint(block, state)

    def age(self, cursor: Any, now_us: int) -> None:
        """Blocks are closed on request also while nothing happens."""
        self.write(cursor, now_us)

    def _load(self) -> None:
        ledger, book, checkpoint = blocks.load_checkpoint(self.parameters)
        self._checkpoint_block = checkpoint.block_id if checkpoint else 0
        self._checkpoint_time_s = checkpoint.block.time_s if checkpoint else 0
        self.manager = Manager(ledger, book, self.authority, number=self._checkpoint_block, sealed=self._keep)
        after = (checkpoint.sequence, checkpoint.ordinal) if checkpoint else (0, 0)
        self._replay(after, (offset(NAME) + 1, 0))

    def _replay(self, after: Position, before: Position, *, progress: Progress = lambda done, head: None) -> None:
        """Fold the journal's events between two positions into the blocks that were sealed of them."""
        self._sealed = []
        self.manager.expect(blocks.stored_after(self.manager.number, before=before))
        sequence = max(0, after[0] - 1)
        while sequence < before[0] and (batches := journal.read(after=sequence, limit=READ_BATCHES)):
            for batch in batches:
                self._replay_batch(batch, after, before)
            sequence = batches[-1].last
            progress(sequence, before[0])
        self.manager.end_replay()

    def _replay_batch(self, batch: journal.Batch, after: Position, before: Position) -> None:
        for sequence, events in enumerate(batch.events, batch.first):
            for ordinal, event in enumerate(events):
                if event[0] in KINDS and after < (sequence, ordinal) < before:
                    self.manager.fold(event, (sequence, ordinal), batch.time_us)

    def _fold(self, event: Sequence[Any], sequence: int, ordinal: int, time_us: int) -> None:
        self._guarded(lambda: self.manager.fold(event, (sequence, ordinal), time_us))

    def _keep(self, sealed: SealedBlock) -> None:
        state = None
        if (
            sealed.number - self._checkpoint_block >= CHECKPOINT_BLOCKS
            or sealed.time_s - self._checkpoint_time_s >= CHECKPOINT_S
        ):
            state = write_state(self.manager.ledger, self.manager.book)
            self._checkpoint_block, self._checkpoint_time_s = sealed.number, sealed.time_s
        self._sealed.append((sealed, state))

    def _guarded(self, step: Callable[[], object]) -> None:
        """Do a step; what is wrong is told to operators, and ends the process before anything is written."""
        try:
            step()
        except StateWrong as wrong:
            logger.critical("the rollup's state is wrong, no block is sealed any more: %s", wrong)
            alarm.raise_alarm(str(wrong))
            raise


def make_part(*, parameters: Parameters | None = None, authority: Authority | None = None) -> StateManager:
    """The state manager, of the settings' parameters and the current deployment's contract."""
    if authority is None:
        # What talks to chains is large, and the other projections' processes import this module too.
        from rollup.authority import ChainAuthority

        authority = ChainAuthority()
    return StateManager(parameters or PARAMETERS[settings.ROLLUP_PARAMETERS], authority)


def make_projection(
    *, parameters: Parameters | None = None, authority: Authority | None = None, now_us: Clock | None = None
) -> Projection:
    """The projection `rollup`."""
    part = make_part(parameters=parameters, authority=authority)
    return Projection(NAME, [part], now_us=now_us or (lambda: time.time_ns() // 1000))
