import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('rollup', '0001_blocks'),
    ]

    operations = [
        migrations.CreateModel(
            name='ProvingTask',
            fields=[
                ('block', models.OneToOneField(on_delete=django.db.models.deletion.CASCADE, primary_key=True, related_name='task', serialize=False, to='rollup.block')),
                ('status', models.CharField(choices=[('queued', 'Queued'), ('leased', 'Leased'), ('proved', 'Proved'), ('failed', 'Failed')], default='queued', max_length=16)),
                ('worker', models.CharField(blank=True, max_length=128)),
                ('leased_at', models.DateTimeField(blank=True, null=True)),
                ('leased_until', models.DateTimeField(blank=True, null=True)),
                ('attempts', models.IntegerField(default=0)),
                ('refused', models.IntegerField(default=0)),
                ('not_before', models.DateTimeField(blank=True, null=True)),
                ('proof', models.JSONField(blank=True, null=True)),
                ('proof_ms', models.IntegerField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=256)),
            ],
            options={
                'indexes': [models.Index(condition=models.Q(('status__in', ['queued', 'leased'])), fields=['block'], name='proving_task_open')],
                'constraints': [models.CheckConstraint(condition=models.Q(models.Q(('status', 'leased'), _negated=True), ('leased_until__isnull', False), _connector='OR'), name='proving_task_lease_ends'), models.CheckConstraint(condition=models.Q(models.Q(('proof__isnull', False), ('status', 'proved')), models.Q(models.Q(('status', 'proved'), _negated=True), ('proof__isnull', True)), _connector='OR'), name='proving_task_has_proof')],
            },
        ),
        migrations.CreateModel(
            name='Submission',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('tx_hash', models.CharField(max_length=66)),
                ('nonce', models.BigIntegerField(blank=True, null=True)),
                ('raw', models.BinaryField(blank=True, null=True)),
                ('status', models.CharField(choices=[('sent', 'Sent'), ('mined', 'Mined'), ('final', 'Final'), ('reverted', 'Reverted'), ('dropped', 'Dropped'), ('found', 'Found')], default='sent', max_length=16)),
                ('l1_block', models.BigIntegerField(blank=True, null=True)),
                ('l1_hash', models.CharField(blank=True, max_length=66)),
                ('gas', models.BigIntegerField(blank=True, null=True)),
                ('reason', models.CharField(blank=True, max_length=256)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('updated_at', models.DateTimeField(auto_now=True)),
                ('block', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='submissions', to='rollup.block')),
            ],
            options={
                'constraints': [models.UniqueConstraint(fields=('tx_hash',), name='submission_hash_unique'), models.UniqueConstraint(condition=models.Q(('status__in', ['sent', 'mined', 'final', 'found'])), fields=('block',), name='submission_one_live')],
            },
        ),
    ]
