"""What a web process does before it serves: it goes the way of an order, and starts whatever does not answer."""

import gc
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import redis
from django.core.wsgi import get_wsgi_application

from accounts import gate, keys
from exchange import warming
from exchange.embedded import Redis
from matching import gateway
from orders import listing
from tests.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def cold(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing of an earlier test is known, and no step is given up; afterwards the collector works as ever."""
    monkeypatch.setattr(warming, "WARM_S_MAX", PATIENCE_S)
    threshold = gc.get_threshold()
    gateway.close()
    keys.forget()
    listing.forget()
    yield
    gc.unfreeze()
    gc.set_threshold(*threshold)
    gateway.close()
    keys.forget()
    listing.forget()


@pytest.mark.django_db(transaction=True)
def test_all_that_an_order_needs_is_there_and_nothing_is_ordered(redis_client: redis.Redis) -> None:
    redis_client.delete(gate.SINCE)
    statuses: list[str] = []
    application = get_wsgi_application()

    def watched(environ: dict[str, Any], start_response: Any) -> Any:
        answer = application(environ, start_response)
        statuses.append(f"{answer.status_code} {answer.content.decode()}")
        return answer

    warming.warm_up(watched)
    # Both dialects came as far as asking the database for the key.
    assert [status[:3] for status in statuses] == ["401", "401"], statuses
    assert '"invalid_key"' in statuses[0] and '"code":-2015' in statuses[1]
    assert warming.NO_KEY in keys._unknown
    assert redis_client.exists(gate.SINCE)
    assert gateway.gateway()._thread is not None
    assert gc.get_freeze_count() > 0
    assert redis_client.llen("matching") == 0


@pytest.mark.django_db(transaction=True)
def test_what_does_not_answer_is_left_out(settings: Any, tmp_path: Any) -> None:
    server = Redis(tmp_path / "redis", name=f"w{tmp_path.stat().st_ino}")
    settings.REDIS_URL = server.url
    asked = []

    def broken(environ: dict[str, Any], start_response: Any) -> Any:
        asked.append(environ["PATH_INFO"])
        raise RuntimeError

    warming.warm_up(broken)
    assert asked == list(warming.ORDER_PATHS)
    assert gateway.gateway()._thread is not None


def test_what_hangs_holds_up_no_start(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(warming, "WARM_S_MAX", 0.01)
    begun = threading.Event()

    def hanging(environ: dict[str, Any], start_response: Any) -> Any:
        begun.set()
        threading.Event().wait()  # for ever; the thread ends with the process

    warming.warm_up(hanging)
    assert begun.wait(PATIENCE_S)
