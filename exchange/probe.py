"""Asks a running exchange whether it is ready, and says where it is."""

import json
import urllib.error
import urllib.request
from pathlib import Path

TIMEOUT_S = 5.0
DEMO_USERS = "demo-users.json"  # written by manage.py seed


def _url_host(host: str) -> str:
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104  listening everywhere answers here
    return f"[{host}]" if ":" in host else host


def _get(url: str) -> tuple[int, bytes]:
    try:
        # A machine's proxy has no business with our own loopback.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(url, timeout=TIMEOUT_S) as response:
            return response.status, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def troubles(host: str, port: int, socket_port: int) -> dict[str, str]:
    """What is not ready yet: check name to reason. Empty when all is well."""
    found: dict[str, str] = {}
    try:
        _, body = _get(f"http://{_url_host(host)}:{port}/health/ready")
        checks = json.loads(body)["checks"]
        found |= {name: check.get("detail", "not ready") for name, check in checks.items() if not check["ok"]}
    except (OSError, ValueError, KeyError) as error:
        found["web"] = f"no answer yet ({error})"
    try:
        status, _ = _get(f"http://{_url_host(host)}:{socket_port}/health/live")
        if status != 200:
            found["sockets"] = f"HTTP status {status}"
    except OSError as error:
        found["sockets"] = f"no answer yet ({error})"
    return found


def welcome(address: str, host: str, socket_port: int, var_dir: Path, chain_port: int | None) -> str:
    """What to tell when all is ready: addresses, demo sign-ins. `chain_port`: of our own development chain, if any."""
    sockets = address.rpartition(":")[0].replace("http", "ws", 1)
    lines = [
        "",
        "  Provex is running.",
        "",
        f"    Markets   {address}/",
        f"    Blocks    {address}/blocks/",
        f"    API       {address}/api/v1/docs",
        f"    Sockets   {sockets}:{socket_port}/ws/v1",
        *([f"    Chain     http://127.0.0.1:{chain_port}"] if chain_port else []),
        f"    Admin     {address}/admin/",
        f"    Health    {address}/health/ready",
        f"    Logs      {var_dir / 'log'}",
        "",
    ]
    path = var_dir / DEMO_USERS
    if path.exists():
        for user in json.loads(path.read_text()):
            lines.append(f"    Sign in as {user['username']:<10} password {user['password']:<22} ({user['role']})")
        lines.append("")
    lines += ["  Ctrl-C stops it and keeps its state.", ""]
    return "\n".join(lines)
