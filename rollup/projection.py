"""The state manager as a projection of the journal: blocks, their proof's tasks and the offset move together.

What is open lives in memory only. A start takes the last checkpoint and folds the journal from there: the blocks that
were sealed since must come out exactly as they are stored, root by root, and what is left is the open block.
"""

import logging
from collections.abc import Callable, Sequence
from typing import Any, Final

from django.conf import settings

from matching import journal
from matching.projection import Handler, Projection, lock_offset, offset
from rollup import alarm, blocks
from rollup.authority import ChainAuthority
from rollup.models import Checkpoint
from rollup.state.book import Position, StateWrong
from rollup.state.folding import KINDS
from rollup.state.manager import Authority, Manager, SealedBlock
from rollup.state.parameters import PARAMETERS, Parameters
from rollup.state.records import write_state

logger = logging.getLogger(__name__)

NAME: Final = "rollup"
READ_BATCHES: Final = 256
# A checkpoint costs as much as the state is large, a start without one as much as was journaled since.
CHECKPOINT_BLOCKS: Final = 16
CHECKPOINT_S: Final = 60


class StateManager:
    """The one part of the projection `rollup`."""

    # Blocks are records and not read models: a rebuild proves them, and makes checkpoints anew (rollup.rebuilding).
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
        self._guarded(lambda: self.replay(*self._from_checkpoint(), up_to=offset(NAME)))
        alarm.clear()

    def replay(self, manager: Manager, after: Position, *, up_to: int) -> None:
        """Fold the journal after a position, up to a sequence, into the blocks that were sealed of it."""
        self.manager = manager
        self._sealed = []
        manager.expect(blocks.stored_after(manager.number))
        sequence = max(0, after[0] - 1)
        while sequence < up_to:
            for batch in journal.read(after=sequence, limit=READ_BATCHES, up_to=up_to):
                self._replay_batch(batch, after, up_to)
                sequence = batch.last
        manager.end_replay()

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

    def _from_checkpoint(self) -> tuple[Manager, Position]:
        ledger, book, checkpoint = blocks.load_checkpoint(self.parameters)
        self._note_checkpoint(checkpoint)
        manager = Manager(
            ledger, book, self.authority, number=checkpoint.block_id if checkpoint else 0, sealed=self._keep
        )
        return manager, (checkpoint.sequence, checkpoint.ordinal) if checkpoint else (0, 0)

    def _note_checkpoint(self, checkpoint: Checkpoint | None) -> None:
        self._checkpoint_block = checkpoint.block_id if checkpoint else 0
        self._checkpoint_time_s = checkpoint.block.time_s if checkpoint else 0

    def _replay_batch(self, batch: journal.Batch, after: Position, up_to: int) -> None:
        for sequence, events in enumerate(batch.events, batch.first):
            if sequence > up_to:
                break
            for ordinal, event in enumerate(events):
                if (sequence, ordinal) > after and event[0] in KINDS:
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


def make_projection(
    *, parameters: Parameters | None = None, authority: Authority | None = None
) -> Projection:  # fmt: skip
    """The projection `rollup`, of the settings' parameters and the current deployment's contract."""
    part = StateManager(parameters or PARAMETERS[settings.ROLLUP_PARAMETERS], authority or ChainAuthority())
    return Projection(NAME, [part])
