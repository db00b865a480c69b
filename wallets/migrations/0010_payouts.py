"""Payouts of blocks are claimed one by one; what was claimed of contracts that had balances instead names none."""

from typing import ClassVar

import django.db.models.deletion
from django.db import migrations, models

import matching.fields


class Migration(migrations.Migration):
    dependencies: ClassVar = [("wallets", "0009_transaction_versions")]

    operations: ClassVar = [
        migrations.RunSQL("DELETE FROM wallets_claim", migrations.RunSQL.noop),
        migrations.RunSQL("DELETE FROM wallets_claimrequest", migrations.RunSQL.noop),
        migrations.CreateModel(
            name="L2Payout",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("block", models.BigIntegerField()),
                ("position", models.IntegerField()),
                ("word", matching.fields.AmountField(decimal_places=0, max_digits=78)),
                ("third", matching.fields.AmountField(decimal_places=0, max_digits=78)),
                ("number", models.BigIntegerField()),
                (
                    "recipient",
                    matching.fields.AmountField(blank=True, decimal_places=0, max_digits=49, null=True),
                ),
                ("asset_id", models.BigIntegerField()),
                ("amount", matching.fields.AmountField(decimal_places=0, max_digits=30)),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("block", "position"), name="l2_payout_unique")],
            },
        ),
        migrations.RemoveConstraint(model_name="claim", name="claim_event_unique"),
        migrations.RemoveIndex(model_name="claim", name="claim_by_recipient"),
        migrations.AddField(
            model_name="claim", name="position", field=models.IntegerField(default=0), preserve_default=False
        ),
        migrations.AddConstraint(
            model_name="claim", constraint=models.UniqueConstraint(fields=("l2_block", "position"), name="claim_once")
        ),
        migrations.RemoveConstraint(model_name="claimrequest", name="claim_request_one_open"),
        migrations.RemoveField(model_name="claimrequest", name="recipient"),
        migrations.RemoveField(model_name="claimrequest", name="asset_id"),
        migrations.AddField(
            model_name="claimrequest",
            name="payout",
            field=models.ForeignKey(default=0, on_delete=django.db.models.deletion.PROTECT, to="wallets.l2payout"),
            preserve_default=False,
        ),
        migrations.AddConstraint(
            model_name="claimrequest",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status__in", ["wanted", "sending"])),
                fields=("payout",),
                name="claim_request_one_open",
            ),
        ),
        migrations.AddField(
            model_name="withdrawal", name="l2_position", field=models.IntegerField(blank=True, null=True)
        ),
        migrations.AddConstraint(
            model_name="withdrawal",
            constraint=models.UniqueConstraint(fields=("l2_block", "l2_position"), name="withdrawal_payout_unique"),
        ),
    ]
