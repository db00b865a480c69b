"""Sending what an outbox row asks for, so that it happens exactly once whatever dies in between.

The row is committed before its command leaves, with all that makes the command the same when it is sent
again: the engine takes a deposit's index or a movement's id once. What is refused is believed only when no
earlier, unanswered command for the row can still run, which the deadline that each of them carries tells.
"""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from typing import Any, Final, TypeVar

from django.db import connection, transaction

from accounts import outcome
from accounts.problems import Problem
from matching import borrowing, gateway, journal
from matching.engine.commands import Command
from matching.gateway import GatewayBusy, GatewayTimeout, Result
from matching.money import MAX_AMOUNT
from wallets import selectors
from wallets.models import Asset, Deposit, InternalTransfer, QueueEntry, TestFunding, Withdrawal

# How long the matcher may take to reach a command; then it will not run, and may be judged anew.
DEADLINE_US: Final = 10_000_000
# How long an answer is waited for.
ANSWER_S: Final = 5.0
APPLIED: Final = "already_applied"
# Answers that say nothing about the row itself: it is sent again later.
TRANSIENT: Final = frozenset({"deadline_passed", "index_gap"})

# How many threads of a process may hold a lock, or wait for one, at a time.
SENDERS_MAX: Final = 3
_SENDERS: Final = threading.BoundedSemaphore(SENDERS_MAX)

Row = TypeVar("Row", Deposit, Withdrawal, InternalTransfer, QueueEntry)

Recorded = TypeVar("Recorded", Deposit, Withdrawal, InternalTransfer, TestFunding)


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Only one process is in here with the same name. Not within a transaction, which could not commit the outbox."""
    if connection.in_atomic_block:
        raise RuntimeError("an outbox row must be committed before its command leaves")
    # The lock lives in its connection, which is kept while the matcher works: some are left for everybody else.
    borrowing.give_back()
    with (
        borrowing.keeping() as is_outermost,
        _SENDERS if is_outermost else nullcontext(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])
        try:
            yield
        finally:
            cursor.execute("SELECT pg_advisory_unlock(hashtextextended(%s, 0))", [name])


def find_asset(code: str) -> Asset:
    """An asset by its code, also right after it was declared. Raises Problem unknown_asset."""
    try:
        return selectors.get_asset(code=code)
    except Problem:
        selectors.wait_for_sequence(journal.head())
        return selectors.get_asset(code=code)


def check_amount(amount_atoms: int) -> None:
    """Raises Problem invalid_amount for what the engine would never take."""
    if not 1 <= amount_atoms <= MAX_AMOUNT:
        raise Problem("invalid_amount")


def record(model: type[Recorded], *, reference: str | None, key: Sequence[str], **content: Any) -> Recorded:
    """Commit a new row; or find the one that has the reference already, among rows with the same `key` fields.

    Raises Problem reference_reused if that one has another content.
    """
    if reference is None:
        return model.objects.create(**content)
    with transaction.atomic():
        same = {name: content[name] for name in key}
        row, created = model.objects.get_or_create(**same, reference=reference, defaults=content)
    if not created and any(getattr(row, name) != value for name, value in content.items()):
        raise Problem("reference_reused")
    return row


def send(
    rows: Sequence[Row], commands: Sequence[Command], *, timeout_s: float = ANSWER_S
) -> list[tuple[Result, bool]]:  # fmt: skip
    """Submit one command for each row; `commands` have no deadline yet. Raises GatewayTimeout.

    Also when the command surely was not executed: the row stands, and it will be sent again.

    Gives the results, and whether each may be believed: no earlier command of its row can still run.
    """
    deadline_us = time.time_ns() // 1000 + DEADLINE_US
    earlier_us = [row.deadline_us for row in rows]
    for row in rows:
        row.deadline_us = deadline_us
    type(rows[0]).objects.bulk_update(rows, ["deadline_us"])
    try:
        results = gateway.submit([[kind, deadline_us, *fields] for kind, _, *fields in commands], timeout_s=timeout_s)
    except GatewayBusy as error:
        raise GatewayTimeout("not executed yet; it will be sent again") from error
    outcome.answered()
    _forget_deadlines(rows, results, earlier_us)
    return [(result, result.time_us > before) for result, before in zip(results, earlier_us, strict=True)]


def _forget_deadlines(rows: Sequence[Row], results: Sequence[Result], earlier_us: Sequence[int]) -> None:
    """A refused command was answered and will not run any more: only those before it, without an answer, may."""
    refused = []
    for row, result, before in zip(rows, results, earlier_us, strict=True):
        if refusal(result):
            row.deadline_us = before if result.time_us <= before else 0
            refused.append(row)
    if refused:
        type(refused[0]).objects.bulk_update(refused, ["deadline_us"])


def refusal(result: Result) -> str:
    """The code of a refusal, or nothing. A refusal is the last event of its command."""
    last = result.events[-1] if result.events else [""]
    return str(last[1]) if last[0] == "rejected" else ""
