"""Trading accounts, API keys, and the record of who changed them."""

from typing import ClassVar

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import CheckConstraint, Q, UniqueConstraint

from accounts.kinds import ED25519, HMAC, RSA

READ = "read"
TRADE = "trade"
WITHDRAW = "withdraw"
PERMISSIONS = (READ, TRADE, WITHDRAW)


class Account(models.Model):
    """A trading account. Its primary key is the engine's account id (1 and up; 0 collects the fees)."""

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.PROTECT, related_name="accounts"
    )
    name = models.CharField(max_length=64)
    # The exchange's own (a market maker of the house, say), not a customer's.
    is_system = models.BooleanField(default=False)
    # A key of settings.RATE_LIMITS.
    rate_tier = models.CharField(max_length=32, default="standard")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints: ClassVar = [
            UniqueConstraint(fields=["user", "name"], name="account_name_unique", nulls_distinct=False),
            CheckConstraint(condition=Q(id__gte=1), name="account_id_positive"),
        ]

    def __str__(self) -> str:
        return f"{self.pk} {self.name}"


class ApiKey(models.Model):
    """A key to the API. A secret is kept encrypted, since verifying a signature needs it whole."""

    account = models.ForeignKey(Account, on_delete=models.PROTECT, related_name="api_keys")
    key = models.CharField(max_length=64, unique=True)
    # accounts.kinds.KINDS
    kind = models.CharField(max_length=16, default=HMAC)
    # Empty for a key of a kind whose secret stays with its owner.
    encrypted_secret = models.BinaryField(blank=True)
    # PEM; empty for hmac.
    public_key = models.TextField(blank=True)
    label = models.CharField(max_length=64, blank=True)
    permissions = ArrayField(models.CharField(max_length=16))
    # Networks in CIDR notation; empty allows every address.
    ip_allow = ArrayField(models.CharField(max_length=64), default=list, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    # To the minute: a write for every request would cost more than it tells.
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints: ClassVar = [
            CheckConstraint(
                condition=Q(permissions__contained_by=list(PERMISSIONS)) & Q(permissions__len__gte=1),
                name="api_key_permissions_known",
            ),
            CheckConstraint(
                condition=Q(kind=HMAC, public_key="") | Q(kind__in=[ED25519, RSA]) & ~Q(public_key=""),
                name="api_key_kind_has_its_key",
            ),
        ]

    def __str__(self) -> str:
        return self.key


class AuditEntry(models.Model):
    """One change somebody made, kept for good: the database refuses to change or delete a row."""

    at = models.DateTimeField(auto_now_add=True)
    account = models.ForeignKey(Account, null=True, on_delete=models.PROTECT, related_name="+")
    # Who did it; empty when a command line or the exchange itself did.
    actor = models.ForeignKey(settings.AUTH_USER_MODEL, null=True, on_delete=models.PROTECT, related_name="+")
    ip = models.GenericIPAddressField(null=True)
    action = models.CharField(max_length=64)
    subject = models.CharField(max_length=128, blank=True)
    detail = models.JSONField(default=dict)

    class Meta:
        verbose_name_plural = "audit entries"
        indexes: ClassVar = [models.Index(fields=["account", "-id"], name="audit_by_account")]

    def __str__(self) -> str:
        return f"{self.action} {self.subject}"
