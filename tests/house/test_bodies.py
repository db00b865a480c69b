"""Bodies that never come: places for them are bounded, and whoever asks for something else is answered."""

import io
import threading
from typing import Any

import pytest

from exchange import bodies
from exchange.bodies import NoPlace, Places, guard
from tests.patience import PATIENCE_S


class Slow:
    """A body of which nothing comes until it is told to."""

    def __init__(self) -> None:
        self.asked, self.comes = threading.Event(), threading.Event()

    def read(self, *_: int) -> bytes:
        self.asked.set()
        assert self.comes.wait(PATIENCE_S)
        return b"body"


def environ(body: Any, *, address: str = "203.0.113.1", length: str = "4") -> dict[str, Any]:
    return {"wsgi.input": body, "CONTENT_LENGTH": length, "REMOTE_ADDR": address}


def reader(request: dict[str, Any], start_response: Any) -> list[bytes]:
    """An application that wants the body, if there is one."""
    return [request["wsgi.input"].read(int(request.get("CONTENT_LENGTH") or 0))]


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.setattr(bodies, "PATIENCE_S", 0.01)
    made: list[Slow] = []
    threads: list[threading.Thread] = []

    def start(application: Any, address: str) -> None:
        body = Slow()
        made.append(body)
        thread = threading.Thread(target=application, args=(environ(body, address=address), None))
        threads.append(thread)
        thread.start()
        assert body.asked.wait(PATIENCE_S)

    def finish() -> None:
        for body in made:
            body.comes.set()
        for thread in threads:
            thread.join()
        made.clear()
        threads.clear()

    start.finish = finish  # type: ignore[attr-defined]
    yield start
    finish()


def test_one_address_takes_half_of_the_threads_and_all_take_three_quarters(slow: Any) -> None:
    application = guard(reader, threads=8)
    for _ in range(4):
        slow(application, "203.0.113.1")
    with pytest.raises(NoPlace):
        application(environ(io.BytesIO(b"body")), None)
    assert application(environ(io.BytesIO(b"body"), address="203.0.113.2"), None) == [b"body"]
    for _ in range(2):
        slow(application, "203.0.113.2")
    with pytest.raises(NoPlace):
        application(environ(io.BytesIO(b"body"), address="203.0.113.3"), None)
    # Without a body nobody waits.
    assert application(environ(io.BytesIO(), length="0"), None) == [b""]
    slow.finish()
    assert application(environ(io.BytesIO(b"body")), None) == [b"body"]


def test_a_place_is_given_back_whatever_happens() -> None:
    def broken(request: dict[str, Any], start_response: Any) -> list[bytes]:
        request["wsgi.input"].read(1)
        raise RuntimeError

    application = guard(broken, threads=1)
    for _ in range(3):
        with pytest.raises(RuntimeError):
            application(environ(io.BytesIO(b"body")), None)

    def never_reads(request: dict[str, Any], start_response: Any) -> list[bytes]:
        return [b"413"]

    for _ in range(3):
        assert guard(never_reads, threads=1)(environ(io.BytesIO(b"body")), None) == [b"413"]


def test_whoever_waits_gets_the_place_that_is_given_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", PATIENCE_S)
    places = Places(total=1, of_one=1)
    places.take("a")
    threading.Timer(0.02, places.give_back, args=["a"]).start()
    places.take("b")
    places.give_back("b")


def test_places_go_to_whoever_may_have_them_in_their_order(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "PATIENCE_S", PATIENCE_S)
    places, got = Places(total=2, of_one=1), []
    places.take("a")
    places.take("b")

    def take(name: str, party: str) -> None:
        places.take(party)
        got.append(name)

    threads = [
        threading.Thread(target=take, args=one)
        for one in (("second of a", "a"), ("third of a", "a"), ("first of c", "c"))
    ]
    for number, thread in enumerate(threads, 1):
        thread.start()
        while len(places._waiting) < number:
            assert thread.is_alive()
    places.give_back("b")  # a has one already, so it is c's turn
    threads[2].join(PATIENCE_S)
    places.give_back("a")
    threads[0].join(PATIENCE_S)
    places.give_back("a")
    threads[1].join(PATIENCE_S)
    assert got == ["first of c", "second of a", "third of a"]
    places.give_back("a")
    places.give_back("c")
    places.take("a")
    places.take("b")
