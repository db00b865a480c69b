"""The parts of sockets that need no process: the chain of positions, the outbox."""

import asyncio
from typing import Any

import pytest

from orders.marketdata.frames import NO_CHAIN, Envelope, seal, unseal
from orders.sockets.limits import CLOSE_SLOW, OUTBOX_BYTES_MAX, OUTBOX_MESSAGES_MAX
from orders.sockets.outbox import Outbox
from orders.sockets.topics import Subscription, Topics


class Ears:
    """A listener that remembers."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def push(self, text: str) -> None:
        self.heard.append(text)


def message(prev: int, last: int) -> Envelope:
    return Envelope(prev, last, [f"{prev}>{last}".encode()])


def listening() -> tuple[Topics, Subscription, Ears, list[str]]:
    wanted: list[str] = []
    topics, ears = Topics(wanted.append), Ears()
    subscription = Subscription(ears, "t")
    topics.add(subscription)
    return topics, subscription, ears, wanted


def test_an_envelope_comes_back() -> None:
    assert unseal(seal(7, 9, b"one\n", b"", b"three")) == Envelope(7, 9, [b"one\n", b"", b"three"])
    assert unseal(seal(NO_CHAIN, 0, b"")) == Envelope(NO_CHAIN, 0, [b""])


def test_what_comes_before_the_snapshot_follows_it() -> None:
    topics, subscription, ears, wanted = listening()
    for prev, last in ((3, 5), (5, 6), (6, 9)):
        topics.dispatch("t", message(prev, last))
    assert ears.heard == []
    # The snapshot is of 5, and its tail tells of 6 as well.
    assert subscription.begin(5, "snapshot", [(5, 6, "tail 6")])
    topics.dispatch("t", message(9, 10))
    assert ears.heard == ["snapshot", "tail 6", "6>9", "9>10"]
    assert wanted == []


def test_an_old_message_is_dropped_and_a_gap_asks_for_a_snapshot() -> None:
    topics, subscription, ears, wanted = listening()
    assert subscription.begin(5, "snapshot")
    topics.dispatch("t", message(3, 5))
    topics.dispatch("t", message(6, 7))
    topics.dispatch("t", message(7, 8))
    assert (ears.heard, wanted) == (["snapshot"], ["t"])
    assert topics.waiting("t") == [subscription]
    assert subscription.begin(7, "again")
    assert ears.heard == ["snapshot", "again", "7>8"]


def test_a_snapshot_that_is_too_old_asks_for_another() -> None:
    topics, subscription, ears, _ = listening()
    topics.dispatch("t", message(7, 8))
    assert not subscription.begin(5, "old")
    assert topics.waiting("t") == [subscription]
    assert subscription.begin(7, "new")
    assert ears.heard == ["old", "new", "7>8"]


def test_after_a_loss_everybody_starts_again() -> None:
    topics, subscription, ears, wanted = listening()
    subscription.begin(5, "snapshot")
    topics.restart()
    topics.dispatch("t", message(9, 10))
    assert (ears.heard, wanted) == (["snapshot"], ["t"])
    subscription.begin(10, "again")
    assert ears.heard == ["snapshot", "again"]


def test_messages_without_a_chain_are_absolute() -> None:
    topics, subscription, ears, _ = listening()
    subscription.begin(5, "snapshot")
    for last in (4, 5, 8):
        topics.dispatch("t", Envelope(NO_CHAIN, last, [str(last).encode()]))
    assert ears.heard == ["snapshot", "5", "8"]


def test_nobody_is_left_behind() -> None:
    topics, subscription, _, _ = listening()
    other = Subscription(Ears(), "t")
    assert not topics.add(other)
    assert not topics.remove(subscription)
    assert topics.remove(other)
    assert topics.names() == []
    assert not topics.remove(other)


class Wire:
    """Where an outbox sends to; `open` lets messages pass."""

    def __init__(self) -> None:
        self.sent: list[dict[str, Any]] = []
        self.open = asyncio.Event()
        self.aborted = False

    async def send(self, event: dict[str, Any]) -> None:
        await self.open.wait()
        self.sent.append(event)

    def abort(self) -> None:
        self.aborted = True


async def started(wire: Wire) -> tuple[Outbox, "asyncio.Task[None]"]:
    outbox = Outbox(wire.send, wire.abort)
    return outbox, asyncio.create_task(outbox.run())


@pytest.mark.parametrize("text", ["x", "x" * (OUTBOX_BYTES_MAX // 100)])
def test_a_slow_reader_gets_a_goodbye_in_place_of_the_rest(text: str) -> None:
    async def scene() -> None:
        wire = Wire()
        outbox, task = await started(wire)
        for _ in range(OUTBOX_MESSAGES_MAX + 2):
            outbox.push(text)
            await asyncio.sleep(0)
        assert outbox.is_closing
        wire.open.set()
        await task
        assert [event["type"] for event in wire.sent] == ["websocket.send", "websocket.close"]
        assert (wire.sent[-1]["code"], wire.sent[-1]["reason"].partition(":")[0]) == (CLOSE_SLOW, "slow_consumer")
        outbox.push("more")
        outbox.end()
        assert not wire.aborted

    asyncio.run(scene())


def test_one_huge_message_is_not_a_slow_reader() -> None:
    async def scene() -> None:
        wire = Wire()
        wire.open.set()
        outbox, task = await started(wire)
        outbox.push("x" * (OUTBOX_BYTES_MAX + 1))
        outbox.close(4000, "bye")
        await task
        assert [event["type"] for event in wire.sent] == ["websocket.send", "websocket.close"]
        outbox.end()

    asyncio.run(scene())


def test_a_reader_that_takes_nothing_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("orders.sockets.outbox.GOODBYE_S", 0.01)

    async def scene() -> None:
        wire = Wire()
        outbox, task = await started(wire)
        outbox.push("x")
        outbox.close(4000, "bye")
        while not wire.aborted:
            await asyncio.sleep(0.001)
        task.cancel()

    asyncio.run(scene())
