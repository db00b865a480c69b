"""The one task of the queue `matching`. It runs in the process that leads, and nowhere else.

It has a Celery application of its own: no other worker can run it, and the matcher imports no other task. It goes
without Celery's Django fixup too, which would load every URL and view between taking the lead and serving.
"""

from typing import Protocol

from celery import Celery

app = Celery("matching", set_as_current=False, fixups=set())
app.config_from_object("django.conf:settings", namespace="CELERY")


class BatchTaker(Protocol):
    """What a leading process installs (matching.consumer.Consumer)."""

    def take(self, *, session: str, number: int, attempt: int, commands_json: str) -> None: ...


_taker: BatchTaker | None = None


def install(taker: BatchTaker) -> None:
    """From here on this process executes batches."""
    global _taker  # noqa: PLW0603  a Celery task is a function and has no other place
    _taker = taker


# Acknowledged before it is executed: a batch that kills the process must not come back by the broker's will, but by
# its gateway's, which numbers its attempts.
@app.task(name="matching.apply_batch", acks_late=False, ignore_result=True)
def apply_batch(session: str, number: int, attempt: int, commands_json: str) -> None:
    """Execute one numbered batch of a gateway."""
    if _taker is None:
        raise RuntimeError("only the matcher consumes the matcher's queue")
    _taker.take(session=session, number=number, attempt=attempt, commands_json=commands_json)
