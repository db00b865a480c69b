"""Accounts and API keys."""

import pytest
from django.contrib.auth import get_user_model
from django.db import DatabaseError, IntegrityError, transaction

from accounts import keys, selectors, services, vault
from accounts.models import Account, ApiKey, AuditEntry
from accounts.problems import Problem

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def account(redis_client):
    keys.forget()
    return services.create_account(name="alice")


def test_the_first_account_has_id_one_or_more(account):
    assert account.pk >= 1
    assert selectors.get_account(account_id=account.pk) == account
    assert selectors.get_account(name="alice") == account


def test_a_name_is_taken_once_even_without_a_user(account):
    with pytest.raises(IntegrityError), transaction.atomic():
        services.create_account(name="alice")
    assert Account.objects.count() == 1


def test_signing_up_makes_an_account(client):
    answer = client.post(
        "/accounts/signup/",
        {"username": "zoe", "email": "zoe@example.org", "password1": "correct-horse-9", "password2": "correct-horse-9"},
    )
    assert answer.status_code == 302
    user = get_user_model().objects.get(username="zoe")
    assert selectors.account_of_user(user).name == "main"


def test_a_user_without_account_is_told_so():
    user = get_user_model().objects.create_user("nobody")
    with pytest.raises(Problem) as caught:
        selectors.account_of_user(user)
    assert caught.value.code == "no_account"


def test_a_secret_is_encrypted_at_rest_and_read_back(account):
    key, secret = services.create_api_key(account=account, permissions=["trade", "read"], ip_allow=["10.0.0.0/8"])
    row = ApiKey.objects.get(key=key)
    assert secret.encode() not in bytes(row.encrypted_secret)
    assert vault.decrypt(row.encrypted_secret) == secret
    assert row.permissions == ["read", "trade"]
    known = keys.find(key)
    assert (known.secret, known.account_id, known.permissions) == (secret, account.pk, {"read", "trade"})
    assert [str(network) for network in known.networks] == ["10.0.0.0/8"]


def test_an_old_encryption_key_still_decrypts(account, settings):
    from cryptography.fernet import Fernet

    key, secret = services.create_api_key(account=account, permissions=["read"])
    settings.ENCRYPTION_KEYS = [Fernet.generate_key().decode(), *settings.ENCRYPTION_KEYS]
    assert keys.find(key).secret == secret


@pytest.mark.parametrize("permissions", [[], ["admin"], ["read", "admin"], "read"])
def test_unknown_permissions_make_no_key(account, permissions):
    with pytest.raises(Problem) as caught:
        services.create_api_key(account=account, permissions=permissions)
    assert caught.value.code == "invalid_request"
    assert not ApiKey.objects.exists()
    assert not AuditEntry.objects.exists()


@pytest.mark.parametrize("network", ["nonsense", "10.0.0.1/8", "300.1.1.1", ""])
def test_a_bad_network_makes_no_key(account, network):
    with pytest.raises(Problem) as caught:
        services.create_api_key(account=account, permissions=["read"], ip_allow=[network])
    assert caught.value.code == "invalid_request"
    assert not ApiKey.objects.exists()


def test_a_revoked_key_is_unknown_at_once_here_and_announced(account, redis_client):
    key, _ = services.create_api_key(account=account, permissions=["read"])
    assert keys.find(key) is not None
    services.revoke_api_key(account=account, key=key)
    assert keys.find(key) is None
    assert redis_client.exists(keys.revoked_name(key))


def test_nobody_revokes_anothers_key(account):
    other = services.create_account(name="mallory")
    key, _ = services.create_api_key(account=account, permissions=["read"])
    with pytest.raises(Problem) as caught:
        services.revoke_api_key(account=other, key=key)
    assert caught.value.code == "unknown_key"
    assert ApiKey.objects.get(key=key).revoked_at is None


def test_an_account_has_at_most_fifty_keys(account):
    for _ in range(services.MAX_KEYS_PER_ACCOUNT):
        services.create_api_key(account=account, permissions=["read"])
    with pytest.raises(Problem) as caught:
        services.create_api_key(account=account, permissions=["read"])
    assert caught.value.code == "too_many_keys"
    assert ApiKey.objects.count() == services.MAX_KEYS_PER_ACCOUNT


def test_key_changes_are_recorded_and_the_record_cannot_be_changed(account):
    key, secret = services.create_api_key(account=account, permissions=["read"], ip="127.0.0.1")
    services.revoke_api_key(account=account, key=key)
    assert list(AuditEntry.objects.order_by("pk").values_list("action", "subject", "account_id")) == [
        ("api_key.created", key, account.pk),
        ("api_key.revoked", key, account.pk),
    ]
    assert secret not in str(AuditEntry.objects.values_list("detail", flat=True))
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.update(action="nothing")
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.all().delete()
    assert AuditEntry.objects.filter(action="api_key.created").count() == 1


def test_last_used_is_noted_to_the_minute(account):
    key, _ = services.create_api_key(account=account, permissions=["read"])
    keys.find(key)
    first = ApiKey.objects.get(key=key).last_used_at
    assert first is not None
    keys.forget()
    keys.find(key)
    assert ApiKey.objects.get(key=key).last_used_at == first
