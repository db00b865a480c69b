"""The matcher stands still: 504 for what may still happen, 503 for what surely did not, and no surprise afterwards."""

import os
import signal
import subprocess
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import httpx
import pytest
import redis
from django.conf import settings

from exchange.embedded import dies_with_parent
from tests.patience import PATIENCE_S
from tests.stack import COMMANDS, ROOT, free_ports, wait_until

pytestmark = pytest.mark.process


@pytest.fixture
def stopped_matcher(stack, alice):
    """SIGSTOP for the test; afterwards it runs again, or its supervisor has started another."""
    stack.kill("matcher", signal.SIGSTOP)
    yield
    stack.kill("matcher", signal.SIGCONT)
    wait_until_answered(alice)


def wait_until_answered(trader):
    deadline = time.monotonic() + PATIENCE_S
    while trader.delete("/orders").status != 200:
        assert time.monotonic() < deadline, "the matcher does not come back"
        time.sleep(0.2)


def messages(stack):
    """How many messages wait for the matcher."""
    with redis.Redis.from_url(stack.redis.url) as client:
        return client.llen(settings.MATCHING_QUEUE)


def test_an_order_that_nobody_answers_is_not_executed_behind_ones_back(alice, stack, head, stopped_matcher):
    ids = [f"outage{i}-{alice._fresh_ms()}" for i in range(3)]

    def place(number):
        # Its deadline, the end of the signature's window, is over when nobody waits for it any more.
        with httpx.Client(base_url=stack.base_url, timeout=PATIENCE_S) as http:
            trader = replace(alice, http=http)
            return trader.post("/orders", trader.order(price="59000", client_id=ids[number]))

    before = messages(stack)
    with ThreadPoolExecutor(3) as pool:
        # The first is in flight when it is sent again; the second waits for it, the third comes after that.
        first = pool.submit(place, 0)
        wait_until(lambda: messages(stack) > before, "the first is in flight")
        second = pool.submit(place, 1)
        time.sleep(0.4)
        third = pool.submit(place, 2)
    assert (first.result().status, first.result().code) == (504, "unknown_outcome")
    for answer in (second.result(), third.result()):
        assert (answer.status, answer.code, answer.headers["Retry-After"]) == (503, "overloaded", "1")
    assert alice.get("/orders", after=head()).ok()["orders"] == [], "reads go on"
    stack.kill("matcher", signal.SIGCONT)
    wait_until_answered(alice)
    sequence = alice.delete("/orders").ok()["sequence"]
    for client_id in ids:
        answer = alice.get(f"/orders/by-client-id/{client_id}", after=sequence)
        assert (answer.status, answer.code) == (404, "unknown_order")


def test_a_late_answer_can_be_asked_for_by_client_id(alice, stack, stopped_matcher):
    """With a window that outlives the outage the order is executed after the 504, and sending it again finds it."""
    body = alice.order(price="59000", client_id=f"late-{alice._fresh_ms()}")
    answer = alice.post("/orders", body, window_ms=60_000)
    assert (answer.status, answer.code) == (504, "unknown_outcome")
    stack.kill("matcher", signal.SIGCONT)
    deadline = time.monotonic() + PATIENCE_S
    while (again := alice.post("/orders", body)).status not in (200, 201):
        assert again.status in (503, 504), again.body
        assert time.monotonic() < deadline
        time.sleep(0.2)
    assert (again.status, again["duplicate"], again["status"]) == (200, True, "open")
    stored = alice.caught_up(f"/orders/by-client-id/{body['client_id']}", again["sequence"])
    assert stored["id"] == again["id"]


@pytest.fixture
def forgetful_redis(stack):
    """A Redis to restart; afterwards it is one that knows everything again."""
    yield stack.redis
    stack.remember_signatures()


def test_after_a_restart_of_redis_a_used_signature_stays_used(alice, forgetful_redis, head):
    body, timestamp_ms = alice.order(price="59000"), alice._fresh_ms()

    def place():
        answer = alice.post("/orders", body, timestamp_ms=timestamp_ms, window_ms=60_000)
        while answer.code == "unavailable":
            answer = alice.post("/orders", body, timestamp_ms=timestamp_ms, window_ms=60_000)
        return answer

    made = place().ok(201)
    before = head()
    forgetful_redis.stop()
    forgetful_redis.start()
    answer = place()
    assert (answer.status, answer.code) == (401, "signature_stale")
    assert head() == before
    wait_until_answered(alice)
    # The first one was executed, and the cancel above found nothing but it.
    assert alice.get(f"/orders/{made['id']}", after=made["sequence"]).ok()["status"] in ("open", "canceled")


@pytest.fixture
def cold_web(stack, tmp_path):
    """Another web process that has answered nothing yet, with two connections for its sixteen threads."""
    port = free_ports()[0]
    command = [part.format(port=port) for part in COMMANDS["web"]]
    command[command.index("--blocking-threads") + 1] = "16"
    with (tmp_path / "web.log").open("wb") as log:
        process = subprocess.Popen(
            [*dies_with_parent("KILL"), *command], cwd=ROOT, env=stack.env | {"DATABASE_POOL": "2"},
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE_S) as http:
            wait_until(lambda: answers(http), "the other web process")
            yield http
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def answers(http):
    try:
        return http.get("/api/v1/time").status_code == 200
    except httpx.TransportError:
        return False


def test_orders_that_wait_leave_connections_for_reads(alice, stack, cold_web, stopped_matcher):
    def place(number):
        body = alice.order(price=str(50_000 + number))
        return replace(alice, http=cold_web).post("/orders", body, window_ms=60_000)

    def is_answered_meanwhile():
        with ThreadPoolExecutor(8) as pool:
            waiting = [pool.submit(place, number) for number in range(8)]
            time.sleep(0.5)
            assert replace(alice, http=cold_web).get("/account", window_ms=60_000).ok()["id"] == alice.account
            do_wait = not all(one.done() for one in waiting)
            assert {one.result().code for one in waiting} <= {"unknown_outcome", "overloaded"}
        return do_wait

    # On a busy machine they may all have been given up before the read came to it.
    wait_until(is_answered_meanwhile, "a read that is answered while orders still wait for the matcher")
