"""Proving keys for provers elsewhere: handed out in parts, with a token; fetched, verified, and in place at once."""

import json
import os
import shutil
import signal
import socketserver
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

import pytest
from django.core.wsgi import get_wsgi_application
from django.test import Client

from rollup import fetching
from rollup.prover import keys, sharing
from tests.rollup.api.conftest import TOKEN
from tests.stack import ROOT, wait_until

NAMES = {"info.json", "verifying.key", "witness.wasm", "proving.key"}
FETCH = """
import sys, django
django.setup()
from rollup import fetching, remote
master = remote.RemoteMaster(url=sys.argv[1], token=sys.argv[2], name="elsewhere")
print(fetching.fetch(master, print).fingerprint)
"""


@pytest.fixture(autouse=True)
def _tiny(settings: Any) -> None:
    keys.ensure("tiny")
    settings.ROLLUP_PARAMETERS = "tiny"
    settings.PROVER_TOKENS = [TOKEN]


def get(path: str, token: str | None = TOKEN, **headers: str) -> Any:
    given = headers if token is None else headers | {"Authorization": f"Bearer {token}"}
    return Client().get(f"/api/v1/prover/{path}", headers=given)


def listed() -> dict[str, Any]:
    answer = get("keys")
    assert answer.status_code == 200
    return answer.json()


def test_the_files_of_the_key_are_listed_and_handed_out_in_parts():
    told, place = listed(), keys.find("tiny")
    assert (told["circuit"], told["fingerprint"]) == ("tiny", place.fingerprint)
    assert {file["name"] for file in told["files"]} == NAMES
    for file in told["files"]:
        body = place.proving.with_name(file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(body), sha256(body).hexdigest())
        got = b""
        while len(got) < len(body):
            # However much is asked for.
            answer = get(f"keys/{file['sha256']}", Range=f"bytes={len(got)}-{len(body) - 1}")
            assert answer.status_code == 206
            assert 0 < len(answer.content) <= sharing.PART_BYTES
            end = len(got) + len(answer.content) - 1
            assert answer["Content-Range"] == f"bytes {len(got)}-{end}/{len(body)}"
            got += answer.content
        assert got == body


@pytest.mark.parametrize("token", [None, "", "guessed", TOKEN[:-1]])
def test_nothing_is_served_without_a_token(token):
    named = listed()["files"][0]["sha256"]
    for path in ("keys", f"keys/{named}"):
        answer = get(path, token, Range="bytes=0-")
        assert (answer.status_code, answer.json()["code"]) == (401, "invalid_token")


@pytest.mark.parametrize(
    "asked", [None, "", "bytes=", "bytes=-5", "bytes=0-1,5-9", "lines=0-", "bytes=٣-", "bytes=9999999999-"]
)
def test_ranges_that_mean_nothing_here(asked):
    named = listed()["files"][0]["sha256"]
    answer = get(f"keys/{named}", **({} if asked is None else {"Range": asked}))
    assert (answer.status_code, answer.json()["code"]) == (416, "invalid_range")


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("0" * 64, "unknown_key_file"),
        ("proving.key", "not_found"),
        ("../../../../manage.py", "not_found"),
        ("..%2f..%2fmanage.py", "not_found"),
        ("%2e%2e/%2e%2e/manage.py", "not_found"),
        ("/etc/passwd", "not_found"),
        ("A" * 64, "not_found"),
    ],
)
def test_only_files_of_the_key_can_be_named(name, code):
    answer = get(f"keys/{name}", Range="bytes=0-")
    assert (answer.status_code, answer.json()["code"]) == (404, code)


def test_keys_that_are_not_there_yet(tmp_path, monkeypatch, settings):
    settings.CHAIN_RPC_URL = "http://127.0.0.1:1"
    named = listed()["files"][0]["sha256"]
    monkeypatch.setenv("KEYS_DIR", str(tmp_path))
    assert (get("keys").status_code, get("keys").json()["code"]) == (503, "keys_not_ready")
    assert get(f"keys/{named}", Range="bytes=0-").json()["code"] == "unknown_key_file"


# ---- fetching, in place of which somebody may send something else


@dataclass
class Shelf:
    """An exchange that shares what a test puts there."""

    shared: sharing.SharedKeys
    directory: Path
    url: str = "https://exchange.example"
    asked: list[tuple[str, int]] = field(default_factory=list)

    def shared_keys(self) -> sharing.SharedKeys:
        return self.shared

    def read_part(self, named: str, start: int) -> Iterator[bytes]:
        self.asked.append((named, start))
        name = next(file.name for file in self.shared.files if file.sha256 == named)
        with (self.directory / name).open("rb") as file:
            file.seek(start)
            yield file.read(16 * 2**20)

    def replace(self, name: str, body: bytes) -> None:
        """Share something else under a name, with a hash that fits."""
        (self.directory / name).unlink(missing_ok=True)
        (self.directory / name).write_bytes(body)
        named = sharing.SharedFile(name, len(body), sha256(body).hexdigest())
        files = [named if file.name == name else file for file in self.shared.files]
        self.shared = self.shared._replace(files=files)


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    """What the real keys are, while KEYS_DIR is another one."""
    shared, place = sharing.shared_keys("tiny"), keys.place("tiny")
    directory = tmp_path / "shelf"
    directory.mkdir()
    for name in NAMES:
        # Links: nothing is written into them.
        os.link(place / name, directory / name)
    monkeypatch.setenv("KEYS_DIR", str(tmp_path / "keys"))
    return Shelf(shared, directory)


def fetch(shelf: Shelf) -> keys.KeyFiles:
    return fetching.fetch(shelf, lambda _: None)


def refused(shelf: Shelf) -> str:
    """What it says; nothing is in place, and nothing outside of KEYS_DIR."""
    with pytest.raises(keys.KeysFailed) as caught:
        fetch(shelf)
    assert keys.find("tiny") is None
    assert {path.name for path in shelf.directory.parent.iterdir()} <= {"shelf", "keys"}
    return str(caught.value)


def test_keys_are_fetched_once(shelf):
    files = fetch(shelf)
    assert files.proving.is_relative_to(keys.directory())
    assert files.fingerprint == shelf.shared.fingerprint
    asked = len(shelf.asked)
    assert fetch(shelf).fingerprint == files.fingerprint
    assert len(shelf.asked) == asked


def test_a_file_of_another_key_is_refused(shelf):
    proving = bytearray((shelf.directory / "proving.key").read_bytes())
    proving[200] ^= 1
    shelf.replace("proving.key", bytes(proving))
    assert "are not of the key" in refused(shelf)


def test_a_verifying_key_that_is_not_the_exchanges_is_refused(shelf):
    shelf.shared = shelf.shared._replace(fingerprint="0" * 64)
    assert "are not of the key" in refused(shelf)


@pytest.mark.parametrize(
    "change", [lambda body: body[:-1] + bytes([body[-1] ^ 1]), lambda body: body + b"x"], ids=["bent", "longer"]
)
def test_a_file_that_is_not_what_was_named_is_refused(shelf, change):
    body, named = (shelf.directory / "witness.wasm").read_bytes(), shelf.shared
    shelf.replace("witness.wasm", change(body))
    shelf.shared = named
    assert "is not the file that was named" in refused(shelf)
    # Once it is the right one, all goes well.
    shelf.replace("witness.wasm", body)
    assert fetch(shelf).fingerprint == named.fingerprint


@pytest.mark.parametrize("name", ["../../outside", "/tmp/outside", "main.circom"])
def test_files_go_nowhere_else(shelf, name):
    files = [file._replace(name=name) if file.name == "info.json" else file for file in shelf.shared.files]
    shelf.shared = shelf.shared._replace(files=files)
    assert "does not have the files" in refused(shelf)


@pytest.mark.parametrize("named", ["../../outside", "0" * 63, "", "A" * 64])
def test_hashes_are_no_paths(shelf, named):
    files = [file._replace(sha256=named) if file.name == "info.json" else file for file in shelf.shared.files]
    shelf.shared = shelf.shared._replace(files=files)
    assert "with the hash" in refused(shelf)


def test_another_circuit_is_told(shelf):
    shelf.shared = shelf.shared._replace(digest="0" * 16)
    assert "another circuit" in refused(shelf)


def test_keys_of_ones_own_are_left_alone(shelf):
    place = keys.place("tiny")
    shutil.copytree(shelf.directory, place)
    (place / "verifying.key").unlink()
    (place / "verifying.key").write_bytes(b"our own")
    with pytest.raises(keys.KeysFailed, match="keys of its own"):
        fetch(shelf)
    assert (place / "verifying.key").read_bytes() == b"our own"


def test_keys_that_the_exchange_replaced_are_fetched_anew(shelf):
    first = fetch(shelf)
    verifying = bytes(reversed(first.verifying.read_bytes()))
    proving = (shelf.directory / "proving.key").read_bytes()
    shelf.replace("verifying.key", verifying)
    shelf.replace("proving.key", proving[:6] + verifying + proving[6 + len(verifying) :])
    shelf.shared = shelf.shared._replace(fingerprint=sha256(verifying).hexdigest())
    assert fetch(shelf).fingerprint == sha256(verifying).hexdigest()
    assert json.loads((keys.place("tiny") / fetching.ORIGIN).read_text())["url"] == shelf.url


# ---- over a real connection, by a real process


class _Quiet(WSGIRequestHandler):
    def log_message(self, *_: Any) -> None:
        """Nothing."""


class _Server(socketserver.ThreadingMixIn, WSGIServer):
    daemon_threads = True


class Exchange:
    """The web process's own application behind a socket; `held` is set when it waits at the part `hold_at`."""

    def __init__(self) -> None:
        self._application = get_wsgi_application()
        self.server = _Server(("127.0.0.1", 0), _Quiet)
        self.server.set_app(self.answer)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        self.starts: list[int] = []
        self.hold_at: int | None = None
        self.held, self.go = threading.Event(), threading.Event()
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def answer(self, environ: Any, start_response: Any) -> Any:
        if asked := environ.get("HTTP_RANGE"):
            self.starts.append(int(asked.removeprefix("bytes=").split("-")[0]))
            if len(self.starts) == self.hold_at:
                self.held.set()
                self.go.wait()
        return self._application(environ, start_response)


@pytest.fixture
def exchange() -> Iterator[Exchange]:
    one = Exchange()
    yield one
    one.go.set()
    one.server.shutdown()
    one.server.server_close()


def fetcher(exchange: Exchange, place: Path, token: str = TOKEN) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", FETCH, exchange.url, token], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, env=os.environ | {"KEYS_DIR": str(place), "NO_PROXY": "*"},
    )  # fmt: skip


def test_a_download_that_was_killed_goes_on_where_it_was(exchange, tmp_path):
    exchange.hold_at = 6
    killed = fetcher(exchange, tmp_path)
    wait_until(exchange.held.is_set, "the sixth part to be asked for")
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    exchange.go.set()
    assert not [path for path in tmp_path.rglob("*") if path.name in NAMES]
    large = next(file for file in listed()["files"] if file["name"] == "proving.key")
    assert [path.stat().st_size for path in tmp_path.rglob(large["sha256"])] == [sharing.PART_BYTES]

    exchange.starts.clear()
    out, error = fetcher(exchange, tmp_path).communicate()
    assert out.splitlines()[-1:] == [keys.find("tiny").fingerprint], error
    # Nothing of what was there is asked for again.
    assert exchange.starts == list(range(sharing.PART_BYTES, large["bytes"], sharing.PART_BYTES))
    fetched = tmp_path / keys.place("tiny").name
    for name in NAMES:
        assert (fetched / name).read_bytes() == (keys.place("tiny") / name).read_bytes()
    assert list(tmp_path.glob("*.fetched")) + list(tmp_path.glob("*.part")) == []


def test_a_stranger_gets_nothing(exchange, tmp_path):
    one = fetcher(exchange, tmp_path, token="guessed")
    _, error = one.communicate()
    assert one.returncode
    assert "invalid_token" in error
    assert (exchange.starts, list(tmp_path.iterdir())) == ([], [])
