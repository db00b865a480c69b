"""What a block must not do: the oracle refuses it by name, and the circuit too, though all else fits."""

from copy import deepcopy
from dataclasses import replace

import pytest

from rollup.state.babyjubjub import SUBGROUP_ORDER, Point, add, multiply_base
from rollup.state.blocks import evaluation, seal
from rollup.state.eddsa import PrivateKey, Signature, is_signed
from rollup.state.field import MODULUS, poseidon
from rollup.state.ledger import SlotRefused
from rollup.state.parameters import TINY
from rollup.state.slots import NOOP, SET_KEY, WITHDRAW, Slot, commitment, domain_of, message
from tests.rollup.circuits import world
from tests.rollup.circuits.forger import GAMMA, forge
from tests.rollup.circuits.world import (  # fmt: skip
    ALICE,
    BOB,
    CHAIN,
    CONTRACT,
    GOLD,
    NOBODY,
    NONCE,
    NOW,
    PURCHASE,
    SALE,
    SILVER,
    TWIN,
    WEALTH,
    credit,
    deposit,
    fee,
    forced_exit,
    net,
    settle,
    signed,
    transfer,
    withdraw,
)

DEAR = SALE._replace(sell_total=2 * WEALTH, buy_total=0)
OTHER_CHAIN, OTHER_CONTRACT = domain_of(CHAIN + 1, CONTRACT), domain_of(CHAIN, CONTRACT + 1)

HONEST = {
    "a sale against a custodial account": [settle(fee=1), net(100, -500), fee(0, 1)],
    "a purchase": [settle(PURCHASE), net(100, -500)],
    "better than the limit": [settle(gross=700), net(100, -700)],
    "an order in two slots": [settle(), settle(), net(200, -1_000)],
    "a larger id on the same leaf": [settle(), settle(SALE._replace(id=7 + TINY.orders)), net(200, -1_000)],
    "two accounts, two nets": [net(100, -500, (3, 4)), net(-100, 500, (1, 2), account=ALICE), fee(4, 6)],
    "a fee above what is bought": [net(5, -5, (6, 0)), net(-5, 5, account=ALICE), fee(6, 0)],
    "one token in both legs": [net(7, -7, tokens=(GOLD, GOLD))],
    "the whole fee cap": [settle(SALE._replace(max_fee_bps=10_000), fee=500), net(100, -500), fee(0, 500)],
    "a transfer": [transfer(), credit()],
    "a transfer to oneself": [transfer(to=ALICE), credit(account=ALICE)],
    "two transfers": [transfer(), credit(), transfer(nonce=NONCE + 1), credit()],
    "a transfer at the end": [deposit(), deposit(), transfer(), credit()],
    "withdrawals one after the other": [withdraw(), withdraw(nonce=NONCE + 1), withdraw(account=BOB)],
    "everything goes": [withdraw(WEALTH), forced_exit(WEALTH, token=SILVER), forced_exit(0)],
    "a deposit up to the largest balance": [deposit(2**96 - 1 - WEALTH)],
    "a key for a new account": [Slot(SET_KEY, NOBODY, new_key=Point(5, 6), nonce=1 << 32)],
    "an empty block": [],
    "the last account and token": [deposit(account=TINY.accounts - 1, token=TINY.tokens - 1)],
}  # fmt: skip


@pytest.mark.parametrize("slots", HONEST.values(), ids=HONEST)
def test_what_may_be(block_program, block_constraints, ledger, slots):
    forged_data, forged = forge(deepcopy(ledger), slots, timestamp=NOW)
    data, inputs = seal(ledger, slots, number=1, timestamp=NOW)
    assert (data, {**inputs, "gamma": GAMMA}) == (forged_data, forged)
    witness = block_program.witness(forged)
    assert block_constraints.broken(witness) is None
    assert witness[1:4] == [commitment(data), evaluation(data, GAMMA), GAMMA]


def test_a_key_beside_the_subgroup_signs_here_as_there(accepts, ledger):
    """The contract takes any point with x; were the edge more lenient than the circuit, such a key could stop all."""
    key = PrivateKey(bytes([5]) * 32)
    beside, nonce = add(key.public, Point(0, MODULUS - 1)), 5 << 32
    slot = Slot(WITHDRAW, ALICE, (GOLD, 0), (5, 0), nonce=nonce, recipient=0xCAFE)
    content, r = message(world.DOMAIN, slot), multiply_base(777)
    s = (777 + poseidon(*r, *beside, content) * key._scalar) % SUBGROUP_ORDER
    assert is_signed(beside, content, Signature(r, s))
    slots = [Slot(SET_KEY, ALICE, new_key=beside, nonce=nonce), replace(slot, signature=Signature(r, s))]
    _, inputs = seal(ledger, slots, number=1, timestamp=NOW)
    assert accepts({**inputs, "gamma": GAMMA})


# Each: the oracle's code, and slots that break one rule and keep all others.
BROKEN = {
    "a net below zero": ("balance", [net(WEALTH + 1, -1), net(-WEALTH - 1, 1, account=ALICE)]),
    "a net below zero in the second leg": ("balance", [net(1, -WEALTH - 1), net(-1, WEALTH + 1, account=ALICE)]),
    "a fee below zero": ("balance", [net(0, 0, (WEALTH + 1, 0)), fee(WEALTH + 1, 0)]),
    "a sale below zero": ("balance", [settle(DEAR, WEALTH + 1, 0), net(WEALTH + 1, 0)]),
    "a withdrawal below zero": ("balance", [withdraw(WEALTH + 1)]),
    "a transfer below zero": ("balance", [transfer(WEALTH + 1), credit(WEALTH + 1)]),
    "a deposit above the largest balance": ("balance", [deposit(2**96 - WEALTH)]),
    "a credit above the largest balance": (
        "balance", [deposit(2**96 - 1 - WEALTH, account=BOB), transfer(1), credit(1)]),
    "a net above the largest balance": (
        "balance", [deposit(2**96 - 1 - WEALTH, account=BOB), net(1, 0), net(-1, 0, account=ALICE)]),
    "a sale's proceeds above the largest balance": (
        "balance", [deposit(2**96 - 1 - WEALTH, account=ALICE, token=SILVER), settle(), net(100, -500)]),
    "an amount of 97 bits": ("range", [deposit(2**96), withdraw(0)]),
    "an amount below zero": ("range", [deposit(-1)]),
    "an overfilled sale": ("overfilled", [settle(debit=201, gross=1_005), net(201, -1_005)]),
    "an overfilled sale in two slots": ("overfilled", [settle(debit=150, gross=750), settle(), net(250, -1_250)]),
    "an overfilled purchase": ("overfilled", [settle(PURCHASE, 200, 1_001), net(200, -1_001)]),
    "an overfilled purchase in two slots": (
        "overfilled", [settle(PURCHASE, 150, 750), settle(PURCHASE, 50, 251), net(200, -1_001)]),
    "a worse price": ("price", [settle(gross=499), net(100, -499)]),
    "a worse price of a purchase": ("price", [settle(PURCHASE, 101, 500), net(101, -500)]),
    "a debit for nothing": ("price", [settle(debit=1, gross=0), net(1, 0)]),
    "a fee above the cap": ("fee", [settle(fee=2), net(100, -500), fee(0, 2)]),
    "a fee above what is bought": (
        "fee", [settle(SALE._replace(max_fee_bps=10_000), fee=501), net(100, -500), fee(0, 501)]),
    "a cap above all": (
        "range", [settle(SALE._replace(max_fee_bps=10_001), fee=1), net(100, -500), fee(0, 1)]),
    "an order whose time is over": ("expired", [settle(SALE._replace(valid_until=NOW)), net(100, -500)]),
    "an order id that goes back": ("order_id", [settle(SALE._replace(id=11)), settle(), net(200, -1_000)]),
    "an order without id": ("order_id", [settle(SALE._replace(id=0)), net(100, -500)]),
    "an order id of 65 bits": ("range", [settle(SALE._replace(id=2**64)), net(100, -500)]),
    "a total of 97 bits": (
        "range", [settle(SALE._replace(sell_total=2**96, buy_total=0)), net(100, -500)]),
    "value out of nothing": ("not_conserved", [net(0, 1)]),
    "a sale without its other side": ("not_conserved", [settle()]),
    "a price between the two sides": ("not_conserved", [settle(), net(100, -501)]),
    "one token for another": ("not_conserved", [net(1, -1)]),
    "one token for another, sums equal": ("not_conserved", [net(100, -500), net(500, -100, account=ALICE)]),
    "a surplus as fee": ("fees_not_credited", [net(0, 0), fee(1, 0)]),
    "the surplus of a better price as fee": ("not_conserved", [settle(gross=500), net(100, -501), fee(0, 1)]),
    "a fee that goes nowhere": ("fees_not_credited", [settle(fee=1), net(100, -500)]),
    "a fee in another token": ("fees_not_credited", [settle(fee=1), net(100, -500), fee(1, 0)]),
    "a fee to another account": (
        "fee_to_another_account", [settle(fee=1), net(100, -500), fee(0, 1, account=ALICE)]),
    "a sale signed by another": ("signature", [settle(by=BOB), net(100, -500)]),
    "a net signed by another": ("signature", [net(0, 0, by=ALICE)]),
    "a transfer signed by another": ("signature", [transfer(by=BOB), credit()]),
    "a withdrawal signed by another": ("signature", [withdraw(by=BOB)]),
    "a withdrawal of an account without key": ("signature", [withdraw(0, account=NOBODY, nonce=0, by=ALICE)]),
    "an order on another account of the same key": (
        "signature", [replace(settle(), account=TWIN), net(100, -500)]),
    "a withdrawal on another account of the same key": ("signature", [replace(withdraw(), account=TWIN)]),
    "an order of another chain": ("signature", [settle(domain=OTHER_CHAIN), net(100, -500)]),
    "an order of another contract": ("signature", [settle(domain=OTHER_CONTRACT), net(100, -500)]),
    "a net of another chain": ("signature", [net(0, 0, domain=OTHER_CHAIN)]),
    "a transfer of another contract": ("signature", [transfer(domain=OTHER_CONTRACT), credit()]),
    "a withdrawal of another chain": ("signature", [withdraw(domain=OTHER_CHAIN)]),
    "a withdrawal again": ("nonce", [withdraw(), withdraw()]),
    "a transfer again": ("nonce", [transfer(), credit(), transfer(), credit()]),
    "a net again": ("nonce", [net(0, 0), net(0, 0)]),
    "a nonce that is not the next": ("nonce", [withdraw(nonce=NONCE + 1)]),
    "what was signed before the key was set anew": (
        "nonce", [Slot(SET_KEY, ALICE, new_key=world.new_ledger().account(ALICE).key, nonce=2 << 32), withdraw()]),
    "a withdrawal to another recipient": ("signature", [replace(withdraw(), recipient=0xBAD)]),
    "a transfer to another account": ("signature", [replace(transfer(), to=TWIN), credit(account=TWIN)]),
    "a withdrawal of more than was signed": ("signature", [replace(withdraw(), amounts=(6, 0))]),
    "a withdrawal of another token": ("signature", [replace(withdraw(), tokens=(SILVER, 0))]),
    "an order on other tokens": ("signature", [replace(settle(debit=100, gross=500), tokens=(SILVER, GOLD)),
                                               net(-500, 100)]),
    "a sale made a purchase": ("signature", [replace(settle(), order=PURCHASE), net(100, -500)]),
    "an order made to last": (
        "signature", [replace(settle(), order=SALE._replace(valid_until=3_000)), net(100, -500)]),
    "an order made larger": (
        "signature", [replace(settle(debit=300, gross=1_500), order=SALE._replace(sell_total=400, buy_total=2_000)),
                      net(300, -1_500)]),
    "an order with another cap": (
        "signature", [replace(settle(), order=SALE._replace(max_fee_bps=30)), net(100, -500)]),
    "a net's sign turned": ("signature", [replace(net(100, 0), credits=(0, 0)), net(100, 0, account=ALICE)]),
    "a net's fee raised": ("signature", [replace(net(0, 0), fees=(0, 1)), fee(0, 1)]),
    "a net's first fee raised": ("signature", [replace(net(0, 0), fees=(1, 0)), fee(1, 0)]),
    "a scalar beyond the order": ("signature", [replace(
        withdraw(), signature=withdraw().signature._replace(s=withdraw().signature.s + SUBGROUP_ORDER))]),
    "a transfer without credit": ("transfer_without_credit", [transfer()]),
    "a transfer in the last slot": ("transfer_without_credit", [Slot(), Slot(), Slot(), transfer()]),
    "a credit without transfer": ("transfer_without_credit", [Slot(), credit()]),
    "a credit in the first slot": ("transfer_without_credit", [credit()]),
    "a slot between transfer and credit": ("transfer_without_credit", [transfer(), Slot(), credit()]),
    "two credits": ("transfer_without_credit", [transfer(), credit(), credit()]),
    "a credit to another account": ("credit_of_something_else", [transfer(), credit(account=TWIN)]),
    "a credit of more": ("credit_of_something_else", [transfer(), credit(6)]),
    "a credit of another token": ("credit_of_something_else", [transfer(), credit(token=SILVER)]),
    "a credit of another token, made up for by the signed recipient": (
        "credit_of_something_else",
        [transfer(to=(BOB + (SILVER - GOLD) * pow(2**32, -1, MODULUS)) % MODULUS), credit(token=SILVER)]),
    "an exit of a part": ("exit_of_a_part", [forced_exit(WEALTH - 1)]),
    "an exit of more": ("exit_of_a_part", [forced_exit(WEALTH + 1)]),
    "a noop with an amount": ("field_of_another_operation", [Slot(NOOP, amounts=(1, 0))]),
    "a noop with a second amount": ("field_of_another_operation", [Slot(NOOP, amounts=(0, 1))]),
    "a noop with a fee": (
        "field_of_another_operation", [Slot(NOOP, tokens=(GOLD, SILVER), fees=(0, 1)), fee(0, 1)]),
    "a key with an amount": (
        "field_of_another_operation", [Slot(SET_KEY, BOB, amounts=(1, 0), new_key=Point(5, 6))]),
    "a deposit of two tokens": ("field_of_another_operation", [replace(deposit(), amounts=(5, 5))]),
    "a deposit with a fee": (
        "field_of_another_operation", [replace(deposit(), tokens=(GOLD, SILVER), fees=(0, 1)), fee(0, 1)]),
    "a withdrawal with a fee": (
        "field_of_another_operation",
        [signed(replace(withdraw(), tokens=(GOLD, SILVER), fees=(0, 1))), fee(0, 1)]),
    "a sale with the sign of a net": (
        "field_of_another_operation", [signed(replace(settle(), credits=(1, 0))), net(100, -500)]),
    "a fee slot with a fee": ("field_of_another_operation", [replace(fee(0, 0), fees=(0, 1))]),
    "an account beyond the tree": ("range", [deposit(account=TINY.accounts)]),
    "a token beyond the tree": ("range", [deposit(token=TINY.tokens)]),
    "a nonce of 65 bits": ("range", [Slot(SET_KEY, ALICE, new_key=Point(5, 6), nonce=2**64)]),
}  # fmt: skip


@pytest.mark.parametrize(("code", "slots"), BROKEN.values(), ids=BROKEN)
def test_what_must_not_be(accepts, ledger, code, slots):
    _, inputs = forge(deepcopy(ledger), slots, timestamp=NOW)
    assert not accepts(inputs)
    with pytest.raises(SlotRefused) as caught:
        seal(ledger, slots, number=1, timestamp=NOW)
    assert caught.value.code == code
