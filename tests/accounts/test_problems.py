"""The table of error codes, its page and its document."""

import ast
from pathlib import Path

import pytest

from accounts.problems import PROBLEMS, Problem, markdown

ROOT = Path(__file__).resolve().parents[2]


def test_the_document_is_the_table():
    assert (ROOT / "docs/errors.md").read_text() == markdown(), "run: manage.py error_codes > docs/errors.md"


def test_every_code_is_a_stable_word():
    assert all(code.isascii() and code.replace("_", "").isalnum() and code.islower() for code in PROBLEMS)
    assert all(400 <= kind.status < 600 for kind in PROBLEMS.values())


def test_every_rejection_of_the_engine_is_in_the_table():
    """The codes of docs/protocol.md section 4 are words in backticks that the engine's sources hold as strings."""
    section = (ROOT / "docs/protocol.md").read_text().split("## 4.")[1].split("## 5.")[0]
    words = {part for part in section.split("`") if part.replace("_", "").isalpha() and "_" in part}
    strings = {
        node.value
        for path in (ROOT / "matching/engine").glob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    fields = {"min_lots", "max_lots", "min_notional", "max_orders", "post_only", "client_id", "cancel_all"}
    codes = (words & strings) - fields - {"cancel_only", "lot_atoms"}
    assert {"insufficient_balance", "unknown_order", "price_band"} <= codes
    assert {code for code in codes if code not in PROBLEMS and not code.endswith(("_ppm", "_us", "_price"))} == set()


def test_every_problem_raised_has_a_code_of_the_table():
    """A code that is misspelt in the source would become an internal error."""
    raised = set()
    for app in ("accounts", "wallets", "orders", "exchange"):
        for path in (ROOT / app).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Problem" and node.args:
                    first = node.args[0]
                    if isinstance(first, ast.Constant):
                        raised.add(first.value)
    assert len(raised) > 10
    assert raised <= set(PROBLEMS)


def test_an_unknown_code_does_not_leak():
    assert Problem("nonsense").document()["code"] == "internal_error"


@pytest.mark.django_db
def test_a_problems_type_is_an_address_with_its_row(client):
    address, _, anchor = Problem("price_band").document()["type"].partition("#")
    answer = client.get(address)
    assert answer.status_code == 200
    assert f'id="{anchor}"' in answer.content.decode()
