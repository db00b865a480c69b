"""manage.py snapshot: follow the journal to its head, prove it by replay, and write a snapshot."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from matching import snapshots
from matching.chain import JournalDamaged


class Command(BaseCommand):
    """For exchanges without a standby, and before an upgrade of the engine."""

    help = "Replay the journal from the newest snapshot and write a new one. Never disturbs the leader."

    def handle(self, **options: Any) -> None:
        from matching.leadership import Leadership
        from matching.process import Follower, start_replica

        directory = settings.MATCHING_SNAPSHOTS
        leadership = Leadership(settings.MATCHER_DATABASE_URL)
        try:
            replica = start_replica(leadership, directory)
            Follower(leadership=leadership, replica=replica, directory=directory).catch_up()
        except JournalDamaged as damage:
            raise CommandError(f"the journal is damaged: {damage}") from None
        finally:
            leadership.close()
        path = snapshots.write(replica, directory)
        self.stdout.write(f"sequence {replica.sequence}: {path}")
