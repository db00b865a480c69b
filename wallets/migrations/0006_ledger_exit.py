"""Forced exits have a kind of their own in the ledger."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wallets", "0005_chain")]

    operations = [
        migrations.AlterField(
            model_name="ledgerentry",
            name="kind",
            field=models.SmallIntegerField(
                choices=[(1, "deposit"), (2, "withdrawal"), (3, "transfer"), (4, "trade"), (5, "fee"), (6, "exit")]
            ),
        ),
    ]
