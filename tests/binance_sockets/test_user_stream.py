"""A stream of user events tells its position, and never goes on with a hole."""

import json
from typing import Any

from accounts.auth import Caller
from orders.binance.sockets.user_stream import UserStream
from orders.sockets.topics import Subscription

CALLER = Caller(account_id=7, permissions=frozenset({"read"}), tier="standard", deadline_us=0)


class Heard:
    """A stream, and what it said."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.begun = self.ended = 0
        self.stream = UserStream(
            3, CALLER, self._push, is_signed=True, on_begin=self._begin, on_end=self._end
        )  # fmt: skip

    def _push(self, texts: list[str]) -> None:
        self.messages += map(json.loads, texts)

    def _begin(self) -> None:
        self.begun += 1

    def _end(self) -> None:
        self.ended += 1


def test_it_begins_with_a_snapshot_and_tells_every_event() -> None:
    heard = Heard()
    heard.stream.push("=40")
    assert (heard.begun, heard.messages) == (1, [])
    heard.stream.push('45\n{"e":"executionReport","i":1}\n{"e":"outboundAccountPosition"}')
    assert heard.messages == [
        {"subscriptionId": 3, "event": {"e": "executionReport", "i": 1}},
        {"subscriptionId": 3, "event": {"e": "outboundAccountPosition"}},
    ]


def test_a_snapshot_of_where_it_is_changes_nothing() -> None:
    heard = Heard()
    heard.stream.push("=40")
    heard.stream.push('45\n{"e":"balanceUpdate"}')
    heard.stream.push("=45")
    assert (heard.begun, heard.ended, len(heard.messages)) == (1, 0, 1)


def test_a_snapshot_of_later_means_that_events_were_lost() -> None:
    heard = Heard()
    heard.stream.push("=40")
    heard.stream.push("=47")
    assert heard.ended == 1
    assert [message["event"]["e"] for message in heard.messages] == ["eventStreamTerminated"]


def test_what_came_while_a_snapshot_was_asked_for_is_heard_if_it_follows() -> None:
    heard = Heard()
    subscription = Subscription(heard.stream, "acct:7")
    subscription.begin(40, "=40")
    subscription.restart()
    subscription.hear(40, 45, '45\n{"e":"executionReport"}')
    subscription.hear(45, 46, '46\n{"e":"balanceUpdate"}')
    subscription.catch_up()
    subscription.restart()
    subscription.begin(46, "=46")
    assert [message["event"]["e"] for message in heard.messages] == ["executionReport", "balanceUpdate"]
    assert (heard.begun, heard.ended) == (1, 0)


def test_what_came_before_the_first_snapshot_is_in_it() -> None:
    heard = Heard()
    subscription = Subscription(heard.stream, "acct:7")
    subscription.hear(0, 45, '45\n{"e":"executionReport"}')
    subscription.catch_up()
    subscription.restart()
    subscription.begin(45, "=45")
    assert (heard.begun, heard.ended, heard.messages) == (1, 0, [])
