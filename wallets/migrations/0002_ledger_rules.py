"""The ledger's two rules, held by the database.

Every statement that inserts legs must leave each posting (sequence, ordinal) at zero in each asset; a
statement trigger looks at all inserted rows at once, COPY included. Legs are never changed or deleted:
only TRUNCATE, which empties the whole ledger, takes them out, and only a rebuild does that.
"""

from django.db import migrations

ZERO_SUM = """
CREATE FUNCTION wallets_ledger_zero_sum() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    unbalanced record;
BEGIN
    SELECT sequence, ordinal, asset_id, sum(amount) AS total INTO unbalanced
      FROM inserted GROUP BY sequence, ordinal, asset_id HAVING sum(amount) <> 0 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'posting %.% is out of balance by % of asset %',
            unbalanced.sequence, unbalanced.ordinal, unbalanced.total, unbalanced.asset_id
            USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_zero_sum',
                  TABLE = 'wallets_ledgerentry';
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER ledger_zero_sum AFTER INSERT ON wallets_ledgerentry
    REFERENCING NEW TABLE AS inserted FOR EACH STATEMENT EXECUTE FUNCTION wallets_ledger_zero_sum();
"""

APPEND_ONLY = """
CREATE FUNCTION wallets_ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'ledger entries are never changed or deleted'
        USING ERRCODE = 'integrity_constraint_violation', CONSTRAINT = 'ledger_append_only',
              TABLE = 'wallets_ledgerentry';
END $$;
CREATE TRIGGER ledger_append_only BEFORE UPDATE OR DELETE ON wallets_ledgerentry
    FOR EACH STATEMENT EXECUTE FUNCTION wallets_ledger_append_only();
"""

UNDO = """
DROP TRIGGER ledger_zero_sum ON wallets_ledgerentry;
DROP FUNCTION wallets_ledger_zero_sum();
DROP TRIGGER ledger_append_only ON wallets_ledgerentry;
DROP FUNCTION wallets_ledger_append_only();
"""


class Migration(migrations.Migration):
    dependencies = [("wallets", "0001_initial")]

    operations = [migrations.RunSQL(ZERO_SUM + APPEND_ONLY, UNDO)]
