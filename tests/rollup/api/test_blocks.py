"""What /api/v1 and the explorer's pages say of blocks."""

import pytest
from django.test import Client

from rollup import proving
from rollup.models import Block
from rollup.state.slots import WITHDRAW, Slot
from tests.rollup.api.conftest import finish
from tests.rollup.made import ALICE, signed


def test_blocks_come_newest_first_page_by_page(api, maker):
    maker.first()
    for _ in range(4):
        maker.transfer()
    status, first = api.get("/blocks?limit=2")
    assert status == 200
    assert [block["number"] for block in first["blocks"]] == [5, 4]
    _, second = api.get(f"/blocks?limit=2&cursor={first['next_cursor']}")
    assert [block["number"] for block in second["blocks"]] == [3, 2]
    _, last = api.get(f"/blocks?limit=2&cursor={second['next_cursor']}")
    assert ([block["number"] for block in last["blocks"]], last["next_cursor"]) == ([1], None)


def test_a_block_says_what_it_did_and_where_it_is(api, maker):
    block = maker.first()
    status, found = api.get("/blocks/1")
    assert status == 200
    assert (found["number"], found["status"], found["reason"], found["slots"]) == (1, "sealed", None, 4)
    assert (found["old_root"], found["new_root"]) == (str(block.old_root), str(block.new_root))
    assert (found["first_entry"], found["last_entry"]) == (1, 4)
    assert [found[name] for name in ("proved_at", "final_at", "proof_ms", "gas", "gas_per_slot", "l1_tx")] == [None] * 6
    assert found["data"] == block.data
    key, money = found["slot_list"][:2]
    assert (key["operation"], key["account"], key["changes"]) == ("set_key", ALICE, [])
    assert (money["operation"], money["changes"]) == (
        "deposit", [{"asset": "BTC", "amount": "0.000005", "fee": "0"}],
    )  # fmt: skip
    finish(block)
    _, found = api.get("/blocks/1")
    assert (found["status"], found["gas"], found["gas_per_slot"], found["l1_block"]) == ("final", 400_000, 100_000, 7)


def test_a_withdrawal_names_its_recipient(api, maker):
    maker.first()
    nonce = maker.ledger.account(ALICE).nonce
    slot = Slot(WITHDRAW, ALICE, (1, 0), (7, 0), recipient=0xABC, nonce=nonce)
    maker.seal([signed(slot)])
    _, found = api.get("/blocks/2")
    assert [(slot["operation"], slot["recipient"]) for slot in found["slot_list"]] == [
        ("withdraw", "0x" + "0" * 37 + "abc")
    ]
    assert found["slot_list"][0]["changes"] == [{"asset": "BTC", "amount": "-0.00000007", "fee": "0"}]


def test_the_backlog_counts_what_waits(api, maker):
    first = maker.first()
    maker.transfer()
    maker.transfer()
    finish(first)
    Block.objects.filter(number=2).update(status="proved", proof_ms=1_500)
    _, answer = api.get("/blocks")
    backlog = answer["backlog"]
    assert (backlog["unproven"]["blocks"], backlog["unproven"]["slots"]) == (1, 2)
    assert (backlog["unsettled"]["blocks"], backlog["unsettled"]["slots"]) == (2, 4)
    assert (backlog["proof_ms"], backlog["gas_per_slot"], backlog["failed_blocks"]) == (1_500, 100_000, 0)
    assert backlog["reason"] is None
    Block.objects.filter(number=2).update(reason="no_gas")
    _, answer = api.get("/blocks")
    assert answer["backlog"]["reason"] == "block 2: no_gas"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/blocks/9", 404, "unknown_block"),
        ("/blocks/9/trades", 404, "unknown_block"),
        ("/proofs/9", 404, "unknown_block"),
        ("/proofs/1", 404, "not_proven"),
        (f"/blocks/{2**63}", 404, "not_found"),
        ("/blocks/-1", 404, "not_found"),
        ("/blocks?limit=0", 400, "invalid_request"),
        ("/blocks?cursor=x", 400, "invalid_cursor"),
        ("/blocks/1?x=1", 400, "invalid_request"),
        ("/l2/accounts/1/proof", 400, "invalid_request"),
        ("/l2/accounts/1/proof?asset=XXX", 404, "unknown_asset"),
        ("/l2/accounts/1/proof?asset=BTC", 404, "no_final_block"),
    ],
)
def test_what_is_not_there_is_told_by_its_code(api, maker, path, status, code):
    maker.first()
    found, body = api.get(path)
    assert (found, body["code"]) == (status, code)


def test_pages_show_blocks_to_everybody(api, maker):
    browser = Client()
    assert browser.get("/blocks/").status_code == 200
    maker.first()
    assert b"sealed" in browser.get("/blocks/").content
    page = browser.get("/blocks/1/").content.decode()
    assert "set_key" in page
    assert "entries 1 to 4" in page
    assert browser.get("/blocks/2/").status_code == 404
    assert browser.get(f"/blocks/{2**70}/").status_code == 404


def test_metrics_and_health_tell_the_same(api, maker, settings):
    settings.CHAIN_RPC_URL = "http://127.0.0.1:9"
    maker.first()
    text = Client().get("/metrics").content.decode()
    assert "provex_rollup_unproven_blocks 1.0" in text
    assert "provex_rollup_unproven_slots 4.0" in text
    lease = proving.lease(worker="a")
    proving.fail(block=1, number=lease.number, reason="a test")
    text = Client().get("/metrics").content.decode()
    assert "provex_rollup_failed_blocks 1.0" in text
    assert "provex_rollup_trouble 1.0" in text
    checks = Client().get("/health/ready").json()["checks"]
    assert (checks["rollup"]["ok"], checks["rollup"]["detail"]) == (False, "block 1: not_provable: a test")


def test_operators_see_blocks_tasks_and_transactions(api, maker, admin_client):
    maker.first()
    for name in ("block", "provingtask", "submission"):
        assert admin_client.get(f"/admin/rollup/{name}/").status_code == 200
    page = admin_client.get("/admin/rollup/block/1/change/").content.decode()
    assert "Save" not in page
