"""A journal and a snapshot that the former version of the engine really made are taken over by this one.

`data/version2.json.gz` was written by commit ab8d697: the rows of a history of random orders, lists and withdrawals,
the snapshot of its end, and what stood then.
"""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from django.conf import LazySettings

from matching import archive, snapshots
from matching.chain import JournalDamaged
from matching.consumer import Consumer
from matching.engine import ENGINE_VERSION, commands
from matching.leadership import Leadership
from matching.process import Follower, start_replica
from matching.replica import Replica
from matching.rows import Row
from matching.verification import verify_journal
from tests.matching.harness import MatcherProcess, eventually, execute

MADE = json.loads(gzip.decompress((Path(__file__).parent / "data" / "version2.json.gz").read_bytes()))
FACTS = MADE["facts"]
ROWS = [Row(*columns[:6], columns[6].encode(), bytes.fromhex(columns[7])) for columns in MADE["rows"]]


@pytest.fixture
def directory(tmp_path: Path, settings: LazySettings) -> Path:
    """The snapshots of a `var/` of version 2."""
    settings.MATCHING_SNAPSHOTS = tmp_path / "snapshots"
    settings.MATCHING_SNAPSHOTS.mkdir()
    (settings.MATCHING_SNAPSHOTS / MADE["name"]).write_text(MADE["snapshot"])
    return settings.MATCHING_SNAPSHOTS


@pytest.fixture
def writer(database_url: str) -> Iterator[Leadership]:
    """A leader whose journal is that of version 2."""
    leader = Leadership(database_url)
    eventually(leader.try_lock, what="whoever led in the test before is gone")
    leader.promote(Replica())
    for row in ROWS:
        leader.commit(row)
    yield leader
    leader.close()


def what_stands(replica: Replica) -> dict[str, Any]:
    engine = replica.engine
    return json.loads(json.dumps({
        "sequence": engine.sequence,
        "next_due": engine.next_due,
        "balances": [
            [id, [[asset, *there] for asset, there in engine.balances(id).items()]] for id in engine.accounts()
        ],
        "orders": [[id, engine.open_orders(id)] for id in engine.accounts()],
        "depth": [[id, *engine.depth(id)] for id in sorted(engine.markets)],
        "states": [[id, engine.markets[id].state, engine.markets[id].last] for id in sorted(engine.markets)],
    }))  # fmt: skip


def test_the_former_format_is_loaded_whole(directory: Path) -> None:
    (replica,) = snapshots.load_newest(directory)
    assert replica.version == ENGINE_VERSION - 1
    assert what_stands(replica) == FACTS
    assert any(order for _, order in FACTS["orders"]) and FACTS["next_due"] < 2**62, "the history left something"
    replica.engine.validate()
    again = Replica.load(json.loads(json.dumps(replica.dump())))
    assert again.dump() == replica.dump()


def test_what_stood_goes_on_under_the_new_rules(directory: Path) -> None:
    (replica,) = snapshots.load_newest(directory)
    engine = replica.engine
    now = engine.time_us + 1
    assert engine.apply(commands.complete(withdrawal=901), now) == [("complete", 901, 1, 1, 5, 0)]
    for account, orders in FACTS["orders"]:
        for order in orders:
            if order in engine.open_orders(account):
                assert engine.apply(commands.cancel(account=account, order=order), now)[-1][0] == "done"
                engine.validate()
    assert not any(any(side) for side in (engine.depth(market) for market in engine.markets))
    assert all(held == 0 for id in engine.accounts() if id != 2 for _, held in engine.balances(id).values())


def test_a_matcher_takes_over_where_the_former_one_stopped(writer: Leadership, directory: Path) -> None:
    replica = start_replica(writer, directory)
    assert replica.sequence == FACTS["sequence"]
    snapshots.write_base(replica, directory)
    consumer = Consumer(replica=replica, leadership=writer, reply=lambda *_: None, wake=lambda _: None)
    consumer.take_over()
    consumer._execute_own(commands.tick())
    assert replica.engine.version == ENGINE_VERSION

    verified = verify_journal()
    assert verified.sequence == replica.sequence == len(ROWS) + 2
    assert verified.state_hash == replica.engine.state_hash()
    with pytest.raises(archive.ArchiveRefused, match="former version"):
        archive.archive_oldest(directory=directory, snapshot_directory=directory, older_than_s=0)


def test_without_a_snapshot_of_its_end_the_journal_is_refused(
    writer: Leadership, directory: Path, tmp_path: Path
) -> None:
    follower = Follower(leadership=writer, replica=start_replica(writer, tmp_path), directory=tmp_path)
    with pytest.raises(
        JournalDamaged, match=r"sequence 1 .* takes over only from a snapshot of where the journal ends"
    ):
        follower.catch_up()


@pytest.mark.process
def test_a_real_matcher_goes_on_with_a_journal_of_the_former_version(
    writer: Leadership, directory: Path, database_url: str, redis_client: Any
) -> None:
    writer.close()
    process = MatcherProcess(database_url=database_url, snapshots=directory).start()
    try:
        process.wait_leading()
        (result,) = execute(commands.asset(asset=9, code="LATER", scale=2))
        assert (result.sequence, result.events) == (len(ROWS) + 2, [["asset", 9, "LATER", 2]])
    finally:
        process.kill()
    assert verify_journal().sequence == len(ROWS) + 2
