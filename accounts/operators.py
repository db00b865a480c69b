"""Commands that operators send by hand, each with who sent it and what became of it in the audit."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from accounts.models import Account, AuditEntry
from accounts.problems import Problem
from matching import borrowing, gateway
from matching.engine import commands
from matching.gateway import GatewayError, Result

# Later nobody waits for it any more, and what it was to do may have been undone by then.
GOOD_FOR_US: Final = 10_000_000


@dataclass(frozen=True, slots=True)
class Operator:
    """Who sends a command: a user's id, and the address it came from."""

    user_id: int
    ip: str | None


def send(
    command: Sequence[Any], *, action: str, subject: str, by: Operator, account: Account | None = None
) -> Result:  # fmt: skip
    """Execute one operator's command now, or within GOOD_FOR_US if the matcher is away; later it is refused.

    The audit gets a row before it leaves, so that no command is without a name, and one with what came of it: the
    result's sequence, or why there is none. Call it outside of a transaction, or the first row waits for the end.
    Raises Problem with the engine's code, and GatewayError.
    """

    kind, _, *fields = command
    command = [kind, time.time_ns() // 1_000 + GOOD_FOR_US, *fields]
    with audited(action=action, subject=subject, by=by, account=account, command=command) as outcome:
        borrowing.give_back()
        (result,) = gateway.submit([command])
        kind, *fields = result.events[-1]
        if kind == "rejected":
            raise Problem(fields[0], f"Refused by the engine: {fields[0]}", sequence=result.sequence)
        outcome["sequence"] = result.sequence
    return result


@contextmanager
def audited(
    *, action: str, subject: str, by: Operator, account: Account | None = None, **detail: Any
) -> Iterator[dict[str, Any]]:
    """Around what an operator does: an audit row before it, and one with what came of it, failed or not.

    The block puts what the second row is to tell (`sequence`) into the dictionary it is given.
    """

    def note(action: str, **more: Any) -> None:
        AuditEntry.objects.create(
            action=action, subject=subject, actor_id=by.user_id, ip=by.ip, account=account, detail=detail | more
        )

    note(f"{action}.asked")
    outcome: dict[str, Any] = {}
    try:
        yield outcome
    except GatewayError as error:
        note(action, outcome=error.code)
        raise
    except Problem as problem:
        told = {name: problem.extra[name] for name in ("sequence",) if name in problem.extra}
        note(action, outcome="rejected", code=problem.code, **told)
        raise
    note(action, outcome="executed", **outcome)


def set_fee_tier(*, account: Account, tier: int, by: Operator) -> Result:
    """Put an account into a fee tier; 0 pays most. Raises as `send`."""
    command = commands.tier(account=account.pk, tier=tier)
    subject = f"account {account.pk} tier {tier}"
    return send(command, action="fee_tier.set", subject=subject, by=by, account=account)
