"""reconcile says that equal is equal, and finds a planted difference of every kind."""

import json
from collections.abc import Callable

import pytest
from django.core.management import call_command
from django.db import connection

from exchange.reconcile import Reconciler, Report
from matching import journal, snapshots
from matching.projection import advance
from matching.replica import Replica
from matching.rows import select_rows
from orders.models import Candle, FeeTier, Market, Order, Trade
from tests.projections import RandomExchange, catch_up, orders_projection, project_all, recorded, rows_of, store
from wallets.models import Asset, Balance, LedgerEntry
from wallets.projection import make_projection

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def head() -> int:
    """A journal with a bit of everything, projected; its last sequence."""
    rows = recorded("reconcile 6", 400)
    store(rows)
    project_all()
    assert Order.objects.filter(status__lte=2).count() > 5
    assert Trade.objects.count() > 20
    assert Order.objects.filter(status=Order.Status.PENDING).exists()
    assert Order.objects.filter(hidden__gt=1).exists()
    assert FeeTier.objects.filter(tier__gt=0).exists()
    return rows[-1].last


@pytest.fixture
def exchange() -> RandomExchange:
    """An exchange that can go on."""
    exchange = RandomExchange("reconcile")
    exchange.go_on(100)
    project_all()
    return exchange


@pytest.fixture
def reconciler(tmp_path) -> Reconciler:
    return Reconciler(snapshots=tmp_path / "snapshots")


def tables() -> list[str]:
    return [*make_projection().tables, *orders_projection().tables, "matching_projectionoffset"]


def test_rows_that_are_equal_are_equal_and_stay_as_they_are(head, reconciler):
    before = rows_of(tables())
    report = reconciler.compare(thorough=True)
    assert report.differences == []
    assert report.ok
    assert report.sequence == head
    assert min(report.compared.values()) > 0
    assert rows_of(tables()) == before


def test_an_empty_exchange_is_equal(reconciler):
    assert reconciler.compare(thorough=True).ok


def test_the_next_comparison_goes_on_from_the_last(exchange, reconciler):
    for thorough in (True, False, False):
        report = reconciler.compare(thorough=thorough)
        assert (report.differences, report.sequence) == ([], exchange.engine.sequence)
        exchange.go_on(100)
        project_all()


def test_read_models_at_different_sequences_are_each_compared_at_their_own(exchange, reconciler):
    exchange.go_on(200)
    ahead = make_projection()
    catch_up(ahead)
    report = reconciler.compare(thorough=True)
    assert report.differences == []
    assert report.orders < report.wallets == exchange.engine.sequence
    catch_up(orders_projection())
    exchange.go_on(200)
    catch_up(orders_projection())
    report = reconciler.compare(thorough=False)
    assert report.differences == []
    assert report.wallets < report.orders == exchange.engine.sequence


def test_it_begins_at_a_snapshot_that_is_not_ahead(head, tmp_path):
    replica = Replica()
    taken = []
    for number, row in enumerate(select_rows(connection, after=0, limit=10_000)):
        replica.replay(row)
        if number % 20 == 19:
            taken.append(snapshots.write(replica, tmp_path / "snapshots").name)
    assert len(taken) > 2
    assert Reconciler(snapshots=tmp_path / "snapshots").compare(thorough=True).differences == []
    # All snapshots are ahead of these rows.
    with connection.cursor() as cursor:
        cursor.execute(f"TRUNCATE {', '.join(tables())}")
    orders, wallets = orders_projection(), make_projection()
    for projection in (orders, wallets):
        projection.load()
        assert advance(projection, journal.read(after=0, limit=10))
    report = Reconciler(snapshots=tmp_path / "snapshots").compare(thorough=True)
    assert report.differences == []
    assert 0 < report.sequence < int(taken[0].split("-")[1].split(".")[0])


def sql(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def unguarded(statement: str) -> None:
    """Change the ledger as only someone with the owner's rights can."""
    sql("ALTER TABLE wallets_ledgerentry DISABLE TRIGGER USER")
    sql(statement)
    sql("ALTER TABLE wallets_ledgerentry ENABLE TRIGGER USER")


def first_open() -> Order:
    return Order.objects.filter(status=Order.Status.OPEN).order_by("id")[0]


def change_open(**values) -> None:
    Order.objects.filter(id=first_open().id).update(**values)


def drop_last_trade() -> None:
    Trade.objects.order_by("-id")[0].delete()


def drop_order() -> None:
    Order.objects.filter(id=first_open().id).delete()


def add_to(model, field: str, amount: int = 1) -> None:
    row = model.objects.order_by("pk")[0]
    model.objects.filter(pk=row.pk).update(**{field: getattr(row, field) + amount})


PLANTED: dict[str, tuple[str, Callable[[], object]]] = {
    "an atom too much available": ("balances", lambda: add_to(Balance, "available")),
    "an atom too much held": ("balances", lambda: add_to(Balance, "held")),
    "a balance of nobody": ("balances", lambda: Balance.objects.create(account_id=999, asset_id=1, available=1)),
    "a lost balance": ("balances", lambda: Balance.objects.filter(account_id=1, asset_id=1).delete()),
    "money from available to held": (
        "balances",
        lambda: sql("UPDATE wallets_balance SET available = available - 1, held = held + 1 WHERE available > 0"),
    ),
    "another scale": ("assets", lambda: Asset.objects.filter(id=1).update(scale=7)),
    "a leg of another amount": ("ledger", lambda: unguarded("UPDATE wallets_ledgerentry SET amount = 7 WHERE id = 1")),
    "a posting of another owner": (
        "ledger",
        lambda: unguarded("UPDATE wallets_ledgerentry SET account_id = 999 WHERE id = 2"),
    ),
    "a lost posting": ("ledger", lambda: unguarded("DELETE FROM wallets_ledgerentry WHERE id IN (1, 2)")),
    "a posting of nothing that happened": (
        "ledger",
        lambda: LedgerEntry.objects.bulk_create(
            LedgerEntry(
                id=10**9 + n, sequence=1, ordinal=9, account_id=n, asset_id=1, amount=3 - 2 * n * 3, kind=3,
                reference=1, time_us=1,
            )
            for n in (0, 1)
        ),
    ),
    "a lost open order": ("open orders", drop_order),
    "an open order of another price": (
        "open orders",
        lambda: change_open(price=first_open().price + 1),
    ),
    "an open order with more left": ("open orders", lambda: change_open(remaining=10**6)),
    "an open order that was not filled so far": ("open orders", lambda: change_open(filled_lots=10**6)),
    "a closed order that is open": ("open orders", lambda: Order.objects.filter(status=3).update(status=2)),
    "a waiting order that is open": ("open orders", lambda: Order.objects.filter(status=2).update(status=1)),
    "a pending order that waits": ("open orders", lambda: Order.objects.filter(status=0).update(status=1)),
    "an iceberg that hides less": ("open orders", lambda: Order.objects.filter(hidden__gt=0).update(hidden=1)),
    "hidden lots that are seen": ("book levels", lambda: Order.objects.filter(hidden__gt=0).update(hidden=0)),
    "an account of another fee tier": ("fee tiers", lambda: add_to(FeeTier, "tier")),
    "an account without its fee tier": ("fee tiers", lambda: FeeTier.objects.filter(tier__gt=0).delete()),
    "a candle that takers bought more of": ("rows candles", lambda: add_to(Candle, "taker_base_volume")),
    "a level with more lots": ("book levels", lambda: change_open(remaining=10**6)),
    "fills of a closed order": ("rows fills of order", lambda: Order.objects.filter(status=3).update(fee=10**6)),
    "a lost trade": ("rows", lambda: Trade.objects.filter(id=1).delete()),
    "the last trade lost": ("trades last number", drop_last_trade),
    "a trade of another size": ("rows fills of order", lambda: add_to(Trade, "lots")),
    "a candle of another volume": ("rows candles", lambda: add_to(Candle, "base_volume")),
    "a lost candle": ("rows candles", lambda: Candle.objects.filter(interval=60).delete()),
    "a market that takes cancels only": ("markets", lambda: Market.objects.update(state="cancel_only")),
    "a lost market": ("markets", lambda: Market.objects.filter(id=1).delete()),
}  # fmt: skip


@pytest.mark.parametrize("kind", PLANTED)
def test_a_planted_difference_is_found(head, reconciler, kind):
    named, plant = PLANTED[kind]
    before = rows_of(tables())
    plant()
    assert rows_of(tables()) != before
    report = reconciler.compare(thorough=True)
    assert not report.ok
    assert any(difference.startswith(named) for difference in report.differences), report.differences


def test_a_difference_is_readable(head, reconciler):
    row = Balance.objects.get(account_id=1, asset_id=1)
    Balance.objects.filter(account_id=1, asset_id=1).update(available=row.available + 1)
    report = reconciler.compare(thorough=True)
    assert report.differences[0] == (
        f"balances (available, held) of account 1 in BTC: ({row.available}, {row.held}) by the journal, "
        f"({row.available + 1}, {row.held}) in the rows"
    )
    assert "differences at sequence" in report.detail()


def test_a_broken_read_model_is_listed_in_part_and_counted_in_full(head, reconciler):
    Order.objects.all().delete()
    sql("INSERT INTO wallets_balance SELECT n, 1, 1, 0, 0 FROM generate_series(1000, 1499) AS n")
    report = reconciler.compare(thorough=True)
    assert len(report.differences) == 100
    assert report.count > 500


def test_a_journal_that_does_not_replay_is_a_difference(head, reconciler):
    sql("ALTER TABLE matching_journal DISABLE TRIGGER USER")
    sql(
        "UPDATE matching_journal SET body = convert_to(replace(convert_from(body, 'UTF8'), 'BTC', 'BTX'), 'UTF8')"
        " WHERE first = 2"
    )
    sql("ALTER TABLE matching_journal ENABLE TRIGGER USER")
    report = reconciler.compare(thorough=False)
    assert [difference.split()[0] for difference in report.differences] == ["journal"]


def test_the_command_exits_by_what_it_found(head, capsys, settings, tmp_path):
    settings.MATCHING_SNAPSHOTS = tmp_path / "snapshots"
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile", "--json")
    assert ended.value.code == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["ok"], said["sequence"], said["differences"]) == (True, head, [])
    add_to(Balance, "available")
    with pytest.raises(SystemExit) as ended:
        call_command("reconcile")
    assert ended.value.code == 1
    assert "by the journal" in capsys.readouterr().out


def test_a_report_of_the_largest_amounts_is_json(reconciler):
    report = Report(orders=1, wallets=1)
    report.compare("balances", {(1, 1): (2**96 - 1, 0)}, {(1, 1): (0, 0)})
    assert str(2**96 - 1) in json.dumps(report.as_dict())
