"""The last check before a write: not revoked, not replayed, within the order limit. One Redis round trip.

A signature stands in Redis for as long as it would be taken, so the very same request is executed once.
A Redis that was restarted has forgotten them: it notes since when it remembers, and what may be older is refused.
Without Redis nothing passes; nothing could be executed either, since commands travel through it.
"""

import math
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from accounts import keys, limits, redis_client
from accounts.auth import AHEAD_MS_MAX, Caller
from accounts.limits import Allowance, Limit
from accounts.problems import Problem

# A signature is kept a little longer than it is valid: clocks of web machines differ.
KEEP_MS = 2_000
# By so much may a request's timestamp be later than the time at which it was taken, by another machine's clock.
UNSURE_MS = AHEAD_MS_MAX + KEEP_MS
# Since when signatures are remembered, in ms since the epoch: noted by whoever comes first, and lost with them.
SINCE = "api:signatures:since"

# Keys: revoked mark, signature, counter, since when signatures are remembered, orders placed in this window and today.
# Arguments: signature's life in ms (0: unsigned), units, limit, window in s, orders placed, their limit today, now in
# ms, when it was surely sent after, in ms.
# Answers {verdict, used, placed in window, placed today}: 0 passed, 1 revoked, 2 replayed, 3 over the limit,
# 4 over the limit of today, 5 from before what is remembered.
SCRIPT = """
if redis.call('EXISTS', KEYS[1]) == 1 then return {1, 0, 0, 0} end
if ARGV[1] ~= '0' then
  local since = redis.call('GET', KEYS[4])
  if not since then
    since = ARGV[7]
    redis.call('SET', KEYS[4], since)
  end
  if tonumber(ARGV[8]) <= tonumber(since) then return {5, 0, 0, 0} end
  if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return {2, 0, 0, 0} end
end
local used = tonumber(redis.call('GET', KEYS[3]) or '0')
local wanted = used + tonumber(ARGV[2])
if wanted > tonumber(ARGV[3]) then return {3, used, 0, 0} end
local placed = tonumber(ARGV[5])
if placed == 0 then
  redis.call('SET', KEYS[3], wanted, 'EX', ARGV[4])
  return {0, wanted, 0, 0}
end
local today = tonumber(redis.call('GET', KEYS[6]) or '0') + placed
if today > tonumber(ARGV[6]) then return {4, used, 0, today - placed} end
redis.call('SET', KEYS[3], wanted, 'EX', ARGV[4])
local recent = tonumber(redis.call('GET', KEYS[5]) or '0') + placed
redis.call('SET', KEYS[5], recent, 'EX', ARGV[4])
redis.call('SET', KEYS[6], today, 'EX', 90000)
return {0, wanted, recent, today}
"""
_scripts: dict[int, Any] = {}


class Question(NamedTuple):
    """What the script is asked: the names of its keys, its arguments; and whom and what time it is about."""

    names: list[str]
    arguments: list[int]
    caller: Caller
    limit: Limit
    day: Limit
    now_s: float


def admit(caller: Caller, *, units: int = 1, placed: int = 0, now_s: float | None = None) -> Allowance:
    """Let a write of `units` orders pass, or raise Problem: invalid_key, signature_replayed, signature_stale,
    rate_limited.

    With `placed` the orders that it places are counted for this window and today too, and today's are limited.
    """
    asked = question(caller, units=units, placed=placed, now_s=now_s)
    return judge(asked, _script()(keys=asked.names, args=asked.arguments))


def question(caller: Caller, *, units: int = 1, placed: int = 0, now_s: float | None = None) -> Question:
    """What to ask the script; for those who cannot wait for Redis here. `judge` reads its answer."""
    now = time.time() if now_s is None else now_s
    limit = limits.limit_of(caller.tier, "orders")
    window = int(now) // limit.window_s
    day = limits.limit_of(caller.tier, "orders_today") if placed else limit
    today = int(now) // day.window_s
    now_ms = int(now * 1000)
    life_ms = max(1, caller.expires_ms - now_ms + KEEP_MS) if caller.signature else 0
    names = [
        keys.revoked_name(caller.key), f"api:sig:{caller.signature}", f"api:orders:{caller.account_id}:{window}",
        SINCE, *(_placed_names(caller.account_id, window, today) if placed else ()),
    ]  # fmt: skip
    arguments = [
        life_ms, units, limit.units, limit.window_s, placed, day.units, now_ms, caller.signed_ms - UNSURE_MS,
    ]  # fmt: skip
    return Question(names, arguments, caller, limit, day, now)


def judge(asked: Question, answer: Sequence[int]) -> Allowance:
    """What the script's answer means: the allowance, or a Problem as of `admit`."""
    verdict, used, recently, placed_today = answer
    limit, day, now = asked.limit, asked.day, asked.now_s
    if verdict == 1:
        keys.forget(asked.caller.key)
        raise Problem("invalid_key")
    if verdict == 2:
        raise Problem("signature_replayed")
    if verdict == 5:
        raise Problem("signature_stale")
    if verdict == 4:
        raise limits.refuse(Allowance(day.units, 0, _reset_s(day, now)))
    allowance = Allowance(limit.units, max(0, limit.units - used), _reset_s(limit, now), recently, placed_today)
    if verdict == 3:
        raise limits.refuse(allowance)
    return allowance


def begin_remembering(*, now_ms: int | None = None) -> None:
    """Note that signatures are remembered from now on, unless that was noted: said by a process that begins to serve.

    Otherwise the first writes after a start of Redis would be refused as too old.
    """
    redis_client.get().set(SINCE, time.time_ns() // 1_000_000 if now_ms is None else now_ms, nx=True)


def _reset_s(limit: Limit, now_s: float) -> int:
    return max(1, math.ceil((int(now_s) // limit.window_s + 1) * limit.window_s - now_s))


def count_placed(account_id: int, tier: str) -> tuple[int, int]:
    """How many orders the account placed in this window, and today, of those that were counted."""
    now = int(time.time())
    window = now // limits.limit_of(tier, "orders").window_s
    today = now // limits.limit_of(tier, "orders_today").window_s
    counts: Any = redis_client.get().mget(_placed_names(account_id, window, today))
    return int(counts[0] or 0), int(counts[1] or 0)


def _placed_names(account_id: int, window: int, today: int) -> list[str]:
    return [f"api:placed:{account_id}:{window}", f"api:placed:{account_id}:day:{today}"]


def _script() -> Any:
    client = redis_client.get()
    script = _scripts.get(id(client))
    if script is None:
        _scripts.clear()
        script = _scripts[id(client)] = client.register_script(SCRIPT)
    return script
