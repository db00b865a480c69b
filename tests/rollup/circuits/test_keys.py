"""The cache of keys: made once whoever asks, whole or not at all, of exactly this circuit."""

import shutil
from concurrent.futures import ThreadPoolExecutor
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from rollup.prover import apart, circuits, keys
from rollup.prover.proving import Proof, verify

NAME = "exit-tiny"
CEREMONY = Path(__file__).parent / "ceremony"


@pytest.fixture
def fresh(tmp_path, monkeypatch):
    """A directory of keys with none in it."""
    monkeypatch.setenv("KEYS_DIR", str(tmp_path / "keys"))
    return tmp_path / "keys"


@pytest.fixture
def kept(fresh):
    """The same, with the keys of the small circuit that other tests use."""
    made = keys.BASE_DIR / "var" / "keys" / keys.place(NAME).name
    if not made.exists():
        keys.ensure(NAME)
    else:
        shutil.copytree(made, keys.place(NAME))
    return keys.find(NAME)


def test_several_ask_at_once_and_one_makes_them(fresh):
    told = []
    with ThreadPoolExecutor(3) as pool:
        made = list(pool.map(lambda _: keys.ensure(NAME, told.append), range(3)))
    assert len({files.fingerprint for files in made}) == 1
    at = keys.place(NAME).name
    assert {path.name for path in fresh.iterdir()} == {at, f"{at}.lock", f"{at}.log"}
    assert any("compiling" in text for text in told)
    assert keys.UNSAFE in told
    assert keys.progress(NAME) == ""


def test_what_a_killed_setup_left_is_no_key(fresh):
    place = keys.place(NAME)
    part = place.with_name(f"{place.name}.part")
    part.mkdir(parents=True)
    (part / "info.json").write_text("{}")
    assert not keys.is_ready(NAME)
    assert keys.ensure(NAME).info["constraints"] > 1_000
    assert not part.exists()


def test_no_keys_no_verifier(fresh):
    assert keys.find(NAME) is None
    assert keys.progress(NAME) == ""
    with pytest.raises(keys.KeysFailed):
        apart.verifier_source(NAME)
    with pytest.raises(KeyError):
        verify(NAME, Proof([1] * 8, [1], 0))


def test_there_are_keys_of_known_circuits_only(fresh):
    for ask in (keys.place, keys.find, keys.ensure):
        with pytest.raises(ValueError, match="no circuit"):
            ask("../tiny")


def test_what_fails_says_why_and_leaves_nothing(fresh):
    fresh.mkdir()
    keys.place(NAME).with_name(f"{keys.place(NAME).name}.part").write_text("in the way")
    with pytest.raises(keys.KeysFailed, match="irectory"):
        keys.ensure(NAME)
    assert not keys.is_ready(NAME)
    assert keys.progress(NAME) == ""


@pytest.mark.parametrize("file", ["cube.zkey", "cube.r1cs", "none.zkey"])
def test_a_wrong_ceremony_leaves_the_keys_as_they_were(kept, file):
    with pytest.raises(keys.KeysFailed, match=r"ceremony|no file"):
        keys.import_ceremony(NAME, CEREMONY / file)
    assert keys.find(NAME).fingerprint == kept.fingerprint


def test_other_sources_have_other_keys(tmp_path, monkeypatch):
    sources = tmp_path / "circuits"
    shutil.copytree(circuits.SOURCES, sources)
    monkeypatch.setattr(circuits, "SOURCES", sources)
    digest = circuits.digest.__wrapped__
    before = digest("tiny")
    assert before == circuits.digest("tiny") != digest("dev")
    with (sources / "tree.circom").open("a") as file:
        file.write("\n")
    assert digest("tiny") != before


def test_the_verifying_key_as_others_read_it(kept):
    assert apart.verification_key(NAME)["nPublic"] == 4
    assert apart.verification_key(NAME)["protocol"] == "groth16"
    assert "def verifyProof" in apart.verifier_source(NAME)


def test_the_command_says_what_is_there_and_that_it_is_unsafe(kept, tmp_path):
    out, err = StringIO(), StringIO()
    call_command("circuit_keys", NAME, r1cs=tmp_path / "circuit.r1cs", stdout=out, stderr=err)
    assert "constraints, single-party" in out.getvalue()
    assert kept.fingerprint in out.getvalue()
    assert "UNSAFE FOR REAL FUNDS" in err.getvalue()
    assert (tmp_path / "circuit.r1cs").read_bytes().startswith(b"r1cs")
    with pytest.raises(CommandError, match="not of this circuit"):
        call_command("circuit_keys", NAME, ceremony=CEREMONY / "cube.zkey", stdout=out)
