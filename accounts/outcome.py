"""Whether the matcher has answered this request's commands: from then on nothing may say that nothing was done.

Between the matcher's answer and the client's lies reading and writing it out, which may need the database. Whatever
goes wrong there, the command was executed: the client is told `unknown_outcome` and can ask by its own id.
"""

from contextvars import ContextVar
from typing import Final

from accounts.problems import Problem

# Of the matcher's refusals none has these codes; they are of our own trouble.
UNSURE: Final = frozenset({"unavailable", "internal_error"})

_is_answered: ContextVar[bool] = ContextVar("is_answered", default=False)


def begin() -> None:
    """A request begins, in this thread."""
    _is_answered.set(False)


def answered() -> None:
    """The matcher has answered; said by whoever sent the commands and waited."""
    _is_answered.set(True)


def is_answered() -> bool:
    """Whether the matcher has answered in this request."""
    return _is_answered.get()


def told_after(problem: Problem) -> Problem:
    """What to tell in place of a problem that came up after the matcher's answer."""
    return Problem("unknown_outcome") if problem.code in UNSURE else problem
