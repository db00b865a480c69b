"""Balances and ledger say what the engine says, after any history, in transactions of any size."""

from collections import Counter

import psycopg
import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Sum

from matching import journal
from matching.bulk import copy_rows
from matching.projection import advance, offset
from matching.rebuild import AlreadyRunning, rebuild
from tests.projections import RandomExchange, catch_up, rows_of
from wallets import selectors
from wallets.models import OUTSIDE_ACCOUNT, Asset, Balance, LedgerEntry
from wallets.projection import make_projection
from wallets.projection.ledger import COLUMNS

pytestmark = pytest.mark.django_db(transaction=True)


def owned_in_engine(engine) -> dict[tuple[int, int], tuple[int, int]]:
    return {
        (account, asset): balance
        for account in engine.accounts()
        for asset, balance in engine.balances(account).items()
    }  # fmt: skip


def assert_wallets_equal_engine(engine) -> None:
    balances = {key: balance for key, balance in selectors.all_balances().items() if balance != (0, 0)}
    assert balances == owned_in_engine(engine)
    sums = {key: amount for key, amount in selectors.ledger_sums().items() if amount}
    inside = {key: amount for key, amount in sums.items() if key[0] != OUTSIDE_ACCOUNT}
    assert inside == {key: available + held for key, (available, held) in balances.items()}
    for asset in engine.assets.values():
        assert sums.get((OUTSIDE_ACCOUNT, asset.id), 0) == -asset.total


@pytest.mark.parametrize("seed", range(6))
def test_rows_equal_the_engine_whatever_the_transactions(seed):
    exchange = RandomExchange(seed)
    projection = make_projection()
    for _ in range(4):
        exchange.go_on(150)
        catch_up(projection, chance=exchange.random)
        assert_wallets_equal_engine(exchange.engine)
    assert offset("wallets") == exchange.engine.sequence
    ids = list(LedgerEntry.objects.order_by("id").values_list("id", flat=True))
    assert ids == list(range(1, len(ids) + 1))
    assert {a.id: (a.code, a.scale) for a in Asset.objects.all()} == {
        a.id: (a.code, a.scale) for a in exchange.engine.assets.values()
    }


def test_rows_equal_the_engine_when_accounts_are_registered_and_exit():
    exchange = RandomExchange("chain", kind="chain")
    projection = make_projection()
    for _ in range(4):
        exchange.go_on(300)
        catch_up(projection, chance=exchange.random)
        assert_wallets_equal_engine(exchange.engine)
    exits = [e for b in journal.read(after=0, limit=10**6) for events in b.events for e in events if e[0] == "exit"]
    posted = LedgerEntry.objects.filter(kind=LedgerEntry.Kind.EXIT)
    assert posted.count() == 2 * sum(e[5] > 0 for e in exits) > 0
    taken = [(e[3], e[4], -e[5], e[2]) for e in exits if e[5]]
    rows = posted.exclude(account_id=OUTSIDE_ACCOUNT).order_by("id")
    assert list(rows.values_list("account_id", "asset_id", "amount", "reference")) == taken


def test_every_kind_of_posting_occurs_and_names_what_it_is_for():
    exchange = RandomExchange("kinds")
    exchange.go_on(1_500)
    catch_up(make_projection())
    events = Counter(e[0] for b in journal.read(after=0, limit=10**6) for events in b.events for e in events)
    legs = Counter(LedgerEntry.objects.values_list("kind", flat=True))
    kind = LedgerEntry.Kind
    assert legs[kind.DEPOSIT] == 2 * events["deposit"] > 0
    assert legs[kind.WITHDRAWAL] == 2 * events["complete"] > 0
    assert legs[kind.TRANSFER] == 2 * events["transfer"] > 0
    assert legs[kind.TRADE] == 4 * events["trade"] > 0
    assert legs[kind.FEE] > 0


def test_a_crash_before_the_commit_leaves_everything_as_it_was_and_the_next_resumes():
    exchange = RandomExchange(7)
    exchange.go_on(300)
    projection = make_projection()
    catch_up(projection)
    tables = [*projection.tables, "matching_projectionoffset"]
    before = rows_of(tables)
    exchange.go_on(300)

    class Killed(Exception):
        pass

    with pytest.raises(Killed), transaction.atomic():
        assert advance(projection, journal.read(after=projection.sequence, limit=20))
        raise Killed
    assert rows_of(tables) == before
    catch_up(make_projection(), chance=exchange.random)
    assert_wallets_equal_engine(exchange.engine)


def test_a_rebuild_gives_the_same_rows_and_repairs_damaged_ones():
    exchange = RandomExchange(10)
    exchange.go_on(500)
    projection = make_projection()
    catch_up(projection, chance=exchange.random)
    rows = rows_of(projection.tables)
    Balance.objects.filter(account_id=1).update(available=1)
    assert rebuild(make_projection()) == exchange.engine.sequence
    assert rows_of(projection.tables) == rows
    exchange.go_on(100)
    catch_up(projection)
    assert_wallets_equal_engine(exchange.engine)


def test_a_second_rebuild_at_once_is_refused():
    exchange = RandomExchange(10)
    exchange.go_on(20)
    catch_up(make_projection())
    rows = rows_of(make_projection().tables)
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_advisory_lock(hashtext('rebuild_wallets'))")
        with pytest.raises(AlreadyRunning):
            rebuild(make_projection())
    finally:
        other.close()
    assert rows_of(make_projection().tables) == rows


# --- what the database itself refuses


@pytest.fixture
def ledger():
    """A ledger with something in it."""
    exchange = RandomExchange(3)
    exchange.go_on(100)
    catch_up(make_projection())
    return exchange


def leg(id: int, account: int, asset: int, amount: int, ordinal: int = 0) -> LedgerEntry:
    return LedgerEntry(
        id=id, sequence=10**9, ordinal=ordinal, account_id=account, asset_id=asset, amount=amount,
        kind=LedgerEntry.Kind.TRANSFER, reference=1, time_us=1,
    )  # fmt: skip


@pytest.mark.parametrize(
    "legs",
    [
        [leg(10**9, 1, 1, 5)],
        [leg(10**9, 1, 1, -5), leg(10**9 + 1, 2, 1, 4)],
        # Zero over all assets is not zero in each.
        [leg(10**9, 1, 1, -5), leg(10**9 + 1, 2, 2, 5)],
        # Nor is zero over two postings.
        [leg(10**9, 1, 1, -5), leg(10**9 + 1, 2, 1, 5, ordinal=1)],
        # A balanced posting does not excuse another.
        [leg(10**9, 1, 1, -5), leg(10**9 + 1, 2, 1, 5), leg(10**9 + 2, 3, 1, 1, ordinal=2)],
    ],
)
def test_the_database_refuses_legs_that_do_not_sum_to_zero(ledger, legs):
    before = rows_of(["wallets_ledgerentry"])
    with pytest.raises(IntegrityError, match="out of balance"):
        LedgerEntry.objects.bulk_create(legs)
    assert rows_of(["wallets_ledgerentry"]) == before


def test_the_database_takes_legs_that_sum_to_zero(ledger):
    LedgerEntry.objects.bulk_create([leg(10**9, 1, 1, -5), leg(10**9 + 1, 2, 1, 5)])
    assert LedgerEntry.objects.filter(id__gte=10**9).count() == 2


def test_the_database_refuses_unbalanced_legs_by_copy_too(ledger):
    before = rows_of(["wallets_ledgerentry"])
    # COPY goes past Django, so the error is the driver's own.
    refused = pytest.raises(psycopg.IntegrityError, match="out of balance")
    with refused, transaction.atomic(), connection.cursor() as cursor:
        copy_rows(cursor, "wallets_ledgerentry", COLUMNS, [f"{10**9}\t1\t0\t1\t1\t5\t1\t1\t1"])
    assert rows_of(["wallets_ledgerentry"]) == before


def test_the_database_refuses_to_change_or_delete_legs(ledger):
    before = rows_of(["wallets_ledgerentry"])
    with pytest.raises(IntegrityError, match="never changed"):
        LedgerEntry.objects.update(amount=1)
    with pytest.raises(IntegrityError, match="never changed"):
        LedgerEntry.objects.filter(id=1).delete()
    assert rows_of(["wallets_ledgerentry"]) == before


def test_a_leg_of_nothing_is_refused(ledger):
    with pytest.raises(IntegrityError, match="ledger_amount_not_zero"):
        LedgerEntry.objects.bulk_create([leg(10**9, 1, 1, 0)])


def test_a_balance_below_zero_is_refused(ledger):
    before = rows_of(["wallets_balance"])
    for field in ("available", "held"):
        with pytest.raises(IntegrityError, match=f"balance_{field}_not_negative"):
            Balance.objects.filter(account_id=1).update(**{field: -1})
    assert rows_of(["wallets_balance"]) == before


def test_the_largest_amount_goes_through():
    most = 2**96 - 1
    exchange = RandomExchange(1)
    (events,) = exchange.writer.write([["asset", 0, 77, "MAX", 30]], exchange.engine.time_us)
    assert events[0][0] == "asset"
    exchange.writer.write([["deposit", 0, 99, 1, 5, 77, most]], exchange.engine.time_us)
    catch_up(make_projection())
    assert selectors.all_balances()[5, 77] == (most, 0)
    assert LedgerEntry.objects.filter(asset_id=77, account_id=5).aggregate(sum=Sum("amount"))["sum"] == most
    assert_wallets_equal_engine(exchange.engine)
