# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The vault: tokens, how much of each belongs to the exchange's accounts, and balances that wait to be collected
@license Apache-2.0
@dev Of the rollup (rollup.vy). Amounts are atoms below 2^96.
"""

from ethereum.ercs import IERC20
import administration
import parameters

uses: administration

event TokenAdded:
    token: indexed(uint256)
    contract: indexed(address)
    minimum: uint256

event Claimable:
    recipient: indexed(address)
    token: indexed(uint256)
    amount: uint256

event Collected:
    recipient: indexed(address)
    token: indexed(uint256)
    amount: uint256

TOKENS: constant(uint256) = parameters.TOKENS
AMOUNT_END: constant(uint256) = 2**96
# The chain's own coin, in bonds and fees.
COIN: constant(uint256) = 0

token_address: public(HashMap[uint256, address])
token_number: public(HashMap[address, uint256])
minimum_deposit: public(HashMap[uint256, uint256])
# What came in and did not go out: balances of accounts, deposits on their way, payouts that nobody claimed yet.
locked: public(HashMap[uint256, uint256])
# What is nobody's balance any more and waits for its recipient: escapes, refunds, bonds, fees.
claimable: public(HashMap[address, HashMap[uint256, uint256]])


@external
def add_token(token: uint256, contract: address, minimum: uint256):
    """
    @notice Give a token its number: that of the exchange's asset. Neither can be taken back.
    @param minimum Atoms that a deposit must have at least.
    """
    administration._check_owner()
    assert token != COIN and token < TOKENS, "token_out_of_range"
    assert self.token_address[token] == empty(address), "token_number_taken"
    assert self.token_number[contract] == 0, "token_known"
    assert contract.is_contract, "not_a_contract"
    assert minimum > 0 and minimum < AMOUNT_END, "minimum_out_of_range"
    self.token_address[token] = contract
    self.token_number[contract] = token
    self.minimum_deposit[token] = minimum
    log TokenAdded(token=token, contract=contract, minimum=minimum)


@external
def collect(recipient: address, token: uint256):
    """
    @notice Pay out what is claimable; anybody may have it paid. Token 0: bonds and fees, in wei.
    """
    amount: uint256 = self.claimable[recipient][token]
    assert amount > 0, "nothing_to_claim"
    self.claimable[recipient][token] = 0
    log Collected(recipient=recipient, token=token, amount=amount)
    if token == COIN:
        raw_call(recipient, b"", value=amount)
    else:
        self._send(recipient, token, amount)


@internal
def _lock(token: uint256, amount: uint256):
    assert self.token_address[token] != empty(address), "unknown_token"
    assert amount >= self.minimum_deposit[token], "below_minimum"
    assert amount < AMOUNT_END, "amount_out_of_range"
    locked: uint256 = self.locked[token] + amount
    assert locked < AMOUNT_END, "too_much_locked"
    self.locked[token] = locked


@internal
def _release(token: uint256, amount: uint256):
    # Checked subtraction: more than came in can never go out, whatever a proof says.
    self.locked[token] -= amount


@internal
def _credit(recipient: address, token: uint256, amount: uint256):
    self.claimable[recipient][token] += amount
    log Claimable(recipient=recipient, token=token, amount=amount)


@internal
def _receive(token: uint256, amount: uint256):
    contract: address = self.token_address[token]
    before: uint256 = staticcall IERC20(contract).balanceOf(self)
    assert extcall IERC20(contract).transferFrom(msg.sender, self, amount, default_return_value=True), "transfer_failed"
    assert staticcall IERC20(contract).balanceOf(self) == before + amount, "transfer_of_another_amount"


@internal
def _send(recipient: address, token: uint256, amount: uint256):
    assert extcall IERC20(self.token_address[token]).transfer(
        recipient, amount, default_return_value=True
    ), "transfer_failed"
