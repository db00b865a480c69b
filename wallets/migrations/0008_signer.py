import matching.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('wallets', '0007_chain_deployment'),
    ]

    operations = [
        migrations.CreateModel(
            name='Signer',
            fields=[
                ('account_id', models.BigIntegerField(primary_key=True, serialize=False)),
                ('number', models.BigIntegerField()),
                ('custody', models.SmallIntegerField()),
                ('x', matching.fields.AmountField(decimal_places=0, max_digits=78)),
                ('y', matching.fields.AmountField(decimal_places=0, max_digits=78)),
                ('nonce', matching.fields.AmountField(decimal_places=0, max_digits=20)),
            ],
        ),
        migrations.AddField(
            model_name='internaltransfer',
            name='signature',
            field=models.JSONField(blank=True, null=True),
        ),
        migrations.AddField(
            model_name='withdrawal',
            name='signature',
            field=models.JSONField(blank=True, null=True),
        ),
    ]
