"""Archiving: an old partition leaves the database as a file, the journal stays provable, and everything comes back."""

import gzip
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from matching import archive, journal
from matching.archive import ArchiveRefused, archive_oldest, restore_newest
from matching.chain import JournalDamaged
from matching.engine import commands
from matching.models import JournalArchive, ProjectionOffset
from matching.partitions import ensure_partitions
from matching.verification import verify_journal
from tests.matching.harness import MatcherProcess, execute, fund
from tests.patience import PATIENCE_S

pytestmark = pytest.mark.process
SMALL = 12  # sequences in the first partition, which has ten millions otherwise


@pytest.fixture
def small_partition(database_url: str) -> Iterator[None]:
    """Before the partitions that a leader makes, one that ends soon."""
    with connection.cursor() as cursor:
        _drop_all(cursor)
        low = 0
        for name, high in (("small", SMALL), (f"{0:015d}", 10_000_000), (f"{10_000_000:015d}", 20_000_000)):
            table = f"CREATE TABLE matching_journal_{name} PARTITION OF matching_journal"
            cursor.execute(f"{table} FOR VALUES FROM ({low}) TO ({high})")
            low = high
    yield
    with connection.cursor() as cursor:
        _drop_all(cursor)
        cursor.execute("DELETE FROM matching_journalarchive")
    ensure_partitions(connection, head=0)


def _drop_all(cursor: Any) -> None:
    for partition in archive._partitions():
        cursor.execute(f"DROP TABLE {partition.name}")


@pytest.fixture
def full(small_partition: None, matcher: MatcherProcess) -> MatcherProcess:
    """A journal that has left its first partition behind."""
    for _ in range(SMALL):
        fund(account=7, USDT="1")
    return matcher


@pytest.fixture
def places(full: MatcherProcess, settings, tmp_path: Path) -> dict[str, Path]:
    settings.MATCHING_SNAPSHOTS = Path(full.environment["MATCHING_SNAPSHOTS"])
    return {"directory": tmp_path / "archive", "snapshot_directory": settings.MATCHING_SNAPSHOTS}


def test_the_journal_is_proven_and_goes_on_without_its_oldest_part(
    full: MatcherProcess, places: dict[str, Path]
) -> None:
    before = verify_journal()
    archived = archive_oldest(**places, older_than_s=0)
    assert (archived.first, archived.last >= SMALL - 1) == (1, True)
    after = verify_journal()
    assert (after.sequence, after.hash, after.state_hash) == (before.sequence, before.hash, before.state_hash)
    assert after.batches < before.batches
    assert verify_journal(replay=False).hash == before.hash
    with pytest.raises(journal.Archived, match="archive_journal --restore"):
        journal.read(after=0)
    with pytest.raises(LookupError):
        journal.events_at(1)

    # A matcher without any other snapshot begins where the archive ends, and has all the money.
    full.kill()
    full.start().wait_leading()
    assert f"loaded snapshot at sequence {archived.last}" in full.output()
    (result,) = execute(commands.hold(withdrawal=1, account=7, asset=2, amount=SMALL * 1_000_000))
    assert result.events[-1][0] == "hold"
    assert verify_journal().sequence == journal.head()


def test_what_was_archived_comes_back(full: MatcherProcess, places: dict[str, Path]) -> None:
    rows = [batch.events for batch in journal.read(after=0)]
    archive_oldest(**places, older_than_s=0)
    restore_newest()
    assert [batch.events for batch in journal.read(after=0)] == rows
    assert not JournalArchive.objects.exists()
    before = verify_journal()
    # And may go again.
    archive_oldest(**places, older_than_s=0)
    assert verify_journal().hash == before.hash


def test_what_may_still_be_needed_stays(full: MatcherProcess, places: dict[str, Path]) -> None:
    with pytest.raises(ArchiveRefused, match="younger than 3600 s"):
        archive_oldest(**places, older_than_s=3600)
    ProjectionOffset.objects.create(name="slow", sequence=3)
    with pytest.raises(ArchiveRefused, match="a follower has not come"):
        archive_oldest(**places, older_than_s=0)
    ProjectionOffset.objects.all().delete()
    archive_oldest(**places, older_than_s=0)
    with pytest.raises(ArchiveRefused, match="not complete yet"):
        archive_oldest(**places, older_than_s=0)
    assert journal.read(after=JournalArchive.objects.get().last)


def test_a_changed_file_is_not_taken_back_and_a_missing_snapshot_is_told(
    full: MatcherProcess, places: dict[str, Path]
) -> None:
    archived = archive_oldest(**places, older_than_s=0)
    forged = Path(archived.file).with_name("forged.gz")
    lines = gzip.decompress(Path(archived.file).read_bytes()).replace(b"1000000", b"2000000")
    forged.write_bytes(gzip.compress(lines))
    with pytest.raises(JournalDamaged, match="hash chain breaks"):
        restore_newest(forged)
    with pytest.raises(journal.Archived):
        journal.read(after=0)
    for path in places["snapshot_directory"].glob("base-*"):
        path.unlink()
    with pytest.raises(JournalDamaged, match="snapshot where the archive ends"):
        verify_journal()
    assert verify_journal(replay=False).sequence == journal.head()


def test_the_command_says_what_it_did(full: MatcherProcess, tmp_path: Path) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "manage.py", *arguments], env=full.environment, capture_output=True, text=True,
            check=False, timeout=PATIENCE_S,
        )  # fmt: skip

    young = run("archive_journal", f"--directory={tmp_path}")
    assert (young.returncode, "younger than" in young.stderr, "Traceback" in young.stderr) == (1, True, False)
    done = run("archive_journal", f"--directory={tmp_path}", "--older-than=0")
    assert done.stdout.startswith("archived sequences 1 to "), done.stderr
    assert run("verify_journal").stdout.startswith("journal in order")
    assert run("archive_journal", "--restore").stdout.startswith("restored sequences 1 to ")
    assert run("verify_journal").stdout.startswith("journal in order")
