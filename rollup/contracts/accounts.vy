# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Accounts: their numbers, keys and owners
@license Apache-2.0
@dev Of the rollup (rollup.vy). Numbers are given in order and never again; account 0 collects the exchange's fees.
"""

import administration
import parameters
import queue
import vault

uses: administration
uses: queue
uses: vault

event Registered:
    account: indexed(uint256)
    owner: indexed(address)
    x: uint256
    y: uint256
    index: uint256

event OwnerLinked:
    account: indexed(uint256)
    previous_owner: indexed(address)
    owner: indexed(address)

event RegistrationFeeSet:
    fee: uint256

# The order of BN254's scalar field, and BabyJubjub's coefficients over it.
P: constant(uint256) = 21888242871839275222246405745257275088548364400416034343698204186575808495617
CURVE_A: constant(uint256) = 168700
CURVE_D: constant(uint256) = 168696

ACCOUNTS: constant(uint256) = parameters.ACCOUNTS
REGISTRATIONS_MAX: constant(uint256) = 32
# No owner can ask for more, in wei: numbers are scarce, but nobody is to be locked out.
REGISTRATION_FEE_MAX: public(constant(uint256)) = 10**16

owner_of: public(HashMap[uint256, address])
next_account: public(uint256)
# What registering costs, in wei: it makes using up all numbers dear. The operator's accounts are free.
registration_fee: public(uint256)


@deploy
def __init__(fees_owner: address, registration_fee: uint256):
    self.owner_of[0] = fees_owner
    self.next_account = 1
    self._set_fee(registration_fee)


@external
@payable
def register(x: uint256, y: uint256, account_owner: address) -> uint256:
    """
    @notice Open an account with the key (x, y), for anybody who pays the fee. Returns its number.
    """
    fee: uint256 = self.registration_fee
    assert msg.value == fee, "wrong_fee"
    if fee > 0:
        vault._credit(administration.operator, vault.COIN, fee)
    return self._register(x, y, account_owner)


@external
def register_many(keys: DynArray[uint256[2], REGISTRATIONS_MAX], account_owner: address) -> uint256:
    """
    @notice Open accounts whose keys the exchange holds. Returns the first one's number; the others follow it.
    """
    assert msg.sender == administration.operator, "not_operator"
    assert len(keys) > 0, "no_keys"
    first: uint256 = self.next_account
    for key: uint256[2] in keys:
        self._register(key[0], key[1], account_owner)
    return first


@external
def set_registration_fee(fee: uint256):
    """
    @notice What registering costs from now on, in wei.
    """
    administration._check_owner()
    self._set_fee(fee)


@external
def set_key(account: uint256, x: uint256, y: uint256) -> uint256:
    """
    @notice Replace an account's key. Returns the queue entry's index.
    """
    self._check_owner_of(account)
    self._check_key(x, y)
    return queue._enqueue(queue.SET_KEY, account, 0, 0, x, y)


@external
def link_owner(account: uint256, new_owner: address):
    """
    @notice Give an account another owner, whom exits pay and who alone may ask for them. What its exits have brought
            and nobody claimed yet goes to the new owner as well.
    """
    self._check_owner_of(account)
    assert new_owner != empty(address), "no_owner"
    self.owner_of[account] = new_owner
    log OwnerLinked(account=account, previous_owner=msg.sender, owner=new_owner)


@internal
@view
def _check_owner_of(account: uint256):
    # The owner of an account that does not exist is nobody, who never calls.
    assert msg.sender == self.owner_of[account], "not_account_owner"


@internal
@view
def _check_takes_deposits(account: uint256):
    assert account != 0 and account < self.next_account, "unknown_account"


@internal
@pure
def _check_key(x: uint256, y: uint256):
    # Points with x = 0 have a low order, and a key that is no point could sign what its owner never saw.
    assert x != 0, "key_of_low_order"
    assert x < P and y < P, "not_a_field_element"
    xx: uint256 = uint256_mulmod(x, x, P)
    yy: uint256 = uint256_mulmod(y, y, P)
    left: uint256 = uint256_addmod(uint256_mulmod(CURVE_A, xx, P), yy, P)
    right: uint256 = uint256_addmod(1, uint256_mulmod(CURVE_D, uint256_mulmod(xx, yy, P), P), P)
    assert left == right, "key_off_curve"


@internal
def _register(x: uint256, y: uint256, account_owner: address) -> uint256:
    assert account_owner != empty(address), "no_owner"
    account: uint256 = self.next_account
    assert account < ACCOUNTS, "no_accounts_left"
    self._check_key(x, y)
    self.next_account = account + 1
    self.owner_of[account] = account_owner
    index: uint256 = queue._enqueue(queue.SET_KEY, account, 0, 0, x, y)
    log Registered(account=account, owner=account_owner, x=x, y=y, index=index)
    return account


@internal
def _set_fee(fee: uint256):
    assert fee <= REGISTRATION_FEE_MAX, "fee_out_of_range"
    self.registration_fee = fee
    log RegistrationFeeSet(fee=fee)
