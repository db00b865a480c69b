import matching.fields
from django.db import migrations


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0002_order_types'),
    ]

    operations = [
        migrations.AddField(
            model_name='candle',
            name='taker_base_volume',
            field=matching.fields.AmountField(db_default=0, decimal_places=0, default=0, max_digits=40),
        ),
        migrations.AddField(
            model_name='candle',
            name='taker_quote_volume',
            field=matching.fields.AmountField(db_default=0, decimal_places=0, default=0, max_digits=40),
        ),
    ]
