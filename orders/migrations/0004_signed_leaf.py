import matching.fields
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0003_taker_volumes'),
    ]

    operations = [
        migrations.CreateModel(
            name='SignedLeaf',
            fields=[
                ('pk', models.CompositePrimaryKey('account_id', 'leaf', blank=True, editable=False, primary_key=True, serialize=False)),
                ('account_id', models.BigIntegerField()),
                ('leaf', models.IntegerField()),
                ('number', matching.fields.AmountField(decimal_places=0, max_digits=20)),
                ('order_id', models.BigIntegerField()),
            ],
        ),
    ]
