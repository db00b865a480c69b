"""Operators: what they see, what they command, and that no row can be edited past the matcher."""

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages
from django.core.management import CommandError, call_command
from django.urls import reverse

from accounts import operators as account_operators
from accounts import services
from accounts.models import ApiKey, AuditEntry
from matching import gateway, journal
from matching.engine import commands
from orders import listing, operators
from orders.models import Market
from tests.matching.harness import execute, fund
from tests.projections import project_all

MARKETS = "/admin/orders/market/"
BTC_USDT = f"{MARKETS}1/change/"


@pytest.fixture
def exchange(matcher, monkeypatch):
    """A real matcher with markets; the test projects, so nobody waits for a projector."""
    monkeypatch.setattr(operators, "PROJECTED_WITHIN_MS", 0)
    project_all()
    listing.forget()
    return matcher


@pytest.fixture
def operator(client, db):
    """A signed-in superuser."""
    user = get_user_model().objects.create_superuser("ops")
    client.force_login(user)
    return user


def told(response) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def command_state(client, action: str, market: int = 1):
    return client.post(MARKETS, {"action": action, "_selected_action": [market]})


def form_of(client, **changes) -> dict[str, str]:
    """The rules form as the page shows it, with changes."""
    form = client.get(BTC_USDT).context["form"]
    return {name: str(form[name].value()) for name in form.fields} | changes


def last_events() -> list[list]:
    return journal.events_at(journal.head())


def test_a_halt_is_a_command_with_a_name_to_it(exchange, client, operator):
    response = command_state(client, "halt_markets")
    sequence = journal.head()
    assert told(response) == [f"BTC-USDT is halted, sequence {sequence}."]
    assert last_events() == [["state", 1, "halted", 0, "operator"]]
    project_all()
    assert Market.objects.get(pk=1).state == "halted"
    done, asked = AuditEntry.objects.order_by("-id")[:2]
    assert (asked.action, asked.actor, asked.ip, asked.subject) == (
        "market.state.asked", operator, "127.0.0.1", "BTC-USDT halted",
    )  # fmt: skip
    assert (done.action, done.actor, done.detail["outcome"], done.detail["sequence"]) == (
        "market.state", operator, "executed", sequence,
    )  # fmt: skip
    kind, deadline_us, *fields = done.detail["command"]
    assert [kind, *fields] == ["state", 1, "halted"]
    assert asked.at < datetime.fromtimestamp(deadline_us / 1e6, UTC) <= done.at + timedelta(seconds=10)

    for action, state in (
        ("make_cancel_only", "cancel_only"), ("make_post_only", "post_only"), ("open_markets", "open"),
    ):  # fmt: skip
        command_state(client, action)
        assert last_events()[-1][:3] == ["state", 1, state]


def test_a_market_can_be_halted_from_the_command_line(exchange, operator, capsys):
    call_command("market_state", "all", "halted", by="ops")
    told = capsys.readouterr().out
    assert [f"{symbol} is halted" in told for symbol in ("BTC-USDT", "ETH-USDT", "ETH-BTC")] == [True] * 3
    done = AuditEntry.objects.latest("id")
    assert (done.action, done.actor, done.detail["outcome"]) == ("market.state", operator, "executed")
    call_command("market_state", "BTC-USDT", "open", by="ops")
    assert last_events()[-1][:3] == ["state", 1, "open"]

    head = journal.head()
    for arguments, by in ((("BTC-USDT", "halted"), "nobody"), (("NO-MARKET", "halted"), "ops")):
        with pytest.raises(CommandError):
            call_command("market_state", *arguments, by=by)
    assert journal.head() == head


def test_a_command_that_comes_too_late_is_refused(exchange, client, operator, monkeypatch):
    """Sent in an outage, it would halt a market long after somebody else has opened it again."""
    monkeypatch.setattr(account_operators, "GOOD_FOR_US", -1)
    response = command_state(client, "halt_markets")
    assert "deadline_passed" in told(response)[0]
    assert last_events() == [["rejected", "deadline_passed"]]
    project_all()
    assert Market.objects.get(pk=1).state == "open"
    assert AuditEntry.objects.latest("id").detail["code"] == "deadline_passed"


def test_rules_and_fees_are_a_command_and_what_is_not_asked_for_stays(exchange, client, operator):
    before = Market.objects.values().get(pk=1)
    form = form_of(client, min_size="0.0005", band="12.5", halt="90", fees="0.08 0.12\n0 0.05")
    response = client.post(BTC_USDT, form)
    assert told(response) == [f"BTC-USDT has these rules, sequence {journal.head()}."]
    project_all()
    after = Market.objects.values().get(pk=1)
    assert {name: value for name, value in after.items() if before[name] != value} == {
        "min_lots": 50, "band_ppm": 125_000, "halt_us": 90_000_000, "fees": [[800, 1_200], [0, 500]],
        "sequence": journal.head(),
    }  # fmt: skip
    assert AuditEntry.objects.filter(action="market.rules", actor=operator).count() == 1


# One matcher serves all cases of a table: starting one for each would take longer than all else.
SENSELESS = (
    {"min_size": "0.000001"}, {"min_size": "NaN"}, {"max_size": ""}, {"band": "1.00001"}, {"band": "-1"},
    {"halt": "1e999"}, {"fees": "0.1"}, {"fees": "0.1 x"}, {"max_orders": "0"}, {"min_notional": "9" * 400},
)  # fmt: skip


def test_a_form_that_makes_no_sense_sends_nothing(exchange, client, operator):
    head = journal.head()
    for changes in SENSELESS:
        response = client.post(BTC_USDT, form_of(client, **changes))
        assert response.status_code == 200
        assert set(response.context["form"].errors) == set(changes)
    assert journal.head() == head
    assert not AuditEntry.objects.exists()


def test_what_the_engine_refuses_is_told_and_changes_nothing(exchange, client, operator):
    before = Market.objects.values().get(pk=1)
    response = client.post(BTC_USDT, form_of(client, min_size="2", max_size="1"))
    assert told(response) == ["invalid_parameter: Refused by the engine: invalid_parameter"]
    assert last_events() == [["rejected", "invalid_parameter"]]
    project_all()
    assert Market.objects.values().get(pk=1) == before
    done = AuditEntry.objects.latest("id")
    assert (done.detail["outcome"], done.detail["code"]) == ("rejected", "invalid_parameter")


def test_a_new_market_gets_exact_units(exchange, client, operator):
    assets = {asset["code"]: asset["id"] for asset in ({"code": "BTC", "id": "1"}, {"code": "ETH", "id": "3"})}
    form = {"base": assets["BTC"], "quote": assets["ETH"], "tick": "0.005", "lot": "0.001", "reference": "20"}
    response = client.post(f"{MARKETS}add/", form)
    assert response.status_code == 302, response.content
    project_all()
    market = Market.objects.get(symbol="BTC-ETH")
    assert (market.pk, market.lot_atoms, market.unit, market.reference_price) == (4, 100_000, 5 * 10**12, 4_000)
    scale = listing.by_symbol("BTC-ETH").scale
    assert (scale.tick, scale.lot, scale.ticks_to_price(4_000)) == ("0.005", "0.001", "20")


INEXACT = (
    ({"quote": "1"}, "the same"),
    ({"tick": "0.000000001", "lot": "0.00000001", "quote": "2"}, "whole atoms"),
    ({"reference": "20.001"}, "not a multiple"),
    ({"lot": "0.000000001"}, "plain decimal"),
    ({"tick": "0"}, "whole atoms"),
)


def test_a_new_market_that_cannot_be_exact_is_refused(exchange, client, operator):
    head = journal.head()
    for changes, sentence in INEXACT:
        form = {"base": "1", "quote": "3", "tick": "0.005", "lot": "0.001", "reference": "20"} | changes
        response = client.post(f"{MARKETS}add/", form)
        assert sentence in str(response.context["form"].errors)
    assert journal.head() == head


def test_a_fee_tier_is_a_command(exchange, client, operator):
    account = services.create_account(name="trader")
    fund(account=account.pk, USDT="100000")
    response = client.post(reverse("admin:accounts_account_fee_tier", args=[account.pk]), {"tier": "2"})
    assert response.status_code == 302
    assert last_events() == [["tier", account.pk, 2]]
    assert AuditEntry.objects.get(action="fee_tier.set").account == account
    head = journal.head()
    for tier in ("-1", "1001", "x", ""):
        client.post(reverse("admin:accounts_account_fee_tier", args=[account.pk]), {"tier": tier})
    assert journal.head() == head


def test_the_journal_is_shown_in_words_and_found_by_sequence(exchange, client, operator):
    fund(account=7, USDT="100000")
    execute(commands.place(account=7, market=1, side=commands.BUY, price=600_000, size=1_000, client_id="words"))
    sequence = journal.head()
    found = client.get("/admin/matching/journalbatch/", {"q": str(sequence)}).context["cl"].queryset
    assert [batch.first <= sequence <= batch.last for batch in found] == [True]
    page = client.get(f"/admin/matching/journalbatch/{found[0].pk}/change/").content.decode()
    assert "client_id=words" in page
    assert "→ rest" in page
    for nonsense in ("x", str(sequence + 1), "9" * 30, "0"):
        assert not client.get("/admin/matching/journalbatch/", {"q": nonsense}).context["cl"].queryset


def test_everything_can_be_looked_at(exchange, client, operator):
    account = services.create_account(name="trader")
    key, secret = services.create_api_key(account=account, permissions=["read"])
    fund(account=account.pk, BTC="1", USDT="200000")
    place = {"account": account.pk, "market": 1, "price": 600_000, "size": 1_000}
    execute(commands.place(side=commands.SELL, **place), commands.place(side=commands.BUY, **place))
    project_all()
    pages = [
        "", "orders/market/", "orders/market/1/change/", "orders/market/add/", "orders/order/",
        "orders/order/1/change/",
        "orders/order/?q=1", "orders/trade/", "orders/trade/1/change/", "orders/trade/?q=1", "wallets/asset/",
        "orders/market/candles/?market=BTC-USDT", "orders/market/candles/?market=x",
        "orders/market/candles/?market=BTC-USDT&interval=1w", "orders/market/candles/?market=BTC-USDT&interval=9z",
        "wallets/asset/balances/",
        f"wallets/asset/balances/?account={account.pk}", "wallets/asset/balances/?account=x&p=9",
        "wallets/ledgerentry/",
        "wallets/ledgerentry/1/change/", "wallets/deposit/", "wallets/withdrawal/", "wallets/internaltransfer/",
        "accounts/account/", f"accounts/account/{account.pk}/change/", f"accounts/account/{account.pk}/fee-tier/",
        "accounts/apikey/", "accounts/auditentry/", "matching/journalbatch/", "matching/leader/", "matching/standby/",
        "matching/projectionoffset/", "matching/suspectbatch/",
    ]  # fmt: skip
    texts = {}
    for path in pages:
        response = client.get(f"/admin/{path}")
        assert response.status_code == 200, path
        texts[path] = response.content.decode()
    assert "60000" in texts["orders/trade/"]
    for query in ("", "&interval=1w", "&interval=9z"):
        assert "60000" in texts[f"orders/market/candles/?market=BTC-USDT{query}"]
    assert "<option selected>1w</option>" in texts["orders/market/candles/?market=BTC-USDT&interval=1w"]
    # It traded with itself, and paid 0.15 % and 0.1 % of 0.01 BTC and 600 USDT.
    assert "0.999985 BTC" in texts[f"wallets/asset/balances/?account={account.pk}"]
    assert secret not in "".join(texts.values())
    key_page = client.get(f"/admin/accounts/apikey/{ApiKey.objects.get(key=key).pk}/change/").content.decode()
    assert secret not in key_page


def test_no_row_of_the_engine_can_be_edited_or_deleted(exchange, client, operator):
    fund(account=7, BTC="1", USDT="200000")
    place = {"account": 7, "market": 1, "price": 600_000, "size": 1_000}
    execute(commands.place(side=commands.SELL, **place), commands.place(side=commands.BUY, **place))
    project_all()
    head = journal.head()
    for path in (
        "orders/order/1/",
        "orders/trade/1/",
        "wallets/ledgerentry/1/",
        "wallets/asset/1/",
        "orders/market/1/",
    ):
        assert client.post(f"/admin/{path}delete/", {"post": "yes"}).status_code == 403
        edited = client.post(f"/admin/{path}change/", {"price": "1", "scale": "1", "amount": "1", "state": "halted"})
        # A market's page takes a whole form or nothing.
        assert edited.status_code == (200 if "market" in path else 403)
    assert journal.head() == head


def test_keys_are_revoked_with_an_audit_row(client, operator, redis_client):
    account = services.create_account(name="trader")
    key, _ = services.create_api_key(account=account, permissions=["read"])
    row = ApiKey.objects.get(key=key)
    response = client.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [row.pk]})
    assert told(response) == [f"Key {key} is revoked."]
    row.refresh_from_db()
    assert row.revoked_at is not None
    assert AuditEntry.objects.get(action="api_key.revoked").actor == operator
    again = client.post("/admin/accounts/apikey/", {"action": "revoke", "_selected_action": [row.pk]})
    assert "no such key" in told(again)[-1]


def test_who_may_only_look_cannot_command(exchange, client):
    user = get_user_model().objects.create_user("viewer", is_staff=True)
    user.user_permissions.set(Permission.objects.filter(codename__startswith="view_"))
    client.force_login(user)
    head = journal.head()
    assert client.get(MARKETS).status_code == 200
    assert "halt_markets" not in client.get(MARKETS).content.decode()
    command_state(client, "halt_markets")
    client.post(BTC_USDT, {"min_size": "1"})
    assert client.post(f"{MARKETS}add/", {}).status_code == 403
    account = services.create_account(name="trader")
    assert client.post(f"/admin/accounts/account/{account.pk}/fee-tier/", {"tier": "2"}).status_code == 403
    assert journal.head() == head
    assert not AuditEntry.objects.exists()


def test_a_customer_is_kept_out_and_a_stranger_signs_in_where_everybody_does(client, db):
    assert client.get("/admin/").url.startswith("/admin/login/")
    assert client.get("/admin/login/?next=/admin/").url == "/accounts/login/?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "ops", "password": "guess"}).status_code == 302
    client.force_login(get_user_model().objects.create_user("customer"))
    assert client.get("/admin/login/").status_code == 403


def test_no_answer_from_the_matcher_is_told_and_stays_in_the_audit(client, operator, redis_client, monkeypatch):
    """There is no matcher here at all."""
    Market.objects.create(
        pk=1, symbol="BTC-USDT", base_id=1, quote_id=2, base_code="BTC", quote_code="USDT", base_scale=8, quote_scale=6,
        lot_atoms=1_000, unit=1, min_lots=1, max_lots=10, min_notional=0, band_ppm=1, breaker_ppm=0,
        breaker_window_us=0, halt_us=0, reopen_us=0, max_orders=1, reference_price=1, fees=[[0, 0]], state="open",
        sequence=1,
    )  # fmt: skip
    submit = gateway.submit
    # Long enough that it is sent, though the gateway has yet to connect.
    gateway.prepare()
    monkeypatch.setattr(gateway, "submit", lambda sent: submit(sent, timeout_s=2))
    response = command_state(client, "halt_markets")
    gateway.close()
    assert told(response) == ["BTC-USDT: no answer in time"]
    assert [entry.action for entry in AuditEntry.objects.order_by("id")] == ["market.state.asked", "market.state"]
    assert AuditEntry.objects.latest("id").detail["outcome"] == "unknown_outcome"
