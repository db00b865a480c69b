from django.db import migrations, models

JOURNAL = """
CREATE TABLE matching_journal (
    first   bigint       NOT NULL,
    last    bigint       NOT NULL,
    session varchar(36)  NOT NULL,
    number  bigint       NOT NULL,
    time_us bigint       NOT NULL,
    epoch   bigint       NOT NULL,
    body    bytea        NOT NULL,
    hash    bytea        NOT NULL,
    PRIMARY KEY (first),
    CONSTRAINT matching_journal_range CHECK (first >= 1 AND last >= first),
    CONSTRAINT matching_journal_hash_length CHECK (length(hash) = 32)
) PARTITION BY RANGE (first);
-- Out of line, not compressed: compressing costs more than all else an insert does, and the leader waits for it.
ALTER TABLE matching_journal ALTER COLUMN body SET STORAGE EXTERNAL;

CREATE FUNCTION matching_journal_is_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the journal is append-only';
END $$;
CREATE TRIGGER matching_journal_append_only BEFORE UPDATE OR DELETE ON matching_journal
    FOR EACH ROW EXECUTE FUNCTION matching_journal_is_append_only();
"""
DROP = """
DROP TABLE matching_journal;
DROP FUNCTION matching_journal_is_append_only();
"""


def first_partitions(apps, schema_editor):
    from matching.partitions import ensure_partitions

    ensure_partitions(schema_editor.connection, head=0)


class Migration(migrations.Migration):
    initial = True
    dependencies = []
    operations = [
        migrations.SeparateDatabaseAndState(
            database_operations=[migrations.RunSQL(JOURNAL, DROP)],
            state_operations=[
                migrations.CreateModel(
                    name="JournalBatch",
                    fields=[
                        ("first", models.BigIntegerField(primary_key=True, serialize=False)),
                        ("last", models.BigIntegerField()),
                        ("session", models.CharField(max_length=36)),
                        ("number", models.BigIntegerField()),
                        ("time_us", models.BigIntegerField()),
                        ("epoch", models.BigIntegerField()),
                        ("body", models.BinaryField()),
                        ("hash", models.BinaryField(max_length=32)),
                    ],
                    options={
                        "db_table": "matching_journal",
                        "ordering": ["first"],
                        "verbose_name": "journal batch",
                        "verbose_name_plural": "journal",
                    },
                ),
            ],
        ),
        migrations.RunPython(first_partitions, migrations.RunPython.noop),
        migrations.CreateModel(
            name="Leader",
            fields=[
                ("id", models.SmallIntegerField(default=1, primary_key=True, serialize=False)),
                ("epoch", models.BigIntegerField(default=0)),
                ("head", models.BigIntegerField(default=0)),
                ("hash", models.BinaryField(max_length=32)),
                ("host", models.TextField(default="")),
                ("pid", models.IntegerField(default=0)),
                ("promoted_at", models.DateTimeField(null=True)),
            ],
            options={
                "constraints": [models.CheckConstraint(condition=models.Q(("id", 1)), name="matching_leader_is_one")],
            },
        ),
        migrations.CreateModel(
            name="Standby",
            fields=[
                ("name", models.TextField(primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField()),
                ("seen_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="SuspectBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("session", models.CharField(max_length=36)),
                ("number", models.BigIntegerField()),
                ("epoch", models.BigIntegerField()),
                ("noted_at", models.DateTimeField()),
                ("rejected_at_sequence", models.BigIntegerField(null=True)),
                ("commands", models.TextField()),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("session", "number", "epoch"), name="matching_suspect_once_an_epoch"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="ProjectionOffset",
            fields=[
                ("name", models.CharField(max_length=64, primary_key=True, serialize=False)),
                ("sequence", models.BigIntegerField(default=0)),
            ],
        ),
    ]
