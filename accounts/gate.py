"""The last check before a write: not revoked, not replayed, within the order limit. One Redis round trip.

A signature stands in Redis for as long as it would be taken, so the very same request is executed once.
Without Redis nothing passes; nothing could be executed either, since commands travel through it.
"""

import math
import time
from typing import Any

from accounts import keys, limits, redis_client
from accounts.auth import Caller
from accounts.limits import Allowance
from accounts.problems import Problem

# A signature is kept a little longer than it is valid: clocks of web machines differ.
KEEP_MS = 2_000

# Keys: revoked mark, signature, counter. Arguments: signature's life in ms (0: unsigned), units, limit, window in s.
# Answers {verdict, used}: 0 passed, 1 revoked, 2 replayed, 3 over the limit.
SCRIPT = """
if ARGV[1] ~= '0' then
  if redis.call('EXISTS', KEYS[1]) == 1 then return {1, 0} end
  if not redis.call('SET', KEYS[2], '1', 'NX', 'PX', ARGV[1]) then return {2, 0} end
end
local used = tonumber(redis.call('GET', KEYS[3]) or '0')
local wanted = used + tonumber(ARGV[2])
if wanted > tonumber(ARGV[3]) then return {3, used} end
redis.call('SET', KEYS[3], wanted, 'EX', ARGV[4])
return {0, wanted}
"""
_scripts: dict[int, Any] = {}


def admit(caller: Caller, *, units: int = 1, now_s: float | None = None) -> Allowance:
    """Let a write of `units` orders pass, or raise Problem: invalid_key, signature_replayed, rate_limited."""
    now = time.time() if now_s is None else now_s
    limit = limits.limit_of(caller.tier, "orders")
    window = int(now) // limit.window_s
    life_ms = max(1, caller.expires_ms - int(now * 1000) + KEEP_MS) if caller.signature else 0
    verdict, used = _script()(
        keys=[keys.revoked_name(caller.key), f"api:sig:{caller.signature}", f"api:orders:{caller.account_id}:{window}"],
        args=[life_ms, units, limit.units, limit.window_s],
    )
    if verdict == 1:
        keys.forget(caller.key)
        raise Problem("invalid_key")
    if verdict == 2:
        raise Problem("signature_replayed")
    reset_s = max(1, math.ceil((window + 1) * limit.window_s - now))
    allowance = Allowance(limit.units, max(0, limit.units - used), reset_s)
    if verdict == 3:
        raise limits.refuse(allowance)
    return allowance


def _script() -> Any:
    client = redis_client.get()
    script = _scripts.get(id(client))
    if script is None:
        _scripts.clear()
        script = _scripts[id(client)] = client.register_script(SCRIPT)
    return script
