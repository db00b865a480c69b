"""Proving the stored blocks by the journal, from its first command on: `manage.py rebuild rollup`.

Nothing is sealed: blocks may be on the chain. Every one must come out of the journal as it is stored; then the
checkpoints, which only spare a start that work, are made anew.
"""

from django.db import connection, transaction

from matching import borrowing
from matching.rebuild import AlreadyRunning
from rollup import blocks
from rollup.models import Block, Checkpoint
from rollup.projection import NAME, Progress, StateManager

LOCK = "rebuild_rollup"


def rebuild(part: StateManager, *, progress: Progress = lambda done, head: None) -> int:
    """Replay the journal up to the last stored block; the sequence of its last event, 0 if there is none.

    The state manager may run meanwhile. Raises AlreadyRunning; StateWrong, with the rows as they were, when a block
    does not follow from the journal; journal.Archived when its beginning lies in a file.
    """
    with borrowing.keeping(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(hashtext(%s))", [LOCK])
        if not cursor.fetchone()[0]:
            raise AlreadyRunning(NAME)
        try:
            return _rebuild(part, progress)
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtext(%s))", [LOCK])


def _rebuild(part: StateManager, progress: Progress) -> int:
    last = Block.objects.order_by("-number").first()
    if last is None:
        return 0
    state = part.prove(last, progress=progress)
    with transaction.atomic():
        Checkpoint.objects.all().delete()
        blocks.store_checkpoint(last, state)
    return last.last_sequence
