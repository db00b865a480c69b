"""Keys for escapes are everybody's; those that blocks are proven with are not."""

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from rollup.prover import keys, sharing
from tests.rollup.api.test_pull_keys import Exchange, exchange  # noqa: F401  a fixture
from tests.stack import ROOT

BLOCKS, ESCAPES = "tiny", "exit-tiny"


@pytest.fixture(autouse=True)
def _tiny(settings: Any) -> None:
    for name in (BLOCKS, ESCAPES):
        keys.ensure(name)
    settings.ROLLUP_PARAMETERS = BLOCKS


def get(path: str, **headers: str) -> Any:
    return Client().get(f"/api/v1/escape/{path}", headers=headers)


def test_they_are_listed_and_handed_out_to_anybody() -> None:
    told, place = get("keys").json(), keys.find(ESCAPES)
    assert place is not None
    assert (told["circuit"], told["fingerprint"]) == (ESCAPES, place.fingerprint)
    for file in told["files"]:
        body = place.proving.with_name(file["name"]).read_bytes()
        assert (file["bytes"], file["sha256"]) == (len(body), sha256(body).hexdigest())
        part = get(f"keys/{file['sha256']}", Range="bytes=0-")
        assert (part.status_code, part.content) == (206, body[: sharing.PART_BYTES])


def test_other_files_are_not() -> None:
    shared = sharing.shared_keys(BLOCKS)
    assert shared is not None
    escapes = {file["sha256"] for file in get("keys").json()["files"]}
    for file in shared.files:
        if file.sha256 not in escapes:
            answer = get(f"keys/{file.sha256}", Range="bytes=0-")
            assert (answer.status_code, answer.json()["code"]) == (404, "unknown_key_file")
    assert get("keys/..%2f..%2fsecrets", Range="bytes=0-").status_code == 404


def test_the_program_fetches_them(exchange: Exchange, tmp_path: Path) -> None:  # noqa: F811
    done = subprocess.run(
        [sys.executable, "manage.py", "escape", "--keys-from", exchange.url, "--parameters", BLOCKS], cwd=ROOT,
        env=os.environ | {"KEYS_DIR": str(tmp_path), "NO_PROXY": "*"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ours = keys.find(ESCAPES)
    assert ours is not None
    assert f"verifying key {ours.fingerprint}" in done.stdout
    for name in sharing.FILES:
        fetched = tmp_path / keys.place(ESCAPES).name / name
        assert fetched.read_bytes() == (keys.place(ESCAPES) / name).read_bytes()


def test_without_a_range_and_without_keys(monkeypatch: pytest.MonkeyPatch, settings: Any, tmp_path: Path) -> None:
    named = get("keys").json()["files"][0]["sha256"]
    assert get(f"keys/{named}").json()["code"] == "invalid_range"
    monkeypatch.setenv("KEYS_DIR", str(tmp_path))
    settings.CHAIN_RPC_URL = ""
    assert (get("keys").status_code, get("keys").json()["code"]) == (404, "no_chain")
    settings.CHAIN_RPC_URL = "http://127.0.0.1:1"
    assert (get("keys").status_code, get("keys").json()["code"]) == (503, "keys_not_ready")
