"""Addresses of the rollup under /api/v1/."""

from django.urls import path, register_converter
from django.urls.converters import IntConverter, StringConverter

from accounts.api.paging import ID_MAX
from rollup.api import blocks, escape, proofs, pull, pull_keys, signed


class NumberConverter(IntConverter):
    """A count that a column can hold; anything larger is an address that is not there."""

    regex = "[0-9]{1,19}"

    def to_python(self, value: str) -> int:
        """Raises ValueError, which is a 404."""
        number = int(value)
        if number > ID_MAX:
            raise ValueError(value)
        return number


class HashConverter(StringConverter):
    """A sha256 in hex; what is none is an address that is not there."""

    regex = "[0-9a-f]{64}"


register_converter(NumberConverter, "number")
register_converter(HashConverter, "sha256")

urlpatterns = [
    path("blocks", blocks.BlocksView.as_view(), name="blocks"),
    path("blocks/<number:number>", blocks.BlockView.as_view(), name="block"),
    path("blocks/<number:number>/trades", blocks.BlockTradesView.as_view(), name="block_trades"),
    path("proofs", proofs.ProofsView.as_view(), name="proofs"),
    path("proofs/<number:block>", proofs.ProofView.as_view(), name="proof"),
    path("escape/keys", escape.EscapeKeysView.as_view(), name="escape_keys"),
    path("escape/keys/<sha256:sha256>", escape.EscapeKeyFileView.as_view(), name="escape_key_file"),
    path("l2/accounts/<number:number>/proof", proofs.BalanceProofView.as_view(), name="balance_proof"),
    path("l2/accounts", signed.LinkView.as_view(), name="l2_accounts"),
    path("signed", signed.SigningTermsView.as_view(), name="signing_terms"),
    path("signed/orders", signed.SignedOrdersView.as_view(), name="signed_orders"),
    path("signed/orders/<number:order_id>/amend", signed.SignedAmendView.as_view(), name="signed_amend"),
    path("signed/transfers", signed.SignedTransfersView.as_view(), name="signed_transfers"),
    path("signed/withdrawals", signed.SignedWithdrawalsView.as_view(), name="signed_withdrawals"),
    path("prover/keys", pull_keys.KeysView.as_view(), name="prover_keys"),
    path("prover/keys/<sha256:sha256>", pull_keys.KeyFileView.as_view(), name="prover_key_file"),
    path("prover/lease", pull.LeaseView.as_view(), name="prover_lease"),
    path("prover/tasks/<number:block>/renew", pull.RenewView.as_view(), name="prover_renew"),
    path("prover/tasks/<number:block>/release", pull.ReleaseView.as_view(), name="prover_release"),
    path("prover/tasks/<number:block>/proof", pull.TaskProofView.as_view(), name="prover_proof"),
]
