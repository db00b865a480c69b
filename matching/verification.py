"""The whole journal against its hashes, its own order, the leader row, and the engine."""

from collections.abc import Callable
from typing import Final, NamedTuple

from django.conf import settings
from django.db import connection

from matching import archive, snapshots
from matching.chain import Chain, JournalDamaged
from matching.models import JournalArchive, Leader
from matching.replica import Replica
from matching.rows import select_rows

_PAGE: Final = 64


class Verified(NamedTuple):
    """What was found in order: number of commands and batches, and the chain's last hash in hex."""

    sequence: int
    batches: int
    hash: str
    state_hash: str  # of the engine at the end; empty without replay


def verify_journal(*, replay: bool = True, progress: Callable[[int], None] = lambda sequence: None) -> Verified:
    """Check every row in the database, from the last hash of the archive on. Raises JournalDamaged.

    With `replay`, also that the engine gives the same events byte for byte, from the snapshot where the archive ends,
    or where this version of the rules took over.
    A journal that grows meanwhile is checked up to the head it had at the beginning.
    """
    archived = archive.newest()
    leader = Leader.objects.filter(id=1).first()
    head = leader.head if leader else 0
    chain = Chain(archived.last, bytes(archived.hash), archived.epoch, archived.time_us) if archived else Chain()
    begins = _beginning(archived) if replay else None
    replica = None
    batches = 0
    while chain.sequence < head:
        rows = select_rows(connection, after=chain.sequence, limit=_PAGE, up_to=head)
        if not rows:
            raise JournalDamaged(f"the journal ends at sequence {chain.sequence}, the leader row at {head}")
        for row in rows:
            if begins and begins.sequence == chain.sequence:
                replica, chain, begins = begins, begins.chain, None
            if replica:
                replica.replay(row)
            else:
                chain.check(row)
                chain.step(row)
        batches += len(rows)
        progress(chain.sequence)
    if begins and begins.sequence == chain.sequence:
        replica = begins
    if leader and chain.hash != bytes(leader.hash):
        raise JournalDamaged(f"the last hash is not the leader row's, at sequence {head}")
    if leader is None and select_rows(connection, after=0, limit=1):
        raise JournalDamaged("there is a journal, but no leader row that says where it ends")
    return Verified(chain.sequence, batches, chain.hash.hex(), replica.engine.state_hash() if replica else "")


def _beginning(archived: JournalArchive | None) -> Replica:
    """The replica from which on the journal can be replayed."""
    directory = settings.MATCHING_SNAPSHOTS
    return snapshots.taken_over(connection, directory) or archive.base_of(archived, directory)
