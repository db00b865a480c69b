"""An exchange of these tests' own that knows of a contract, and users of it who hold their own keys.

The journal's entries of the chain are sent as the chain's watcher would send them; nothing here asks a chain.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest

from matching.engine import commands
from rollup.client import Exchange, Signer
from rollup.state.eddsa import public_key
from tests.stack import COMMANDS, Stack, running_stack, wait_until

CHAIN_ID = 31_337
CONTRACT = "0x5FbDB2315678afecb367f032d93F642f64180aa3"
OWNER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
L1 = 2
# Name and custody; numbers in the rollup count from 1.
USERS = (("alice", 0), ("bob", 0), ("carol", 1))
# One process for all of it: each takes seconds to start.
PREPARE = """
import json
from matching import gateway
from orders.demo.accounts import demo_account
from wallets import selectors
from wallets.chain import deployment
from wallets.models import L2Account

deployment.record(
    chain_id={chain_id}, address="{contract}", from_block=0, parameters="tiny", abi=[], token_abi=[]
)
index, commands, made = 0, [], {{}}
for name, number, custody, x, y in {users!r}:
    account = demo_account(name=name)
    made[name] = [account.account, account.key, account.secret]
    L2Account.objects.create(
        account_id=account.account, number=number, custody=custody, x=x, y=y, owner="{owner}", status="registered"
    )
    index += 1
    commands.append(["key", 0, {source}, index, account.account, number, custody, x, y])
for account, _, _ in made.values():
    for asset, amount in ((1, 100 * 10**8), (2, 10**6 * 10**6)):
        index += 1
        commands.append(["deposit", 0, {source}, index, account, asset, amount])
results = gateway.submit(commands)
assert not any(result.events[-1][0] == "rejected" for result in results), results
assert selectors.wait_for_sequence(results[-1].sequence, timeout_ms=60_000) >= results[-1].sequence
print("MADE", index, json.dumps(made))
"""
SET_KEY = """
from matching import gateway
(result,) = gateway.submit([{command!r}])
assert result.events[-1][0] != "rejected", result
"""
AWAIT = """
from wallets import selectors
assert selectors.wait_for_sequence(result.sequence, timeout_ms=60_000) >= result.sequence
"""


class ChainStack(Stack):
    """An exchange that has a chain, of which nobody answers; users' balances come by its queue all the same."""

    def __init__(self, root: Path, postgres_url: str) -> None:
        super().__init__(root, postgres_url)
        self.env |= {"CHAIN_RPC_URL": "http://127.0.0.1:9", "ROLLUP_PARAMETERS": "tiny"}
        self.entries = 0

    def start(self) -> None:
        with psycopg.connect(self._postgres_url, autocommit=True) as connection:
            connection.execute(f'CREATE DATABASE "{self.database}"')
        self.redis.start()
        self.manage("migrate", "--verbosity", "0")
        for name in COMMANDS:
            self.launch(name)
        self.manage("seed", "--listing")
        self.wait_ready()

    def prepare(self) -> dict[str, tuple[int, str, str]]:
        """The users: account, key and secret of the API by name."""
        keys = {name: public_key(bytes([number]) * 32) for number, (name, _) in enumerate(USERS, 1)}
        users = [(name, number, custody, *keys[name]) for number, (name, custody) in enumerate(USERS, 1)]
        script = PREPARE.format(chain_id=CHAIN_ID, contract=CONTRACT, users=users, owner=OWNER, source=L1)
        told = next(line for line in self.manage("shell", "-c", script).splitlines() if line.startswith("MADE"))
        _, entries, made = told.split(" ", 2)
        self.entries = int(entries)
        return {name: tuple(one) for name, one in json.loads(made).items()}

    def set_key(self, user: "User", secret: bytes, *, is_awaited: bool = True) -> None:
        """A user's own set_key on the chain has been read; `is_awaited`: and is in the rows."""
        self.entries += 1
        key = public_key(secret)
        command = commands.key(
            source=L1, index=self.entries, account=user.account, l2=user.number, custody=0, x=key.x, y=key.y
        )
        self.manage("shell", "-c", SET_KEY.format(command=command) + (AWAIT if is_awaited else ""))

    def admit(self, account: int, *, number: int, secret: bytes) -> None:
        """The chain gave an announced key its number, and its owner paid dollars in."""
        key = public_key(secret)
        made = commands.key(source=L1, index=self.entries + 1, account=account, l2=number, custody=0, x=key.x, y=key.y)
        paid = commands.deposit(source=L1, index=self.entries + 2, account=account, asset=2, amount=10**5 * 10**6)
        self.entries += 2
        script = f"L2Account.objects.filter(account_id={account}).update(number={number}, status='registered')\n"
        self.manage(
            "shell", "-c",
            "from wallets.models import L2Account\n" + script + SET_KEY.format(command=made)
            + SET_KEY.format(command=paid) + AWAIT,
        )  # fmt: skip

    def head(self) -> int:
        """The journal's last sequence."""
        with psycopg.connect(self.env["DATABASE_URL"]) as connection:
            row = connection.execute("SELECT head FROM matching_leader").fetchone()
        assert row is not None
        return int(row[0])


@dataclass
class User:
    """Somebody with an account, a number in the rollup, and a key of his own or of the exchange."""

    stack: ChainStack
    account: int
    number: int
    secret: bytes
    exchange: Exchange

    def signer(self, **changed: Any) -> Signer:
        """One that knows how things stand now; `changed` are terms that it is told wrongly."""
        return Signer(self.secret, self.exchange.terms() | changed)

    def balances(self) -> dict[str, tuple[str, str]]:
        """Asset to (available, held), as of the journal's head."""
        head = self.stack.head()
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.exchange.request("GET", "/api/v1/balances"))
            return bool(found["sequence"] >= head)

        wait_until(is_there, "balances")
        return {row["asset"]: (row["available"], row["held"]) for row in found["balances"]}

    def open_orders(self) -> list[int]:
        """Ids of the open orders."""
        head = self.stack.head()
        found: dict[str, Any] = {}

        def is_there() -> bool:
            found.update(self.exchange.request("GET", "/api/v1/orders?limit=500"))
            return bool(found["sequence"] >= head)

        wait_until(is_there, "orders")
        return [order["id"] for order in found["orders"]]

    def everything(self) -> tuple[Any, ...]:
        """What a refused request must not change."""
        terms = self.exchange.terms()
        return self.balances(), self.open_orders(), terms["nonce"], terms["order_ids"]


@pytest.fixture(scope="package")
def stack() -> Iterator[ChainStack]:
    yield from running_stack(ChainStack)


@pytest.fixture(scope="package")
def users(stack: ChainStack) -> dict[str, User]:
    """Two who sign themselves, and one for whom the exchange does; all have money."""
    return {
        name: User(stack, account, number, bytes([number]) * 32, Exchange(stack.base_url, key, secret))
        for number, (name, (account, key, secret)) in enumerate(stack.prepare().items(), 1)
    }


@pytest.fixture
def alice(users: dict[str, User]) -> User:
    users["alice"].exchange.request("DELETE", "/api/v1/orders")
    users["bob"].exchange.request("DELETE", "/api/v1/orders")
    return users["alice"]


@pytest.fixture
def bob(users: dict[str, User], alice: User) -> User:
    return users["bob"]


@pytest.fixture
def carol(users: dict[str, User]) -> User:
    return users["carol"]
