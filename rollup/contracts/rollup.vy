# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The rollup: deposits, blocks proven with zk-SNARKs, exits
@license Apache-2.0
@notice Holds what is traded on the exchange. The root of the exchange's state changes only by a proof
        (docs/rollup.md says what a block proves). What came in by the queue must be taken into a block within
        WINDOW_S, or anybody may freeze the exchange and everybody gets out by a proof of the last root.
@dev The module `parameters` is made at compile time from the rollup's set of parameters: SLOTS of a block, ACCOUNTS
     and TOKENS there can be. Amounts are atoms below 2^96, times seconds.
"""

from ethereum.ercs import IERC20
import parameters

interface BlockVerifier:
    def verifyProof(a: uint256[2], b: uint256[2][2], c: uint256[2], input: uint256[3]) -> bool: view

interface EscapeVerifier:
    def verifyProof(a: uint256[2], b: uint256[2][2], c: uint256[2], input: uint256[4]) -> bool: view


# ---- who may do what

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

event TokenAdded:
    token: indexed(uint256)
    contract: indexed(address)
    minimum: uint256


# ---- accounts and the queue

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

event Queued:
    index: indexed(uint256)
    kind: uint256
    account: indexed(uint256)
    token: uint256
    amount: uint256
    x: uint256
    y: uint256


# ---- blocks, and the ways out

event BlockSubmitted:
    number: indexed(uint256)
    old_root: uint256
    new_root: uint256
    timestamp: uint256
    first_entry: uint256
    next_entry: uint256

event Claimable:
    recipient: indexed(address)
    token: indexed(uint256)
    amount: uint256
    number: uint256

event Claimed:
    recipient: indexed(address)
    token: indexed(uint256)
    amount: uint256

event Frozen:
    index: uint256
    by: indexed(address)

event Escaped:
    account: indexed(uint256)
    owner: indexed(address)
    token: indexed(uint256)
    amount: uint256

event Refunded:
    index: indexed(uint256)
    owner: indexed(address)
    token: uint256
    amount: uint256


# The order of BN254's scalar field, and BabyJubjub's coefficients over it.
P: constant(uint256) = 21888242871839275222246405745257275088548364400416034343698204186575808495617
CURVE_A: constant(uint256) = 168700
CURVE_D: constant(uint256) = 168696

SLOTS: constant(uint256) = parameters.SLOTS
ACCOUNTS: constant(uint256) = parameters.ACCOUNTS
TOKENS: constant(uint256) = parameters.TOKENS

# A block's data: domain, old root, new root, timestamp, number, then three words for each slot.
HEAD: constant(uint256) = 5
WORDS: constant(uint256) = HEAD + 3 * SLOTS
# The selector, the data, h, the proof.
CALL_BYTES: constant(uint256) = 4 + 32 * (WORDS + 1 + 8)

# A queue entry's kind is the op of the slot that takes it.
WITHDRAW: constant(uint256) = 6
DEPOSIT: constant(uint256) = 7
SET_KEY: constant(uint256) = 8
FORCED_EXIT: constant(uint256) = 9

AMOUNT_END: constant(uint256) = 2**96
TIME_MASK: constant(uint256) = 2**40 - 1
# In bonds and claims: the chain's own coin.
COIN: constant(uint256) = 0
# How far the exchange's clock may be ahead of the chain's.
SKEW_S: constant(uint256) = 900
REGISTRATIONS_MAX: constant(uint256) = 32

# An entry that was not taken for so long lets anybody freeze; a block may be as old at most.
WINDOW_S: public(immutable(uint256))
# Between a proposal of other verifiers and their use; longer than the window, so that everybody can leave before.
TIMELOCK_S: public(immutable(uint256))
# What an exit's owner lays down until it is taken, in wei.
EXIT_BOND: public(immutable(uint256))
# Deposits and keys that may wait in the queue; exits are never held up.
PENDING_MAX: public(immutable(uint256))
DOMAIN: public(immutable(uint256))

owner: public(address)
pending_owner: public(address)
operator: public(address)
paused: public(bool)
is_frozen: public(bool)

block_verifier: public(address)
escape_verifier: public(address)
proposed_block_verifier: public(address)
proposed_escape_verifier: public(address)
verifiers_usable_from: public(uint256)

# State as of the last block.
root: public(uint256)
block_number: public(uint256)
timestamp: public(uint256)

owner_of: public(HashMap[uint256, address])
next_account: public(uint256)

token_address: public(HashMap[uint256, address])
token_number: public(HashMap[address, uint256])
minimum_deposit: public(HashMap[uint256, uint256])
# What belongs to accounts of the exchange, deposits on their way included; claimable amounts are not in it.
locked: public(HashMap[uint256, uint256])
claimable: public(HashMap[address, HashMap[uint256, uint256]])

# index -> hash of the entry without its last 40 bits | time of its arrival. Emptied when taken or refunded.
queue: public(HashMap[uint256, uint256])
queue_length: public(uint256)
next_entry: public(uint256)
pending: public(uint256)
pending_exit: public(HashMap[uint256, HashMap[uint256, uint256]])

escaped: public(HashMap[uint256, HashMap[uint256, bool]])


@deploy
def __init__(
    operator: address, root: uint256, window_s: uint256, timelock_s: uint256, exit_bond: uint256, pending_max: uint256
):
    """
    @param operator Submits blocks, registers accounts in batches, owns account 0, which collects the fees.
    @param root The root of the empty state.
    """
    assert operator != empty(address), "no_operator"
    assert root < P, "not_a_field_element"
    assert window_s > 0 and timelock_s > window_s, "timelock_too_short"
    assert pending_max > 0, "nothing_may_wait"
    WINDOW_S = window_s
    TIMELOCK_S = timelock_s
    EXIT_BOND = exit_bond
    PENDING_MAX = pending_max
    DOMAIN = (chain.id << 160) + convert(self, uint256)
    self.owner = msg.sender
    self.operator = operator
    self.owner_of[0] = operator
    self.root = root
    self.next_account = 1
    self.next_entry = 1
    log OwnershipTransferred(previous_owner=empty(address), owner=msg.sender)
    log OperatorSet(operator=operator)


# ---- administration

@external
def transfer_ownership(new_owner: address):
    """
    @notice Offer the ownership; it passes when the other one accepts.
    """
    assert msg.sender == self.owner, "not_owner"
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
    assert msg.sender == self.owner, "not_owner"
    assert operator != empty(address), "no_operator"
    self.operator = operator
    log OperatorSet(operator=operator)


@external
def pause():
    """
    @notice Stop deposits and blocks. Exits, freeze, claims and escapes go on, and so do the clocks.
    """
    assert msg.sender == self.owner, "not_owner"
    assert not self.paused, "paused"
    self.paused = True
    log Paused(by=msg.sender)


@external
def unpause():
    assert msg.sender == self.owner, "not_owner"
    assert self.paused, "not_paused"
    self.paused = False
    log Unpaused(by=msg.sender)


@external
def set_verifiers(block_verifier: address, escape_verifier: address):
    """
    @notice The first ones are used at once: no block can be without them. Later ones wait for the timelock.
    """
    assert msg.sender == self.owner, "not_owner"
    assert not self.is_frozen, "frozen"
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
    assert msg.sender == self.owner, "not_owner"
    assert not self.is_frozen, "frozen"
    assert self.verifiers_usable_from != 0, "nothing_proposed"
    assert block.timestamp >= self.verifiers_usable_from, "timelock"
    self._use_verifiers(self.proposed_block_verifier, self.proposed_escape_verifier)


@external
def withdraw_proposal():
    """
    @notice Take a proposal of verifiers back.
    """
    assert msg.sender == self.owner, "not_owner"
    self._forget_proposal()
    log VerifiersProposed(block_verifier=empty(address), escape_verifier=empty(address), usable_from=0)


@external
def add_token(token: uint256, contract: address, minimum: uint256):
    """
    @notice Give a token its number: that of the exchange's asset. Neither can be taken back.
    @param minimum Atoms that a deposit must have at least.
    """
    assert msg.sender == self.owner, "not_owner"
    assert token != COIN and token < TOKENS, "token_out_of_range"
    assert self.token_address[token] == empty(address), "token_number_taken"
    assert self.token_number[contract] == 0, "token_known"
    assert contract.is_contract, "not_a_contract"
    assert minimum > 0 and minimum < AMOUNT_END, "minimum_out_of_range"
    self.token_address[token] = contract
    self.token_number[contract] = token
    self.minimum_deposit[token] = minimum
    log TokenAdded(token=token, contract=contract, minimum=minimum)


# ---- accounts

@external
def register(x: uint256, y: uint256, account_owner: address) -> uint256:
    """
    @notice Open an account with the key (x, y), for anybody. Returns its number.
    """
    return self._register(x, y, account_owner)


@external
def register_many(keys: DynArray[uint256[2], REGISTRATIONS_MAX], account_owner: address) -> uint256:
    """
    @notice Open accounts whose keys the exchange holds. Returns the first one's number; the others follow it.
    """
    assert msg.sender == self.operator, "not_operator"
    assert len(keys) > 0, "no_keys"
    first: uint256 = self.next_account
    for key: uint256[2] in keys:
        self._register(key[0], key[1], account_owner)
    return first


@external
def set_key(account: uint256, x: uint256, y: uint256) -> uint256:
    """
    @notice Replace an account's key. Returns the queue entry's index.
    """
    self._check_owner(account)
    self._check_key(x, y)
    return self._enqueue_counted(SET_KEY, account, 0, 0, x, y)


@external
def link_owner(account: uint256, new_owner: address):
    """
    @notice Give an account another owner, whom exits pay and who alone may ask for them.
    """
    self._check_owner(account)
    assert new_owner != empty(address), "no_owner"
    self.owner_of[account] = new_owner
    log OwnerLinked(account=account, previous_owner=msg.sender, owner=new_owner)


@external
def deposit(account: uint256, token: uint256, amount: uint256) -> uint256:
    """
    @notice Pay into an account, anybody's. Returns the queue entry's index.
    """
    assert not self.paused, "paused"
    assert account != 0 and account < self.next_account, "unknown_account"
    contract: address = self.token_address[token]
    assert contract != empty(address), "unknown_token"
    assert amount >= self.minimum_deposit[token], "below_minimum"
    assert amount < AMOUNT_END, "amount_out_of_range"
    locked: uint256 = self.locked[token] + amount
    assert locked < AMOUNT_END, "too_much_locked"
    self.locked[token] = locked
    index: uint256 = self._enqueue_counted(DEPOSIT, account, token, amount, 0, 0)

    before: uint256 = staticcall IERC20(contract).balanceOf(self)
    assert extcall IERC20(contract).transferFrom(msg.sender, self, amount, default_return_value=True), "transfer_failed"
    assert staticcall IERC20(contract).balanceOf(self) == before + amount, "transfer_of_another_amount"
    return index


@external
@payable
def request_exit(account: uint256, token: uint256) -> uint256:
    """
    @notice Take all that an account has of a token out of the exchange. The bond comes back when the exit is taken.
            Returns the queue entry's index.
    """
    self._check_owner(account)
    assert self.token_address[token] != empty(address), "unknown_token"
    assert msg.value == EXIT_BOND, "wrong_bond"
    assert self.pending_exit[account][token] == 0, "exit_pending"
    index: uint256 = self._enqueue(FORCED_EXIT, account, token, 0, 0, 0)
    self.pending_exit[account][token] = index
    return index


# ---- blocks

@external
def submit_block(head: uint256[HEAD], slots: uint256[3][SLOTS], h: uint256, proof: uint256[8]):
    """
    @notice Replace the root by that of a proven block. Head and slots are the block's data, in the packing of
            docs/rollup.md.
    @param head Domain, old root, new root, timestamp, number.
    @param slots What the block did, three words each.
    @param h The commitment to the data that the proof has.
    @param proof A, B and C as the chain's pairing takes them.
    """
    assert msg.sender == self.operator, "not_operator"
    assert not self.paused, "paused"
    assert not self.is_frozen, "frozen"
    assert self.block_verifier != empty(address), "no_verifier"
    assert len(msg.data) == CALL_BYTES, "wrong_length"
    number: uint256 = self.block_number + 1
    old_root: uint256 = self.root
    assert head[0] == DOMAIN, "wrong_domain"
    assert head[1] == old_root, "stale_root"
    assert head[2] < P and h < P, "not_a_field_element"
    assert head[3] >= self.timestamp, "timestamp_goes_back"
    assert head[3] <= block.timestamp + SKEW_S, "timestamp_ahead"
    assert head[3] + WINDOW_S >= block.timestamp, "timestamp_too_old"
    assert head[4] == number, "wrong_number"

    # h was chosen before gamma, which depends on h and on every bit of the data: so data that the proof is not of has
    # another value at gamma. All words are below P, and so is what is carried on: their sum needs no reduction.
    commitment: bytes32 = keccak256(slice(msg.data, 4, 32 * WORDS))
    gamma: uint256 = convert(keccak256(abi_encode(chain.id, self, h, commitment)), uint256) % P
    evaluation: uint256 = 0
    for word: uint256 in head:
        evaluation = uint256_mulmod(unsafe_add(evaluation, word), gamma, P)
    first: uint256 = self.next_entry
    next: uint256 = first
    for slot: uint256[3] in slots:
        assert unsafe_div(slot[0], P) | unsafe_div(slot[1], P) | unsafe_div(slot[2], P) == 0, "not_a_field_element"
        evaluation = uint256_mulmod(
            unsafe_add(
                uint256_mulmod(
                    unsafe_add(uint256_mulmod(unsafe_add(evaluation, slot[0]), gamma, P), slot[1]), gamma, P
                ),
                slot[2],
            ),
            gamma,
            P,
        )
        if slot[0] & 15 >= WITHDRAW:
            next = self._carry_out(slot, next, number)
    assert staticcall BlockVerifier(self.block_verifier).verifyProof(
        [proof[0], proof[1]], [[proof[2], proof[3]], [proof[4], proof[5]]], [proof[6], proof[7]],
        [h, evaluation, gamma],
    ), "wrong_proof"

    self.root = head[2]
    self.block_number = number
    self.timestamp = head[3]
    if next != first:
        self.next_entry = next
    log BlockSubmitted(
        number=number, old_root=old_root, new_root=head[2], timestamp=head[3], first_entry=first, next_entry=next
    )


@external
def claim(recipient: address, token: uint256):
    """
    @notice Pay out what is claimable; anybody may have it paid. Token 0: bonds that came back, in wei.
    """
    amount: uint256 = self.claimable[recipient][token]
    assert amount > 0, "nothing_to_claim"
    self.claimable[recipient][token] = 0
    log Claimed(recipient=recipient, token=token, amount=amount)
    if token == COIN:
        raw_call(recipient, b"", value=amount)
    else:
        assert extcall IERC20(self.token_address[token]).transfer(
            recipient, amount, default_return_value=True
        ), "transfer_failed"


# ---- when the operator is gone

@external
def freeze():
    """
    @notice Stop the exchange for good, because the oldest queue entry has waited for longer than the window.
    """
    assert not self.is_frozen, "frozen"
    entry: uint256 = self.queue[self.next_entry]
    assert entry != 0, "nothing_waits"
    assert block.timestamp > (entry & TIME_MASK) + WINDOW_S, "window_open"
    self.is_frozen = True
    log Frozen(index=self.next_entry, by=msg.sender)


@external
def escape(account: uint256, token: uint256, amount: uint256, proof: uint256[8]):
    """
    @notice After a freeze: get out what an account had in the last root. Anybody may bring the proof; its owner is paid.
    """
    assert self.is_frozen, "not_frozen"
    assert not self.escaped[account][token], "escaped"
    assert amount > 0, "nothing_to_claim"
    assert staticcall EscapeVerifier(self.escape_verifier).verifyProof(
        [proof[0], proof[1]], [[proof[2], proof[3]], [proof[4], proof[5]]], [proof[6], proof[7]],
        [self.root, account, token, amount],
    ), "wrong_proof"
    self.escaped[account][token] = True
    account_owner: address = self.owner_of[account]
    self._release(account_owner, token, amount, self.block_number)
    log Escaped(account=account, owner=account_owner, token=token, amount=amount)


@external
def refund(index: uint256, account: uint256, token: uint256, amount: uint256):
    """
    @notice After a freeze: give back a deposit that no block has taken, or (amount 0) the bond of such an exit.
    """
    assert self.is_frozen, "not_frozen"
    assert index >= self.next_entry, "entry_taken"
    account_owner: address = self.owner_of[account]
    kind: uint256 = FORCED_EXIT if amount == 0 else DEPOSIT
    entry: uint256 = self.queue[index]
    assert entry != 0 and entry | TIME_MASK == self._entry(kind, account, token, amount, 0, 0), "not_that_entry"
    self.queue[index] = 0
    if kind == DEPOSIT:
        self._release(account_owner, token, amount, self.block_number)
        log Refunded(index=index, owner=account_owner, token=token, amount=amount)
    else:
        self.claimable[account_owner][COIN] += EXIT_BOND
        log Refunded(index=index, owner=account_owner, token=COIN, amount=EXIT_BOND)


# ---- within

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


@internal
@view
def _check_owner(account: uint256):
    # The owner of an account that does not exist is nobody, who never calls.
    assert msg.sender == self.owner_of[account], "not_account_owner"


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
    index: uint256 = self._enqueue_counted(SET_KEY, account, 0, 0, x, y)
    log Registered(account=account, owner=account_owner, x=x, y=y, index=index)
    return account


@internal
def _enqueue_counted(
    kind: uint256, account: uint256, token: uint256, amount: uint256, x: uint256, y: uint256
) -> uint256:
    pending: uint256 = self.pending + 1
    assert pending <= PENDING_MAX, "too_many_pending"
    self.pending = pending
    return self._enqueue(kind, account, token, amount, x, y)


@internal
def _enqueue(kind: uint256, account: uint256, token: uint256, amount: uint256, x: uint256, y: uint256) -> uint256:
    assert not self.is_frozen, "frozen"
    index: uint256 = self.queue_length + 1
    self.queue_length = index
    self.queue[index] = (self._entry(kind, account, token, amount, x, y) ^ TIME_MASK) | block.timestamp
    log Queued(index=index, kind=kind, account=account, token=token, amount=amount, x=x, y=y)
    return index


@internal
@pure
def _entry(kind: uint256, account: uint256, token: uint256, amount: uint256, x: uint256, y: uint256) -> uint256:
    # The hash with ones where the time of arrival is kept: 216 bits of it are left, ample against collisions.
    return convert(keccak256(abi_encode(kind, account, token, amount, x, y)), uint256) | TIME_MASK


@internal
def _carry_out(slot: uint256[3], index: uint256, number: uint256) -> uint256:
    # What a slot means outside of the state: value that leaves, or the queue's next entry taken. Returns the index of
    # the entry that is next then.
    word: uint256 = slot[0]
    op: uint256 = word & 15
    account: uint256 = (word >> 4) & (2**24 - 1)
    token: uint256 = (word >> 28) & 255
    amount: uint256 = (word >> 44) & (AMOUNT_END - 1)
    if op == WITHDRAW:
        assert slot[2] != 0 and slot[2] < 2**160, "recipient_is_no_address"
        self._release(convert(convert(slot[2], uint160), address), token, amount, number)
        return index
    if op == DEPOSIT:
        self._take(index, self._entry(DEPOSIT, account, token, amount, 0, 0))
        self.pending -= 1
    elif op == SET_KEY:
        self._take(index, self._entry(SET_KEY, account, 0, 0, slot[1], slot[2]))
        # Nonces of the new key's signatures begin where no earlier key's have been.
        assert word >> 140 == index << 32, "wrong_nonce"
        self.pending -= 1
    else:
        assert op == FORCED_EXIT, "unknown_op"
        self._take(index, self._entry(FORCED_EXIT, account, token, 0, 0, 0))
        self.pending_exit[account][token] = 0
        account_owner: address = self.owner_of[account]
        self._release(account_owner, token, amount, number)
        self.claimable[account_owner][COIN] += EXIT_BOND
    return index + 1


@internal
def _take(index: uint256, expected: uint256):
    entry: uint256 = self.queue[index]
    assert entry != 0 and entry | TIME_MASK == expected, "not_the_next_entry"
    self.queue[index] = 0


@internal
def _release(recipient: address, token: uint256, amount: uint256, number: uint256):
    # Checked subtraction: more than came in can never go out, whatever a proof says.
    self.locked[token] -= amount
    self.claimable[recipient][token] += amount
    log Claimable(recipient=recipient, token=token, amount=amount, number=number)
