"""The market data process: follow the journal, fold, publish, and keep the fold on disk.

It may be killed at any moment. On start it loads its last saved fold, folds in silence up to what Redis says was
published, and goes on from there with the very messages that would have come; a socket notices nothing.
When Redis was emptied, or the break was long, everything is stored anew and all sockets are told to fetch it.
"""

import logging
import time
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any, Final

import redis

from matching import journal
from matching.journal import Batch
from orders.marketdata import names, state
from orders.marketdata.fold import Changes, Fold
from orders.marketdata.publisher import Lost, Publisher
from orders.marketdata.state import Mark

log = logging.getLogger(__name__)

# Further behind than this, clients are better off with a fresh snapshot than with every delta.
REPLAY_MAX: Final = 20_000
SAVE_S: Final = 30.0
WATCH_S: Final = 5.0
RETRY_S: Final = 0.25
REBUILD_BATCHES: Final = 64
PROGRESS_EVERY: Final = 200_000


class MarketData:
    """One run of the process. `stop` is asked all the time; `path` is where the fold is kept."""

    def __init__(
        self, *, client: redis.Redis, push_tickers: Callable[[list[tuple[str, bytes]]], None], path: Path,
        stop: Callable[[], bool],
    ) -> None:  # fmt: skip
        self._redis = client
        self._publisher = Publisher(client, push_tickers)
        self._path = path
        self._stop = stop
        self._fold = Fold()
        self._mark: Mark | None = None
        self._watched: set[int] = set()
        self._save_at = self._watch_at = 0.0
        self._saved = 0

    def run(self) -> None:
        """Serve until told to stop; then save."""
        self._load()
        self._until_redis(self._catch_up)
        # Before the first batch: what it changes for these accounts would be missing.
        self._until_redis(self._refresh_watched)
        log.info("market data is live at sequence %d", self._fold.sequence)
        self._save_at = time.monotonic() + SAVE_S
        for batches in journal.follow(after=self._fold.sequence, stop=self._stop):
            self._publish(batches)
            if time.monotonic() >= self._save_at:
                self._save()
        self._save()

    def _load(self) -> None:
        loaded = state.load(self._path)
        if loaded is None:
            return
        fold, mark = loaded
        batches = journal.read(after=mark.last - 1, limit=1, up_to=mark.last)
        if not batches or mark_of(batches[0]) != mark:
            log.warning("%s belongs to another journal; folding this one anew", self._path)
            return
        self._fold, self._mark, self._saved = fold, mark, mark.last

    def _catch_up(self) -> None:
        """Fold up to where Redis stands, or to the head when that is of no use."""
        published, head = self._publisher.published(), journal.head()
        if published is not None and max(self._fold.sequence, head - REPLAY_MAX) <= published <= head:
            self._fold_silently(published)
            if self._fold.sequence == published:
                self._publisher.resume(published)
                return
        self._fold_silently(head)
        self._publisher.reset(self._fold)

    def _fold_silently(self, up_to: int) -> None:
        began, reported = time.monotonic(), self._fold.sequence
        while self._fold.sequence < up_to and not self._stop():
            batches = journal.read(after=self._fold.sequence, limit=REBUILD_BATCHES, up_to=up_to)
            for batch in batches:
                self._take(batch, watched=())
            if self._fold.sequence - reported >= PROGRESS_EVERY:
                reported = self._fold.sequence
                log.info("folded %d of %d commands in %.1f s", reported, up_to, time.monotonic() - began)

    def _take(self, batch: Batch, watched: Collection[int]) -> Changes:
        try:
            changes = self._fold.apply(
                first=batch.first, time_us=batch.time_us, events=batch.events, watched=watched
            )  # fmt: skip
        except Exception:
            # Whatever is wrong, the next start shall not begin with the same fold.
            self._path.unlink(missing_ok=True)
            raise
        self._mark = mark_of(batch)
        return changes

    def _publish(self, batches: list[Batch]) -> None:
        for batch in batches:
            self._publisher.add(self._take(batch, self._watched), self._fold)
        try:
            self._serve()
        except (Lost, redis.RedisError, OSError) as error:
            log.warning("Redis lost touch (%s); storing everything anew", error)
            self._until_redis(lambda: self._publisher.reset(self._fold))

    def _serve(self) -> None:
        now = time.monotonic()
        if now >= self._watch_at:
            self._watch_at = now + WATCH_S
            self._refresh_watched()
        asked = self._publisher.flush(self._fold)
        self._watched.update(asked)
        self._publisher.send_snapshots(self._fold, sorted(set(asked)))

    def _refresh_watched(self) -> None:
        """Accounts that somebody listens to, by the leases that sockets processes renew."""
        self._redis.zremrangebyscore(names.WATCHED, "-inf", time.time())
        leased: Any = self._redis.zrange(names.WATCHED, 0, -1)
        self._watched = set(map(int, leased))

    def _until_redis(self, action: Callable[[], None]) -> None:
        while not self._stop():
            try:
                return action()
            except (redis.RedisError, OSError) as error:
                log.warning("no Redis: %s", error)
                time.sleep(RETRY_S)
        return None

    def _save(self) -> None:
        self._save_at = time.monotonic() + SAVE_S
        if self._mark is not None and self._fold.sequence > self._saved:
            state.save(self._path, self._fold, self._mark)
            self._saved = self._fold.sequence


def mark_of(batch: Batch) -> Mark:
    """What tells a batch from one of another journal."""
    return Mark(batch.first, batch.last, batch.session, batch.number, batch.time_us)
