"""Is this process alive, and can the exchange take orders: /health/live and /health/ready.

/health/ready answers 503 only when an order could not be executed (database, Redis, matcher). What is late or
missing otherwise makes it "degraded", with 200: taking the pages away would help nobody.
"""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Final, cast

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from accounts import redis_client
from exchange import visitors
from matching import projection
from matching import selectors as matching
from rollup import metrics as rollup
from wallets.chain import selectors as chain
from wallets.chain.fees import TOO_LOW

RECENT_S: Final = 1.0
UNANSWERED_MS_MAX: Final = 3_000
BEHIND_MS_MAX: Final = 10_000
RECONCILED_S_MAX: Final = 600
READ_MODELS: Final = ("orders", "wallets")
PERIODIC_S_MAX: Final = 60
CHAIN_S_MAX: Final = 60
PERIODIC_KEY: Final = "house:periodic"
RECONCILE_KEY: Final = "reconcile:last"
MARKET_DATA_KEY: Final = "md:sequence"


@dataclass(frozen=True)
class Check:
    """`detail` is a sentence for people; `figures` are numbers for machines."""

    ok: bool
    detail: str
    needed: bool  # without it no order can be executed
    figures: dict[str, int]


def _database() -> Check:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return Check(True, "answers", True, {})


def _redis() -> Check:
    redis_client.get().ping()
    return Check(True, "answers", True, {})


def _matcher() -> Check:
    health = matching.health()
    age_ms = health["age_of_oldest_unanswered_ms"]
    figures = {"epoch": health["epoch"], "head": health["head"], "age_of_oldest_unanswered_ms": age_ms}
    if not health["leader"]:
        return Check(False, "no matcher leads", True, figures)
    if age_ms > UNANSWERED_MS_MAX:
        return Check(False, f"a command has waited {age_ms} ms for its answer", True, figures)
    return Check(True, f"epoch {health['epoch']} leads at sequence {health['head']}", True, figures)


def _standby() -> Check:
    health = matching.health()
    figures = {"behind": health["standby_lag"]}
    if not health["standby"]:
        return Check(False, "no standby was seen in the last seconds", False, figures)
    return Check(True, f"{health['standby_lag']} commands behind", False, figures)


def _follower(name: str, sequence: int) -> Check:
    """A follower of the journal is late when what it has not read yet is old, not when it is much."""
    behind_ms = matching.behind_ms(sequence)
    figures = {"sequence": sequence, "behind_ms": behind_ms}
    if behind_ms > BEHIND_MS_MAX:
        return Check(False, f"{name} stands at sequence {sequence}, {behind_ms} ms behind", False, figures)
    return Check(True, f"at sequence {sequence}", False, figures)


def _stored(key: str) -> bytes | None:
    return cast("bytes | None", redis_client.get().get(key))  # typed as perhaps awaitable, which this client's is not


def _read_model(name: str) -> Callable[[], Check]:
    return lambda: _follower(name, projection.offset(name))


def _market_data() -> Check:
    sequence = _stored(MARKET_DATA_KEY)
    if sequence is None:
        return Check(False, "has published nothing yet", False, {})
    return _follower("market data", int(sequence))


def _reconcile() -> Check:
    text = _stored(RECONCILE_KEY)
    if text is None:
        return Check(False, "has not compared anything yet", False, {})
    last = json.loads(text)
    age_s = max(0, time.time_ns() // 1_000_000 - last["time_ms"]) // 1000
    figures = {"sequence": last["sequence"], "age_s": age_s}
    if not last["ok"]:
        return Check(False, f"READ MODELS DIFFER FROM THE JOURNAL: {last['detail']}", False, figures)
    if age_s > RECONCILED_S_MAX:
        return Check(False, f"compared last {age_s} s ago", False, figures)
    return Check(True, f"equal at sequence {last['sequence']}", False, figures)


def note_periodic_run() -> None:
    """Said by the task that beat sends and worker runs every few seconds."""
    redis_client.get().set(PERIODIC_KEY, time.time_ns() // 1_000_000)


def _periodic() -> Check:
    text = _stored(PERIODIC_KEY)
    if text is None:
        return Check(False, "no periodic task has run yet", False, {})
    age_s = max(0, time.time_ns() // 1_000_000 - int(text)) // 1000
    if age_s > PERIODIC_S_MAX:
        return Check(False, f"no periodic task ran for {age_s} s: worker or beat is down", False, {"age_s": age_s})
    return Check(True, f"ran {age_s} s ago", False, {"age_s": age_s})


def _rollup() -> Check:
    if not settings.CHAIN_RPC_URL:
        return Check(True, "there is no chain", False, {})
    ok, detail, figures = rollup.check()
    return Check(ok, detail, False, figures)


def _chain() -> Check:
    """Whether the contract's queue is read and applied, and our transactions leave."""
    if not settings.CHAIN_RPC_URL:
        return Check(True, "there is none", False, {})
    watch = chain.chain_position()
    if watch is None:
        return Check(False, "nothing of it was read yet", False, {})
    age_s = max(0, int(time.time() - watch.updated_at.timestamp()))
    open_entries, blocked = chain.open_entries()
    figures = {
        "block": watch.block, "head": watch.head, "age_s": age_s, "open_entries": open_entries,
        "blocked_entries": blocked, "accounts_waiting": chain.accounts_waiting(),
        "sending_ok": int(not watch.sending_reason), "fee_bumps": chain.fee_bumps(),
        "fee_too_low": int(TOO_LOW in watch.sending_reason), "reorganised": int(watch.state == "reorganised"),
    }  # fmt: skip
    if watch.state != "following":
        return Check(False, f"{watch.state}: {watch.reason}", False, figures)
    if watch.sending_reason:
        return Check(False, f"transactions do not leave: {watch.sending_reason}", False, figures)
    if age_s > CHAIN_S_MAX:
        return Check(False, f"its worker has not looked for {age_s} s", False, figures)
    return Check(True, f"read up to block {watch.block}", False, figures)


def _state_manager() -> Check:
    if not settings.CHAIN_RPC_URL:
        return Check(True, "there is no chain", False, {})
    return _follower("the rollup's state manager", projection.offset("rollup"))


CHECKS: Final[dict[str, tuple[bool, Callable[[], Check]]]] = {
    "database": (True, _database),
    "redis": (True, _redis),
    "matcher": (True, _matcher),
    "standby": (False, _standby),
    **{name: (False, _read_model(name)) for name in READ_MODELS},
    "market_data": (False, _market_data),
    "reconcile": (False, _reconcile),
    "periodic": (False, _periodic),
    "chain": (False, _chain),
    "rollup": (False, _rollup),
    "state_manager": (False, _state_manager),
}


def run_checks() -> dict[str, Check]:
    """Every check's result by name. One that fails to run has failed."""
    results = {}
    for name, (needed, check) in CHECKS.items():
        try:
            results[name] = check()
        except Exception as error:
            results[name] = Check(False, f"does not answer ({type(error).__name__})", needed, {})
    return results


def status_of(results: dict[str, Check]) -> str:
    """ready, degraded (orders are executed, something else is missing) or not_ready."""
    if any(not result.ok and result.needed for result in results.values()):
        return "not_ready"
    return "ready" if all(result.ok for result in results.values()) else "degraded"


class Recent:
    """The checks' results of the last second: asking often costs no more than asking once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # When the checks began, on a clock that never falls, and what they found.
        self._last: tuple[float, dict[str, Check]] | None = None

    def get(self) -> dict[str, Check]:
        """Results at most RECENT_S old, or those of before while somebody else is asking for new ones."""
        last = self._last
        if last is not None and time.monotonic() - last[0] < RECENT_S:
            return last[1]
        # One asks; only at the very first the others wait for what it hears.
        if not self._lock.acquire(blocking=last is None):
            assert last is not None
            return last[1]
        try:
            if self._last is last:
                began = time.monotonic()
                self._last = (began, run_checks())
            assert self._last is not None
            return self._last[1]
        finally:
            self._lock.release()

    def forget(self) -> None:
        """Ask anew the next time."""
        self._last = None


recent: Final = Recent()


def live(request: HttpRequest) -> JsonResponse:
    """This process answers."""
    return JsonResponse({"status": "live"})


def ready(request: HttpRequest) -> JsonResponse:
    """503 when an order could not be executed; every check for those of this machine and for operators."""
    results = recent.get()
    status = status_of(results)
    body: dict[str, Any] = {"status": status}
    if visitors.is_local(request) or visitors.is_staff(request):
        body["checks"] = {name: asdict(result) for name, result in results.items()}
    response = JsonResponse(body, status=503 if status == "not_ready" else 200)
    response["Cache-Control"] = "no-store"
    return response
