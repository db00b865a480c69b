"""The last check before a write (accounts/gate.py), asked for many at once and without blocking the event loop."""

import asyncio
from collections.abc import Sequence
from typing import Any
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
from django.conf import settings

from accounts import gate
from accounts.gate import Question

Answer = Sequence[int] | redis.RedisError

_gates: "WeakKeyDictionary[asyncio.AbstractEventLoop, Gate]" = WeakKeyDictionary()


def gate_here() -> "Gate":
    """The gate of the running event loop."""
    loop = asyncio.get_running_loop()
    found = _gates.get(loop)
    if found is None:
        found = _gates[loop] = Gate()
    return found


class Gate:
    """One round trip for all questions of a call; answers come in their order."""

    def __init__(self) -> None:
        self._redis: Any = redis.asyncio.Redis.from_url(
            settings.REDIS_URL, socket_timeout=5, socket_connect_timeout=2
        )  # fmt: skip
        self._script: Any = self._redis.register_script(gate.SCRIPT)

    async def ask(self, questions: Sequence[Question]) -> list[Answer]:
        """What the script answers to each, for accounts.gate.judge. Raises redis.RedisError."""
        answers = await self._ask(questions)
        if any(isinstance(answer, redis.exceptions.NoScriptError) for answer in answers):
            # Redis was emptied; what it does not know it has not run.
            await self._redis.script_load(gate.SCRIPT)
            answers = await self._ask(questions)
        return answers

    async def _ask(self, questions: Sequence[Question]) -> list[Answer]:
        async with self._redis.pipeline(transaction=False) as pipeline:
            for question in questions:
                pipeline.evalsha(self._script.sha, len(question.names), *question.names, *question.arguments)
            answers: list[Answer] = await pipeline.execute(raise_on_error=False)
        return answers
