"""What no public call does, for tests from the outside: one process that boots Django once and takes JSON lines.

    {"account": "alice"}                 -> {"account": 7, "key": "…", "secret": "…"}
    {"commands": [["tick", 0], …]}       -> {"sequence": 12, "events": [[…], …]}     through the gateway
    {"house": "USDT", "sequence": 12}    -> {"available": "1.000000", "held": "0.000000"}   collected fees

Run as `python -m tests.api.operator` with the environment of the exchange under test.
"""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from uuid import uuid4

ROOT = Path(__file__).resolve().parents[2]


class OperatorFailed(RuntimeError):
    """The operator's process answered with an error; the message is its traceback."""


class Operator:
    """The test's end of the process."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "tests.api.operator"],
            cwd=ROOT, env=dict(environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        )  # fmt: skip

    def ask(self, **request: Any) -> dict[str, Any]:
        """Raises OperatorFailed."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()
        line = self.process.stdout.readline()
        answer = json.loads(line) if line else {"error": "the operator's process ended"}
        if "error" in answer:
            raise OperatorFailed(answer["error"])
        return dict(answer)

    def stop(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def handle(request: dict[str, Any]) -> dict[str, Any]:
    from accounts import services as accounts
    from matching import gateway
    from matching.money import format_atoms
    from wallets import selectors as wallets

    if "account" in request:
        account = accounts.create_account(name=f"{request['account']}-{uuid4().hex[:8]}", rate_tier="maker")
        key, secret = accounts.create_api_key(account=account, permissions=("read", "trade"))
        return {"account": account.pk, "key": key, "secret": secret}
    if "commands" in request:
        results = gateway.submit(request["commands"], timeout_s=60)
        return {"sequence": results[-1].sequence, "events": [event for result in results for event in result.events]}
    wallets.wait_for_sequence(request["sequence"])
    asset = wallets.get_asset(code=request["house"])
    rows = [row for row in wallets.balances(0) if row.asset_id == asset.id]
    available, held = (rows[0].available, rows[0].held) if rows else (0, 0)
    return {"available": format_atoms(int(available), asset.scale), "held": format_atoms(int(held), asset.scale)}


def main() -> None:
    import traceback

    import django

    django.setup()
    for line in sys.stdin:
        try:
            answer = handle(json.loads(line))
        except Exception:  # whatever it is, the test must see it
            answer = {"error": traceback.format_exc()}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
