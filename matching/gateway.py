"""The way into the matcher, one per process: collects commands of all threads into numbered batches.

A batch is sent at once when none is in flight; while one is, commands gather for the next. So batches form by
themselves, order is kept, and what waits is bounded: beyond that, GatewayBusy. A batch without a reply is sent again;
the matcher knows it by session and number and never executes it twice.

Whoever would wait too long is refused at once (ADR 0094): when the first of those who wait has done so for
PENDING_S_MAX, and when for LATE_S_MAX no batch began in time. One that comes late, a hiccup or a cold start, is borne.
"""

import atexit
import json
import logging
import os
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, NamedTuple

import redis
from django.conf import settings

from matching.channels import reply_key
from matching.engine.commands import Command, check_shape
from matching.rows import BATCH_BYTES_MAX, BATCH_COMMANDS_MAX, encode_commands
from matching.sender import Sender

log = logging.getLogger(__name__)

PENDING_COMMANDS_MAX: Final = 2_000
PENDING_S_MAX: Final = 0.25
LATE_S_MAX: Final = 1.0
RESEND_AFTER_S: Final = (0.5, 1.0, 2.0)  # and then every 2 s, until there is a reply
SESSION_S_MAX: Final = 6 * 3600.0  # well below the day after which the matcher forgets an idle session
TIMEOUT_S: Final = 5.0


class Result(NamedTuple):
    """What one command did. `time_us` is the matcher's clock; events are arrays as in docs/protocol.md."""

    sequence: int
    time_us: int
    events: list[list[Any]]


class GatewayError(Exception):
    """No results; `code` is stable."""

    code = "gateway_error"


class GatewayBusy(GatewayError):
    """Surely not executed: try again later (HTTP 503)."""

    code = "overloaded"


class GatewayRefused(GatewayBusy):
    """The matcher refused the whole batch, so it was surely not executed (HTTP 503)."""

    code = "batch_refused"


class GatewayTimeout(GatewayError):
    """Sent, but not answered in time: query by client order id (HTTP 504)."""

    code = "unknown_outcome"


Outcome = list[Result] | GatewayError
Callback = Callable[[Outcome], None]


class _Group:
    """Commands that one caller submitted together; they travel in one batch, in this order."""

    __slots__ = ("_callback", "count", "deadline", "entered", "text")

    def __init__(self, text: str, count: int, timeout_s: float, callback: Callback) -> None:
        self.text = text
        self.count = count
        self.entered = time.monotonic()
        self.deadline = self.entered + timeout_s
        self._callback: Callback | None = callback

    def finish(self, outcome: Outcome) -> None:
        """Tell the caller, once."""
        callback, self._callback = self._callback, None
        if callback is None:
            return
        try:
            callback(outcome)
        except Exception:
            log.exception("a gateway callback failed")


def new_session() -> str:
    """A uuid of version 7: its first 48 bits are the time in ms, by which the matcher knows a stale one."""
    value = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    value = value & ~(0xF << 76) | 7 << 76
    value = value & ~(0x3 << 62) | 2 << 62
    text = f"{value:032x}"
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


class Gateway:
    """One session at a time, one batch in flight. The thread starts with the first command."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._pending: deque[_Group] = deque()
        self._pending_count = 0
        self._flight_since: float | None = None
        # When the queue last stood well: nobody waited, or the first who waited had not done so for too long.
        self._timely_at = 0.0
        self._thread: threading.Thread | None = None
        self._closed = False
        self._session = new_session()
        self._session_began = time.monotonic()
        self._number = 0
        self._redis: redis.Redis | None = None
        self._sender = Sender()

    def submit(self, commands: Sequence[Command], *, timeout_s: float = TIMEOUT_S) -> list[Result]:
        """Execute commands in this order, wait. Raises GatewayBusy, GatewayTimeout, MalformedCommand, ValueError."""
        done = threading.Event()
        outcomes: list[Outcome] = []

        def finished(outcome: Outcome) -> None:
            outcomes.append(outcome)
            done.set()

        group = self._enter(commands, finished, timeout_s)
        # The gateway's thread keeps the deadline; the margin is for the case that it died.
        if not done.wait(timeout_s + 1):
            self._withdraw(group)
            done.wait()
        outcome = outcomes[0]
        if isinstance(outcome, GatewayError):
            raise outcome
        return outcome

    def submit_nowait(
        self, commands: Sequence[Command], callback: Callback, *, timeout_s: float = TIMEOUT_S
    ) -> None:  # fmt: skip
        """Execute commands; `callback` gets results or a GatewayError, once, in the gateway's thread.

        When overloaded it is called at once, in the caller's. Raises MalformedCommand, ValueError.
        """
        try:
            self._enter(commands, callback, timeout_s)
        except GatewayError as error:
            callback(error)

    def prepare(self) -> None:
        """Begin the thread and its connections now, instead of with the first command. Does not wait for them."""
        with self._condition:
            if self._thread is None and not self._closed:
                self._begin_thread()

    def oldest_age_s(self) -> float:
        """For how long the oldest command has been waiting for an answer; 0 if none is."""
        with self._condition:
            since = self._flight_since
            if since is None and self._pending:
                since = self._pending[0].entered
        return time.monotonic() - since if since is not None else 0.0

    def _enter(self, commands: Sequence[Command], callback: Callback, timeout_s: float) -> _Group:
        if not 1 <= len(commands) <= BATCH_COMMANDS_MAX:
            raise ValueError(f"1 to {BATCH_COMMANDS_MAX} commands at a time")
        for command in commands:
            check_shape(command)
            if command[0] == "engine":
                raise ValueError("the engine's version is the matcher's to journal")
        text = encode_commands(commands)[1:-1]
        if len(text) > BATCH_BYTES_MAX - 2:
            raise ValueError(f"more than {BATCH_BYTES_MAX} bytes of commands")
        group = _Group(text, len(commands), timeout_s, callback)
        with self._condition:
            full = self._pending_count + group.count > PENDING_COMMANDS_MAX
            if self._closed or full or self._is_late(group.entered):
                raise GatewayBusy("too many commands wait for the matcher")
            if not self._pending and self._flight_since is None:
                self._timely_at = group.entered
            self._pending.append(group)
            self._pending_count += group.count
            if self._thread is None:
                self._begin_thread()
            elif self._flight_since is None:
                self._condition.notify()
        return group

    def _begin_thread(self) -> None:
        self._thread = threading.Thread(target=self._run, name="gateway", daemon=True)
        self._thread.start()

    def _is_late(self, now: float) -> bool:
        """Whether commands wait for too long, and have for a while. Under the lock."""
        if not self._pending or now - self._pending[0].entered <= PENDING_S_MAX:
            return False
        return now - self._timely_at > LATE_S_MAX

    def _withdraw(self, group: _Group) -> None:
        """Answer a group whose deadline is over."""
        with self._condition:
            waiting = group in self._pending
            if waiting:
                self._pending.remove(group)
                self._pending_count -= group.count
        group.finish(GatewayBusy("not sent in time") if waiting else GatewayTimeout("no answer in time"))

    # The gateway's thread

    def _run(self) -> None:
        self._sender.connect()
        while flight := self._take():
            try:
                outcome = _outcome(self._exchange(flight), sum(group.count for group in flight))
            except Exception:
                # Whatever it was, a malformed answer too: the commands may have been executed.
                log.exception("the gateway lost a batch")
                outcome = GatewayTimeout("no answer that can be read")
            self._land(flight, outcome)

    def _take(self) -> list[_Group]:
        """Wait for commands; what fits into one batch, in order. Nothing when the gateway ends."""
        flight: list[_Group] = []
        with self._condition:
            while not self._pending and not self._closed:
                self._condition.wait()
            count = size = 0
            while self._pending:
                group = self._pending[0]
                count += group.count
                size += len(group.text) + 1
                if count > BATCH_COMMANDS_MAX or size + 2 > BATCH_BYTES_MAX:
                    break
                flight.append(self._pending.popleft())
                self._pending_count -= group.count
            if flight:
                self._flight_since = flight[0].entered
                now = time.monotonic()
                if now - self._flight_since <= PENDING_S_MAX:
                    self._timely_at = now
        return flight

    def _exchange(self, flight: list[_Group]) -> dict[str, Any] | None:
        """Send the batch until it is answered; the answer. None when the process closes."""
        if time.monotonic() - self._session_began > SESSION_S_MAX:
            self._begin_session()
        self._number += 1
        text = "[" + ",".join([group.text for group in flight]) + "]"
        attempt = 0
        while not self._closed:
            self._sender.send(self._session, self._number, attempt, text)
            resend_at = time.monotonic() + RESEND_AFTER_S[min(attempt, len(RESEND_AFTER_S) - 1)]
            attempt += 1
            while (left_s := resend_at - time.monotonic()) > 0 and not self._closed:
                answer = self._receive(min(left_s, 0.25))
                if answer is not None:
                    return answer
                self._expire(flight)
        return None

    def _land(self, flight: list[_Group], outcome: Outcome) -> None:
        with self._condition:
            self._flight_since = None
        if isinstance(outcome, GatewayError):
            # The number may be used, or is unknown to the matcher: go on as a new session.
            self._begin_session()
            for group in flight:
                group.finish(outcome)
            return
        at = 0
        for group in flight:
            end = at + group.count
            group.finish(outcome[at:end])
            at = end

    def _expire(self, flight: list[_Group]) -> None:
        """While waiting: callers whose time is over get their answer; those not sent yet leave the queue."""
        now = time.monotonic()
        for group in flight:
            if group.deadline <= now:
                group.finish(GatewayTimeout("no answer in time"))
        with self._condition:
            late = [group for group in self._pending if group.deadline <= now]
        for group in late:
            self._withdraw(group)

    def _begin_session(self) -> None:
        self._session = new_session()
        self._session_began = time.monotonic()
        self._number = 0

    def _receive(self, timeout_s: float) -> dict[str, Any] | None:
        """The answer to the batch in flight, or None. Answers to earlier ones (sent twice) are thrown away."""
        deadline = time.monotonic() + timeout_s
        key = reply_key(self._session)
        try:
            if self._redis is None:
                self._redis = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2)
            while (left_s := deadline - time.monotonic()) > 0:
                # Redis 6 takes a timeout below a millisecond as 0, which is for ever.
                popped: Any = self._redis.blpop([key], timeout=max(left_s, 0.01))
                if popped is None:
                    return None
                answer = json.loads(popped[1])
                if answer["number"] == self._number:
                    return answer
        except (OSError, redis.RedisError) as error:
            log.warning("no replies: %s", error)
            time.sleep(min(timeout_s, 0.1))
        return None

    def close(self) -> None:
        """Take nothing more and end the thread. A batch in flight keeps its fate; its callers get GatewayTimeout."""
        with self._condition:
            self._closed = True
            waiting, self._pending, self._pending_count = list(self._pending), deque(), 0
            self._condition.notify_all()
        for group in waiting:
            group.finish(GatewayBusy("the gateway ended"))


def _outcome(answer: dict[str, Any] | None, count: int) -> Outcome:
    """What an answer to so many commands says; None: the process closes. Raises ValueError, KeyError if malformed."""
    if answer is None:
        return GatewayTimeout("the gateway ended")
    if "refused" in answer:
        return GatewayRefused(str(answer["refused"]))
    first, time_us, events = answer["first"], answer["time"], answer["events"]
    if not (type(first) is type(time_us) is int and type(events) is list and len(events) == count):
        raise ValueError(f"an answer to {count} commands that has not as many results")
    if any(type(of_one) is not list for of_one in events):
        raise ValueError("a result is no list of events")
    return [Result(first + i, time_us, of_one) for i, of_one in enumerate(events)]


_gateway: Gateway | None = None
_guard = threading.Lock()


def gateway() -> Gateway:
    """This process's gateway."""
    global _gateway  # noqa: PLW0603  one per process is the point
    current = _gateway
    if current is None:
        with _guard:
            current = _gateway = _gateway or Gateway()
    return current


def submit(commands: Sequence[Command], *, timeout_s: float = TIMEOUT_S) -> list[Result]:
    """Execute commands through this process's gateway; see Gateway.submit."""
    return gateway().submit(commands, timeout_s=timeout_s)


def submit_nowait(commands: Sequence[Command], callback: Callback, *, timeout_s: float = TIMEOUT_S) -> None:
    """The same without waiting; see Gateway.submit_nowait. From asyncio, use call_soon_threadsafe in the callback."""
    gateway().submit_nowait(commands, callback, timeout_s=timeout_s)


def prepare() -> None:
    """Connect this process's gateway before its first command; see Gateway.prepare."""
    gateway().prepare()


def close() -> None:
    """End this process's gateway; the next command begins another, with a session of its own."""
    global _gateway
    with _guard:
        current, _gateway = _gateway, None
    if current is not None:
        current.close()


def _forget() -> None:
    """A forked child has its parent's gateway without its thread, and must not use its numbers: it gets its own."""
    global _gateway, _guard  # noqa: PLW0603
    _gateway = None
    _guard = threading.Lock()


os.register_at_fork(after_in_child=_forget)
atexit.register(close)
