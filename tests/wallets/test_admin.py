"""Operators and withdrawals: commands with a name to each, and nothing without the permission."""

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Permission
from django.contrib.messages import get_messages

from accounts import services as accounts
from accounts.models import AuditEntry
from matching import gateway
from matching.gateway import GatewayTimeout
from tests.projections import catch_up
from wallets import selectors, services
from wallets.models import Withdrawal
from wallets.projection import make_projection

pytestmark = pytest.mark.process
PAGE = "/admin/wallets/withdrawal/"
BTC = 1


@pytest.fixture
def account(matcher):
    catch_up(make_projection())
    one = accounts.create_account(name="alice")
    services.credit_deposit(account_id=one.pk, asset_code="BTC", amount_atoms=500)
    return one


@pytest.fixture
def held(account):
    return services.hold_withdrawal(account_id=account.pk, asset_code="BTC", amount_atoms=200)


@pytest.fixture
def operator(client, account):
    user = get_user_model().objects.create_superuser("ops")
    client.force_login(user)
    return user


def act(client, action: str, *rows: Withdrawal) -> str:
    """What the page says last."""
    answer = client.post(PAGE, {"action": action, "_selected_action": [row.pk for row in rows]})
    return [str(message) for message in get_messages(answer.wsgi_request)][-1]


def balance(account) -> tuple[int, int]:
    catch_up(make_projection())
    return selectors.all_balances()[account.pk, BTC]


def audited() -> list[tuple[str, str]]:
    rows = AuditEntry.objects.filter(action__startswith="withdrawal").order_by("id")
    return [(row.action, row.detail.get("code") or row.detail.get("outcome", "")) for row in rows]


def test_taken_sent_completed(client, operator, account, held):
    assert act(client, "take", held) == f"Withdrawal {held.pk} is sending."
    assert act(client, "take", held).startswith(f"Withdrawal {held.pk}: withdrawal_in_progress")
    assert act(client, "complete", held) == f"Withdrawal {held.pk} is completed."
    assert balance(account) == (300, 0)
    assert audited() == [
        ("withdrawal.take.asked", ""), ("withdrawal.take", "executed"),
        ("withdrawal.take.asked", ""), ("withdrawal.take", "withdrawal_in_progress"),
        ("withdrawal.complete.asked", ""), ("withdrawal.complete", "executed"),
    ]  # fmt: skip
    last = AuditEntry.objects.order_by("-id")[0]
    held.refresh_from_db()
    assert (last.actor, last.account, last.detail["sequence"]) == (operator, account, held.sequence)
    assert last.subject == f"withdrawal {held.pk} of account {account.pk}"


def test_refused_and_given_back(client, operator, account, held):
    assert act(client, "refuse", held) == f"Withdrawal {held.pk} is released."
    assert act(client, "complete", held).startswith(f"Withdrawal {held.pk}: withdrawal_ended")
    assert balance(account) == (500, 0)


def test_what_nobody_answered_is_in_the_audit_too(client, operator, account, held, monkeypatch):
    def submit(commands, **options):
        raise GatewayTimeout("nobody knows")

    with monkeypatch.context() as patch:
        patch.setattr(gateway, "submit", submit)
        assert act(client, "complete", held).startswith(f"Withdrawal {held.pk}: ")
    assert audited() == [("withdrawal.complete.asked", ""), ("withdrawal.complete", "unknown_outcome")]
    assert Withdrawal.objects.get().status == "completing"
    assert balance(account) == (300, 200)


def test_whoever_may_only_look_does_nothing(client, account, held):
    looker = get_user_model().objects.create_user("looker", is_staff=True)
    looker.user_permissions.add(Permission.objects.get(codename="view_withdrawal"))
    client.force_login(looker)
    assert b'<option value="complete">' not in client.get(PAGE).content
    for action in ("take", "complete", "refuse"):
        client.post(PAGE, {"action": action, "_selected_action": [held.pk]})
    assert Withdrawal.objects.get().status == "held"
    assert audited() == []
    assert balance(account) == (300, 200)
