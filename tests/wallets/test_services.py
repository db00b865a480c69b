"""Deposits, withdrawals and transfers through a real matcher: once each, whatever dies or comes at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import OperationalError, connection, transaction

from accounts.problems import Problem
from matching import gateway, journal
from matching.gateway import GatewayError, GatewayTimeout
from tests.matching.harness import MatcherProcess, execute
from tests.patience import PATIENCE_S
from tests.projections import catch_up
from tests.wallets.conftest import wait_for_answers
from wallets import deposits, selectors, services
from wallets.models import Deposit, InternalTransfer, Withdrawal
from wallets.projection import make_projection

pytestmark = pytest.mark.process

BTC = 1


@pytest.fixture
def exchange(matcher: MatcherProcess) -> Iterator[MatcherProcess]:
    """A matcher whose assets are known to the read model."""
    project()
    yield matcher


def project() -> None:
    catch_up(make_projection())


def balance(account: int) -> tuple[int, int]:
    project()
    return selectors.all_balances().get((account, BTC), (0, 0))


def credit(account: int, amount: int, **more) -> Deposit:
    return services.credit_deposit(account_id=account, asset_code="BTC", amount_atoms=amount, **more)


def code_of(call, *args, **named) -> str:
    with pytest.raises(Problem) as caught:
        call(*args, **named)
    return caught.value.code


def lose_answers(monkeypatch, times: int = 1) -> None:
    """The sender dies between the matcher's answer and writing it down: the command is executed, nobody knows."""
    really = gateway.submit
    left = [times]

    def submit(commands, **options):
        results = really(commands, **options)
        if left[0]:
            left[0] -= 1
            raise GatewayTimeout("the answer was lost")
        return results

    monkeypatch.setattr(gateway, "submit", submit)


def test_a_deposit_whose_answer_was_lost_is_credited_once(exchange, monkeypatch):
    lose_answers(monkeypatch)
    with pytest.raises(GatewayTimeout):
        credit(7, 500)
    row = Deposit.objects.get()
    assert (row.status, row.index) == ("pending", 1)
    # Later ones go behind it, and take it along.
    assert credit(8, 30).index == 2
    row.refresh_from_db()
    assert row.status == "credited"
    assert (balance(7), balance(8)) == ((500, 0), (30, 0))
    # The read model knows which command it was, though the sender never heard of it.
    row.refresh_from_db()
    assert row.sequence is not None


def test_a_deposit_while_the_matcher_is_dead_waits_and_is_credited_once(exchange, monkeypatch):
    exchange.kill()
    wait_for_answers(monkeypatch, 1)
    with pytest.raises(GatewayError):
        credit(7, 500)
    assert Deposit.objects.get().status == "pending"
    gateway.close()
    exchange.start()
    exchange.wait_leading()
    wait_for_answers(monkeypatch, PATIENCE_S)
    assert services.send_pending(older_than_s=0) == 1
    assert Deposit.objects.get().status == "credited"
    assert balance(7) == (500, 0)
    assert services.send_pending(older_than_s=0) == 0


def test_callers_at_once_get_numbers_without_a_gap(exchange):
    def call(number: int) -> int:
        try:
            return credit(10 + number % 3, 1, reference=str(number)).index
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as pool:
        indexes = list(pool.map(call, [*range(30), *range(30)]))
    assert sorted(indexes[:30]) == list(range(1, 31))
    assert indexes[30:] == indexes[:30]
    assert sum(balance(account)[0] for account in (10, 11, 12)) == 30


def test_a_refused_deposit_gives_its_number_to_the_next(exchange):
    most = 2**96 - 1
    credit(7, most)
    assert code_of(credit, 8, 1) == "balance_overflow"
    refused = Deposit.objects.get(account_id=8)
    assert (refused.status, refused.code, refused.index) == ("refused", "balance_overflow", None)
    other = services.credit_deposit(account_id=8, asset_code="USDT", amount_atoms=5)
    assert other.index == 2
    assert balance(8) == (0, 0)


def test_deposits_behind_a_refused_one_move_up(exchange):
    credit(7, 2**96 - 1)
    content = {"source": services.MANUAL_SOURCE, "account_id": 9}
    Deposit.objects.create(**content, asset_id=BTC, amount=1)
    later = [Deposit.objects.create(**content, asset_id=2, amount=5) for _ in range(3)]
    assert services.send_pending(older_than_s=-1) == 1
    assert [Deposit.objects.get(pk=row.pk).index for row in later] == [2, 3, 4]
    assert set(Deposit.objects.exclude(status="refused").values_list("status", flat=True)) == {"credited"}
    project()
    assert selectors.all_balances()[9, 2] == (15, 0)


def test_an_outbox_that_does_not_belong_to_the_journal_credits_nothing(exchange):
    execute(["deposit", 0, services.MANUAL_SOURCE, 1, 99, BTC, 1])
    with pytest.raises(deposits.NumberingLost):
        credit(7, 500)
    assert Deposit.objects.get().status == "pending"
    assert balance(7) == (0, 0)


def hold(amount: int, **more) -> Withdrawal:
    return services.hold_withdrawal(account_id=7, asset_code="BTC", amount_atoms=amount, **more)


def test_a_refusal_is_not_believed_while_an_earlier_command_may_still_run(exchange, monkeypatch):
    credit(7, 500)
    really = gateway.submit

    def lost_before_it_was_sent(commands, **options):
        raise GatewayTimeout("nobody knows")

    monkeypatch.setattr(gateway, "submit", lost_before_it_was_sent)
    with pytest.raises(GatewayTimeout):
        hold(501, reference="w")
    monkeypatch.setattr(gateway, "submit", really)
    # Refused now, but the first command could still arrive, after a deposit say.
    assert code_of(hold, 501, reference="w") == "unknown_outcome"
    assert Withdrawal.objects.get().status == "requested"
    Withdrawal.objects.update(deadline_us=1)
    assert code_of(hold, 501, reference="w") == "insufficient_balance"
    assert Withdrawal.objects.get().status == "refused"
    assert balance(7) == (500, 0)


def move(amount: int, **more) -> InternalTransfer:
    return services.transfer(from_account_id=7, to_account_id=8, asset_code="BTC", amount_atoms=amount, **more)


def test_deposits_are_credited_and_a_reference_names_one(exchange):
    row = credit(7, 500)
    assert (row.status, row.index, row.sequence) == ("credited", 1, journal.head())
    first = credit(8, 30, reference="a")
    assert first.index == 2
    assert credit(8, 30, reference="a").pk == first.pk
    assert code_of(credit, 8, 31, reference="a") == "reference_reused"
    assert code_of(credit, 7, 30, reference="a") == "reference_reused"
    assert (balance(7), balance(8)) == ((500, 0), (30, 0))
    assert Deposit.objects.count() == 2


def test_what_cannot_be_is_refused_before_anything_is_written(exchange):
    credit(7, 500)
    head = journal.head()
    for amount in (0, -1, 2**96):
        named = {"asset_code": "BTC", "amount_atoms": amount}
        assert code_of(credit, 7, amount) == "invalid_amount"
        assert code_of(services.hold_withdrawal, account_id=7, **named) == "invalid_amount"
        assert code_of(services.transfer, from_account_id=7, to_account_id=8, **named) == "invalid_amount"
    assert code_of(services.credit_deposit, account_id=7, asset_code="XXX", amount_atoms=1) == "unknown_asset"
    named = {"asset_code": "BTC", "amount_atoms": 1}
    assert code_of(services.transfer, from_account_id=7, to_account_id=7, **named) == "invalid_parameter"
    with pytest.raises(RuntimeError, match="must be committed"), transaction.atomic():
        credit(7, 500)
    assert journal.head() == head
    assert (Deposit.objects.count(), Withdrawal.objects.count(), InternalTransfer.objects.count()) == (1, 0, 0)


def test_too_much_is_refused_by_the_matcher_and_changes_nothing(exchange):
    credit(7, 500)
    assert code_of(hold, 501) == "insufficient_balance"
    assert Withdrawal.objects.get().status == "refused"
    assert code_of(move, 501) == "insufficient_balance"
    assert InternalTransfer.objects.get().status == "refused"
    assert (balance(7), balance(8)) == ((500, 0), (0, 0))


def test_a_withdrawal_ends_once(exchange):
    credit(7, 500)
    row = hold(200)
    assert row.status == "held"
    assert balance(7) == (300, 200)
    assert services.complete_withdrawal(withdrawal_id=row.pk).status == "completed"
    assert services.complete_withdrawal(withdrawal_id=row.pk).status == "completed"
    assert code_of(services.release_withdrawal, withdrawal_id=row.pk) == "withdrawal_ended"
    assert balance(7) == (300, 0)
    row = hold(100)
    assert services.release_withdrawal(withdrawal_id=row.pk).status == "released"
    assert services.release_withdrawal(withdrawal_id=row.pk).status == "released"
    assert code_of(services.complete_withdrawal, withdrawal_id=row.pk) == "withdrawal_ended"
    assert code_of(services.release_withdrawal, withdrawal_id=row.pk + 1) == "unknown_withdrawal"
    assert balance(7) == (300, 0)


def test_movements_whose_answers_were_lost_happen_once(exchange, monkeypatch):
    credit(7, 500)
    lose_answers(monkeypatch, times=2)
    with pytest.raises(GatewayTimeout):
        hold(200, reference="w")
    with pytest.raises(GatewayTimeout):
        move(50, reference="t")
    assert services.send_pending(older_than_s=-1) == 2
    assert hold(200, reference="w").status == "held"
    assert move(50, reference="t").status == "done"
    assert code_of(hold, 201, reference="w") == "reference_reused"
    assert (balance(7), balance(8)) == ((250, 200), (50, 0))


def cancel(row: Withdrawal, account: int = 7) -> Withdrawal:
    return services.cancel_withdrawal(account_id=account, withdrawal_id=row.pk)


def test_its_owner_cancels_a_withdrawal_until_an_operator_takes_it(exchange):
    credit(7, 500)
    row = hold(200)
    assert code_of(cancel, row, account=8) == "unknown_withdrawal"
    assert cancel(row).status == "released"
    assert cancel(row).status == "released"
    assert code_of(services.take_withdrawal, withdrawal_id=row.pk) == "withdrawal_ended"
    assert balance(7) == (500, 0)

    row = hold(200)
    assert services.take_withdrawal(withdrawal_id=row.pk).status == "sending"
    # Nobody sends it a second time, and nobody takes it back meanwhile.
    assert code_of(services.take_withdrawal, withdrawal_id=row.pk) == "withdrawal_in_progress"
    assert code_of(cancel, row) == "withdrawal_in_progress"
    assert balance(7) == (300, 200)
    project()
    assert Withdrawal.objects.get(pk=row.pk).status == "sending"
    assert services.complete_withdrawal(withdrawal_id=row.pk).status == "completed"
    assert code_of(cancel, row) == "withdrawal_ended"
    assert balance(7) == (300, 0)


def test_what_was_taken_can_be_refused(exchange):
    credit(7, 500)
    row = hold(200)
    services.take_withdrawal(withdrawal_id=row.pk)
    assert services.release_withdrawal(withdrawal_id=row.pk).status == "released"
    assert balance(7) == (500, 0)


def test_a_cancel_whose_answer_was_lost_cannot_be_sent_out(exchange, monkeypatch):
    credit(7, 500)
    row = hold(200)
    lose_answers(monkeypatch)
    with pytest.raises(GatewayTimeout):
        cancel(row)
    row.refresh_from_db()
    assert row.status == "releasing"
    for end in (services.take_withdrawal, services.complete_withdrawal):
        assert code_of(end, withdrawal_id=row.pk) == "withdrawal_in_progress"
    assert services.send_pending(older_than_s=-1) == 1
    row.refresh_from_db()
    assert row.status == "released"
    assert balance(7) == (500, 0)


def test_a_completion_while_the_matcher_is_dead_happens_once(exchange, monkeypatch):
    credit(7, 500)
    row = hold(200)
    exchange.kill()
    wait_for_answers(monkeypatch, 1)
    with pytest.raises(GatewayError):
        services.complete_withdrawal(withdrawal_id=row.pk)
    assert code_of(cancel, row) == "withdrawal_in_progress"
    gateway.close()
    exchange.start()
    exchange.wait_leading()
    wait_for_answers(monkeypatch, PATIENCE_S)
    assert services.send_pending(older_than_s=-1) == 1
    row.refresh_from_db()
    assert row.status == "completed"
    assert balance(7) == (300, 0)


def test_owner_and_operator_at_once_one_of_them_wins(exchange):
    credit(7, 1_000)

    def call(work) -> str:
        try:
            return work().status
        except Problem as problem:
            return problem.code
        finally:
            connection.close()

    for _ in range(5):
        row = hold(100)
        with ThreadPoolExecutor(4) as pool:
            ends = [
                pool.submit(call, lambda row=row: cancel(row)),
                pool.submit(call, lambda row=row: services.take_withdrawal(withdrawal_id=row.pk)),
                pool.submit(call, lambda row=row: services.complete_withdrawal(withdrawal_id=row.pk)),
                pool.submit(call, lambda row=row: services.take_withdrawal(withdrawal_id=row.pk)),
            ]
            outcomes = [end.result() for end in ends]
        assert ("released" in outcomes) != ("completed" in outcomes), outcomes
        assert outcomes.count("sending") <= 1
    released = Withdrawal.objects.filter(status="released").count()
    assert balance(7) == (500 + 100 * released, 0)


def test_a_hold_heard_of_late_does_not_undo_what_was_done_since(exchange, monkeypatch):
    credit(7, 500)
    row = hold(200)
    # As if its answer had been lost and it had been found to be applied already: no sequence.
    Withdrawal.objects.filter(pk=row.pk).update(sequence=None)
    services.take_withdrawal(withdrawal_id=row.pk)
    project()
    row.refresh_from_db()
    assert row.status == "sending"
    assert row.sequence is not None


def test_refused_deposits_of_one_source_do_not_wait_for_each_other(exchange):
    credit(7, 2**96 - 1)
    rows = [
        Deposit.objects.create(source=services.MANUAL_SOURCE, account_id=9, asset_id=BTC, amount=amount)
        for amount in (1, 2, 3)
    ]
    good = Deposit.objects.create(source=services.MANUAL_SOURCE, account_id=9, asset_id=2, amount=5)
    assert services.send_pending(older_than_s=-1) == 1
    assert {Deposit.objects.get(pk=row.pk).status for row in rows} == {"refused"}
    good.refresh_from_db()
    assert (good.status, good.index) == ("credited", 2)


def test_a_database_lost_after_the_row_stands_is_not_told_as_nothing_done(exchange, monkeypatch):
    """The row will be carried out; who is told that nothing was done asks again, and pays twice."""

    def lost(_):
        raise OperationalError

    credit(7, 10)
    for name, ask in (
        ("_send_hold", lambda: hold(1)),
        (
            "_send_transfer",
            lambda: services.transfer(from_account_id=7, to_account_id=8, asset_code="BTC", amount_atoms=1),
        ),
    ):
        with monkeypatch.context() as patch:
            patch.setattr(services, name, lost)
            assert code_of(ask) == "unknown_outcome"
    assert (Withdrawal.objects.count(), InternalTransfer.objects.count()) == (1, 1)
