"""Health and metrics say what is, from real servers and a real matcher."""

import json
import threading
import time
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from exchange import health, tasks
from matching import gateway
from matching.engine import commands
from matching.models import ProjectionOffset
from tests.matching.harness import MatcherProcess, eventually, fund
from tests.patience import PATIENCE_S


@pytest.fixture(autouse=True)
def fresh() -> None:
    """What the test before this one saw, and what it left unanswered, says nothing here."""
    health.recent.forget()
    gateway.close()


def ready() -> tuple[int, dict[str, dict[str, object]], str]:
    answer = Client().get("/health/ready")
    body = answer.json()
    return answer.status_code, body["checks"], body["status"]


def test_live_asks_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    # No database mark: a query would fail this test.
    answer = Client().get("/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "live"})


@pytest.mark.django_db
def test_without_a_matcher_it_is_not_ready(redis_client: redis.Redis) -> None:
    status, checks, word = ready()
    assert (status, word) == (503, "not_ready")
    assert checks["database"]["ok"] and checks["redis"]["ok"]
    assert checks["matcher"] == {
        "ok": False, "needed": True, "detail": "no matcher leads",
        "figures": {"epoch": 0, "head": 0, "age_of_oldest_unanswered_ms": 0},
    }  # fmt: skip


@pytest.mark.django_db
@pytest.mark.parametrize(
    "of_a_stranger",
    [
        {"REMOTE_ADDR": "192.0.2.1"}, {"headers": {"X-Forwarded-For": "127.0.0.1"}},
        {"headers": {"Forwarded": "for=127.0.0.1"}}, {"REMOTE_ADDR": ""},
    ],
)  # fmt: skip
def test_strangers_hear_the_word_alone(redis_client: redis.Redis, of_a_stranger: dict[str, Any]) -> None:
    answer = Client().get("/health/ready", **of_a_stranger)
    assert (answer.status_code, answer.json()) == (503, {"status": "not_ready"})
    guess = Client().get("/health/ready", headers={"Cookie": "sessionid=" + "a" * 32}, REMOTE_ADDR="192.0.2.1")
    assert guess.json() == {"status": "not_ready"}


@pytest.mark.django_db
@pytest.mark.parametrize("is_staff", [True, False])
def test_operators_see_the_checks_from_anywhere(
    redis_client: redis.Redis, django_user_model: Any, is_staff: bool
) -> None:
    client = Client(REMOTE_ADDR="192.0.2.1")
    client.force_login(
        django_user_model.objects.create_user("olga", is_staff=is_staff),
        backend="django.contrib.auth.backends.ModelBackend",
    )
    assert ("checks" in client.get("/health/ready").json()) == is_staff


@pytest.mark.django_db
def test_asking_often_costs_no_more_than_asking_once(
    redis_client: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "RECENT_S", 3_600.0)
    ready()
    with CaptureQueriesContext(connection) as asked:
        for _ in range(20):
            assert ready()[0] == 503
    assert len(asked) == 0
    monkeypatch.setattr(health, "RECENT_S", 0.0)
    with CaptureQueriesContext(connection) as asked:
        ready()
    assert len(asked) > 0


def test_while_one_asks_the_others_hear_what_was_before(monkeypatch: pytest.MonkeyPatch) -> None:
    recent = health.Recent()
    monkeypatch.setattr(health, "RECENT_S", 0.0)
    monkeypatch.setattr(health, "CHECKS", {"x": (True, lambda: health.Check(True, "before", True, {}))})
    assert recent.get()["x"].detail == "before"
    asked, may_answer = threading.Event(), threading.Event()

    def slow() -> health.Check:
        asked.set()
        may_answer.wait(PATIENCE_S)
        return health.Check(True, "after", True, {})

    monkeypatch.setattr(health, "CHECKS", {"x": (True, slow)})
    thread = threading.Thread(target=recent.get)
    thread.start()
    assert asked.wait(PATIENCE_S)
    assert recent.get()["x"].detail == "before"
    may_answer.set()
    thread.join()
    assert recent._last is not None and recent._last[1]["x"].detail == "after"


@pytest.mark.process
def test_with_a_matcher_orders_are_taken_and_what_is_missing_is_named(
    matcher: MatcherProcess, redis_client: redis.Redis
) -> None:
    status, checks, word = ready()
    assert (status, word) == (200, "degraded")
    assert checks["matcher"]["ok"]
    assert checks["matcher"]["figures"]["epoch"] == 1
    assert not checks["standby"]["ok"]
    assert checks["reconcile"] == {
        "ok": False, "needed": False, "detail": "has not compared anything yet", "figures": {}
    }  # fmt: skip


@pytest.mark.process
def test_a_follower_is_late_by_the_age_of_what_it_has_not_read(
    matcher: MatcherProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    head = health.run_checks()["matcher"].figures["head"]
    ProjectionOffset.objects.create(name="orders", sequence=head)
    assert health.run_checks()["orders"].ok
    monkeypatch.setattr(health, "BEHIND_MS_MAX", 0)
    fund(account=7, BTC="1")
    eventually(lambda: not health.run_checks()["orders"].ok, what="the lag")
    late = health.run_checks()["orders"]
    assert late.figures["sequence"] == head
    assert late.figures["behind_ms"] > 0
    ProjectionOffset.objects.filter(name="orders").update(sequence=health.run_checks()["matcher"].figures["head"])
    assert health.run_checks()["orders"].ok


@pytest.mark.process
def test_a_matcher_that_answers_nothing_is_noticed(matcher: MatcherProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "UNANSWERED_MS_MAX", 50)
    matcher.kill()
    outcomes: list[object] = []
    gateway.submit_nowait([commands.cancel_all(account=7)], outcomes.append, timeout_s=60)
    eventually(lambda: health.run_checks()["matcher"].figures["age_of_oldest_unanswered_ms"] > 50)
    assert health.status_of(health.run_checks()) == "not_ready"
    assert outcomes == []


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("last", "ok", "words"),
    [
        ({"ok": True, "sequence": 5, "time_ms": 0, "detail": ""}, True, "equal at sequence 5"),
        (
            {"ok": False, "sequence": 5, "time_ms": 0, "detail": "account 7"},
            False,
            "DIFFER FROM THE JOURNAL: account 7",
        ),
        ({"ok": True, "sequence": 5, "time_ms": -3_600_000, "detail": ""}, False, "compared last 36"),
    ],
)
def test_reconcile(redis_client: redis.Redis, last: dict[str, object], ok: bool, words: str) -> None:
    last = last | {"time_ms": int(time.time() * 1000) + last["time_ms"]}
    redis_client.set(health.RECONCILE_KEY, json.dumps(last))
    check = health.run_checks()["reconcile"]
    assert check.ok is ok
    assert words in check.detail


@pytest.mark.django_db
def test_redis_away_is_a_failed_check_and_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accounts.redis_client.get", lambda: redis.Redis(unix_socket_path="/nowhere"))
    status, checks, word = ready()
    assert (status, word) == (503, "not_ready")
    assert checks["redis"]["detail"] == "does not answer (ConnectionError)"
    assert checks["database"]["ok"]


@pytest.mark.django_db
def test_metrics_have_the_checks_and_only_the_loopback_may_read_them(
    redis_client: redis.Redis, settings: object
) -> None:
    body = Client().get("/metrics").content.decode()
    assert 'provex_check_ok{check="database"} 1.0' in body
    assert 'provex_check_ok{check="matcher"} 0.0' in body
    assert 'provex_check_figure{check="matcher",figure="head"} 0.0' in body
    assert Client().get("/metrics", REMOTE_ADDR="192.0.2.1").status_code == 404
    assert Client().get("/metrics", headers={"X-Forwarded-For": "192.0.2.1"}).status_code == 404
    settings.METRICS_TOKEN = "secret"
    assert Client().get("/metrics").status_code == 404
    assert Client().get("/metrics", headers={"Authorization": "Bearer wrong"}).status_code == 404
    given = Client().get("/metrics", REMOTE_ADDR="192.0.2.1", headers={"Authorization": "Bearer secret"})
    assert given.status_code == 200


@pytest.mark.django_db
def test_trouble_is_logged_once_and_so_is_its_end(
    redis_client: redis.Redis, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "_troubles", {})
    tasks.report_health()
    tasks.report_health()
    assert caplog.text.count("health: matcher: no matcher leads") == 1
    assert "health: database" not in caplog.text
    assert "well again" not in caplog.text
    monkeypatch.setitem(health.CHECKS, "matcher", (True, lambda: health.Check(True, "leads", True, {})))
    tasks.report_health()
    assert "health: matcher is well again" in caplog.text


@pytest.mark.django_db
def test_a_silent_worker_is_noticed(redis_client: redis.Redis) -> None:
    assert health.run_checks()["periodic"].detail == "no periodic task has run yet"
    tasks.report_health()
    assert health.run_checks()["periodic"].ok
    redis_client.set(health.PERIODIC_KEY, time.time_ns() // 1_000_000 - 61_000)
    assert "worker or beat is down" in health.run_checks()["periodic"].detail


@pytest.mark.django_db
def test_expired_sessions_are_cleared() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date) VALUES"
            " ('old', '', now() - interval '1 day'), ('new', '', now() + interval '1 day')"
        )
        tasks.clear_sessions()
        cursor.execute("SELECT session_key FROM django_session")
        assert cursor.fetchall() == [("new",)]
