"""Partitions of the journal, by sequence. Kept ahead of the head by the leader, so that no insert ever lacks one."""

from typing import Any, Final

SEQUENCES_PER_PARTITION: Final = 10_000_000


def ensure_partitions(connection: Any, *, head: int, width: int = SEQUENCES_PER_PARTITION) -> list[str]:
    """Create the partition that `head` + 1 falls into and the one after; returns the names of the new ones.

    The table is made first and attached then: ATTACH does not keep readers out, CREATE … PARTITION OF would.
    """
    made = []
    current = (head + 1) // width
    with connection.cursor() as cursor:
        for number in (current, current + 1):
            name = f"matching_journal_{number * width:015d}"
            cursor.execute("SELECT to_regclass(%s)", (name,))
            if cursor.fetchone()[0] is not None:
                continue
            # Names and bounds are integers of ours; DDL takes no parameters. Sent as one, they are one transaction:
            # a table that was made and not attached would be taken for a partition ever after.
            cursor.execute(
                f"CREATE TABLE {name}"
                " (LIKE matching_journal INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE);"
                f"ALTER TABLE matching_journal ATTACH PARTITION {name} "
                f"FOR VALUES FROM ({number * width}) TO ({(number + 1) * width})"
            )
            made.append(name)
    return made
