"""manage.py journal: the journal for human eyes."""

import re
from argparse import ArgumentParser, ArgumentTypeError
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand

from matching.printing import Entry, entries


def _range(text: str) -> tuple[int, int | None]:
    """A sequence, or A..B with either end left out."""
    match = re.fullmatch(r"(\d*)(\.\.)?(\d*)", text)
    if not match or not text.strip("."):
        raise ArgumentTypeError("give a sequence, or a range as 10..20, 10.. or ..20")
    low, dots, high = match.groups()
    return int(low or 1), int(high) if high else (None if dots else int(low))


class Command(BaseCommand):
    """One line a command, one a event below it."""

    help = "Print commands and their events, by sequence, account or order."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--sequence", type=_range, default=(1, None), metavar="A..B")
        parser.add_argument("--account", type=int, help="only what names this account")
        parser.add_argument("--order", type=int, help="only what names this order")
        parser.add_argument("--limit", type=int, default=100, help="at most so many commands (100; 0: all)")

    def handle(
        self, *, sequence: tuple[int, int | None], account: int | None, order: int | None, limit: int, **options: Any
    ) -> None:  # fmt: skip
        first, last = sequence
        for shown, entry in enumerate(entries(first=first, last=last, account=account, order=order), start=1):
            self._print(entry)
            if shown == limit:
                self.stdout.write(f"… stopped after {limit} commands; --limit gives more")
                return

    def _print(self, entry: Entry) -> None:
        # Times are of the journal, so they are shown whole and in UTC.
        seconds, micros = divmod(entry.time_us, 1_000_000)
        time = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S") + f".{micros:06d}Z"
        self.stdout.write(f"{entry.sequence:>10}  {time}  {entry.command}")
        for event in entry.events:
            self.stdout.write(f"{'':>10}    → {event}")
