# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title Who administers the exchange: its owner, its operator, a pause, and the verifiers behind a timelock
@license Apache-2.0
@dev Of the rollup (rollup.vy). What the owner cannot do is as much of a rule as what he can: nothing here stops exits,
     claims, a freeze or escapes.
"""

event OwnershipTransferStarted:
    owner: indexed(address)
    pending_owner: indexed(address)

event OwnershipTransferred:
    previous_owner: indexed(address)
    owner: indexed(address)

event OperatorSet:
    operator: indexed(address)

event Paused:
    by: indexed(address)

event Unpaused:
    by: indexed(address)

event VerifiersProposed:
    block_verifier: indexed(address)
    escape_verifier: indexed(address)
    usable_from: uint256

event VerifiersSet:
    block_verifier: indexed(address)
    escape_verifier: indexed(address)


# Reasons to take no blocks, bits of one word: a block asks for both at once.
PAUSED: constant(uint256) = 1
FROZEN: constant(uint256) = 2

# Between a proposal of other verifiers and their use; longer than the window, so that everybody can leave before.
TIMELOCK_S: public(immutable(uint256))

owner: public(address)
pending_owner: public(address)
operator: public(address)
stopped: uint256

block_verifier: public(address)
escape_verifier: public(address)
proposed_block_verifier: public(address)
proposed_escape_verifier: public(address)
verifiers_usable_from: public(uint256)


@deploy
def __init__(operator: address, timelock_s: uint256):
    assert operator != empty(address), "no_operator"
    TIMELOCK_S = timelock_s
    self.owner = msg.sender
    self.operator = operator
    log OwnershipTransferred(previous_owner=empty(address), owner=msg.sender)
    log OperatorSet(operator=operator)


@external
@view
def paused() -> bool:
    return self.stopped & PAUSED != 0


@external
@view
def is_frozen() -> bool:
    return self.stopped & FROZEN != 0


@external
def transfer_ownership(new_owner: address):
    """
    @notice Offer the ownership; it passes when the other one accepts.
    """
    self._check_owner()
    self.pending_owner = new_owner
    log OwnershipTransferStarted(owner=msg.sender, pending_owner=new_owner)


@external
def accept_ownership():
    assert msg.sender == self.pending_owner, "not_pending_owner"
    self.pending_owner = empty(address)
    log OwnershipTransferred(previous_owner=self.owner, owner=msg.sender)
    self.owner = msg.sender


@external
def set_operator(operator: address):
    """
    @notice Who may submit blocks. Account 0 keeps its owner, who links it on.
    """
    self._check_owner()
    assert operator != empty(address), "no_operator"
    self.operator = operator
    log OperatorSet(operator=operator)


@external
def pause():
    """
    @notice Stop deposits and blocks. Exits, freeze, claims and escapes go on, and so do the clocks.
    """
    self._check_owner()
    assert self.stopped & PAUSED == 0, "paused"
    self.stopped |= PAUSED
    log Paused(by=msg.sender)


@external
def unpause():
    self._check_owner()
    assert self.stopped & PAUSED != 0, "not_paused"
    self.stopped ^= PAUSED
    log Unpaused(by=msg.sender)


@external
def set_verifiers(block_verifier: address, escape_verifier: address):
    """
    @notice The first ones are used at once: no block can be without them. Later ones wait for the timelock.
    """
    self._check_owner()
    self._check_not_frozen()
    assert block_verifier.is_contract and escape_verifier.is_contract, "not_a_contract"
    if self.block_verifier == empty(address):
        self._use_verifiers(block_verifier, escape_verifier)
        return
    self.proposed_block_verifier = block_verifier
    self.proposed_escape_verifier = escape_verifier
    self.verifiers_usable_from = block.timestamp + TIMELOCK_S
    log VerifiersProposed(
        block_verifier=block_verifier, escape_verifier=escape_verifier, usable_from=self.verifiers_usable_from
    )


@external
def accept_verifiers():
    """
    @notice Use the proposed verifiers, once the timelock is over. Never after a freeze: escapes keep their verifier.
    """
    self._check_owner()
    self._check_not_frozen()
    assert self.verifiers_usable_from != 0, "nothing_proposed"
    assert block.timestamp >= self.verifiers_usable_from, "timelock"
    self._use_verifiers(self.proposed_block_verifier, self.proposed_escape_verifier)


@external
def withdraw_proposal():
    """
    @notice Take a proposal of verifiers back.
    """
    self._check_owner()
    self._forget_proposal()
    log VerifiersProposed(block_verifier=empty(address), escape_verifier=empty(address), usable_from=0)


@internal
@view
def _check_owner():
    assert msg.sender == self.owner, "not_owner"


@internal
@view
def _check_not_frozen():
    assert self.stopped & FROZEN == 0, "frozen"


@internal
@view
def _check_frozen():
    assert self.stopped & FROZEN != 0, "not_frozen"


@internal
@view
def _check_not_paused():
    assert self.stopped & PAUSED == 0, "paused"


@internal
@view
def _check_runs():
    stopped: uint256 = self.stopped
    assert stopped & PAUSED == 0, "paused"
    assert stopped & FROZEN == 0, "frozen"


@internal
def _freeze():
    # Once only, and for good.
    self.stopped |= FROZEN


@internal
def _use_verifiers(block_verifier: address, escape_verifier: address):
    self.block_verifier = block_verifier
    self.escape_verifier = escape_verifier
    self._forget_proposal()
    log VerifiersSet(block_verifier=block_verifier, escape_verifier=escape_verifier)


@internal
def _forget_proposal():
    self.proposed_block_verifier = empty(address)
    self.proposed_escape_verifier = empty(address)
    self.verifiers_usable_from = 0
