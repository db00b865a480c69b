"""Dearer versions of our transactions."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("wallets", "0008_signer")]

    operations = [
        migrations.CreateModel(
            name="TransactionVersion",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("hash", models.CharField(max_length=66)),
                ("first", models.CharField(max_length=66)),
                ("raw", models.BinaryField()),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "indexes": [models.Index(fields=["first"], name="transaction_version_by_first")],
                "constraints": [models.UniqueConstraint(fields=("hash",), name="transaction_version_hash_unique")],
            },
        ),
    ]
