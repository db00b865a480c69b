"""Writes of several steps: commands, and what to do with their results. REST waits in its thread, sockets do not.

The steps of a write are a generator: it yields commands for the matcher, and is given their results or has the
gateway's error raised in it; what it returns is the answer.
"""

from collections.abc import Callable, Generator, Sequence
from typing import Any

from accounts import outcome
from accounts.binance.endpoint import Call
from matching import gateway
from matching.engine.commands import Command
from matching.gateway import GatewayError, Outcome, Result

Steps = Generator[Sequence[Command], Sequence[Result], Any]


class Flow:
    """Steps under way: the commands to send now or, when they are over, the result."""

    def __init__(self, steps: Steps) -> None:
        self._steps = steps
        self._is_answered = False
        self.commands: Sequence[Command] = ()
        self.result: Any = None

    def advance(self, landed: Outcome | None) -> bool:
        """Go on with what the matcher answered (None: begin); True when there is a result. Raises what the steps do.

        Each time it may be another thread that goes on, and each must know that something was executed.
        """
        if landed is not None and not isinstance(landed, GatewayError):
            self._is_answered = True
        if self._is_answered:
            outcome.answered()
        try:
            if landed is None:
                self.commands = next(self._steps)
            elif isinstance(landed, GatewayError):
                self.commands = self._steps.throw(landed)
            else:
                self.commands = self._steps.send(landed)
        except StopIteration as over:
            self.result = over.value
            return True
        return False


def waiting(steps_of: Callable[[Call], Steps]) -> Callable[[Call], Any]:
    """An endpoint's function that does all steps in its thread and waits for the matcher after each."""

    def run(call: Call) -> Any:
        flow = Flow(steps_of(call))
        landed: Outcome | None = None
        while not flow.advance(landed):
            try:
                landed = gateway.submit(flow.commands)
            except GatewayError as error:
                landed = error
        return flow.result

    return run
