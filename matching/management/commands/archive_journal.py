"""manage.py archive_journal: the oldest partition of the journal to a file, or the newest of those files back."""

from argparse import ArgumentParser
from pathlib import Path
from typing import Any, Final

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching import archive
from matching.chain import JournalDamaged

# Client order ids and gateway sessions are remembered for a day, and answered from the journal.
OLDER_THAN_H: Final = 48


class Command(BaseCommand):
    """Beside the running exchange. Keep the files as long as the books must be kept: they are the journal."""

    help = "Prove the oldest complete partition of the journal, write it to a file, and take it out of the database."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--directory", type=Path, default=settings.VAR_DIR / "archive", help="where files go")
        parser.add_argument("--older-than", type=int, default=OLDER_THAN_H, metavar="HOURS", help="default: 48")
        parser.add_argument("--restore", action="store_true", help="put the newest archived part back instead")
        parser.add_argument("--file", type=Path, help="restore from this copy of its file")

    def handle(self, *, directory: Path, older_than: int, restore: bool, file: Path | None, **options: Any) -> None:
        try:
            if restore:
                done = archive.restore_newest(file)
            else:
                done = archive.archive_oldest(
                    directory=directory, snapshot_directory=settings.MATCHING_SNAPSHOTS, older_than_s=older_than * 3600
                )
        except (archive.ArchiveRefused, JournalDamaged) as error:
            raise CommandError(str(error)) from None
        word = "restored" if restore else "archived"
        self.stdout.write(f"{word} sequences {done.first} to {done.last}: {file or done.file}, SHA-256 {done.sha256}")
