# pragma version 0.4.3
# pragma nonreentrancy on
"""
@title The rollup: deposits, blocks proven with zk-SNARKs, exits
@license Apache-2.0
@notice Holds what is traded on the exchange. The root of the exchange's state changes only by a proof
        (docs/rollup.md says what a block proves). What came in by the queue must be taken into a block within
        WINDOW_S, or anybody may freeze the exchange and everybody gets out by a proof of the last root.
@dev The module `parameters` is made at compile time from the rollup's set of parameters: SLOTS of a block, ACCOUNTS
     and TOKENS there can be. Amounts are atoms below 2^96, times seconds. Each module beside this one keeps one part of
     the storage, with the rules for it; here is what takes several of them.
"""

import accounts
import administration
import parameters
import payouts
import progress
import queue
import vault

initializes: administration
initializes: progress
initializes: queue[administration := administration, progress := progress]
initializes: vault[administration := administration]
initializes: accounts[administration := administration, queue := queue, vault := vault]
initializes: payouts[accounts := accounts, vault := vault]

exports: administration.__interface__
exports: progress.__interface__
exports: queue.__interface__
exports: vault.__interface__
exports: accounts.__interface__
exports: payouts.__interface__

interface BlockVerifier:
    def verifyProof(a: uint256[2], b: uint256[2][2], c: uint256[2], input: uint256[3]) -> bool: view

interface EscapeVerifier:
    def verifyProof(a: uint256[2], b: uint256[2][2], c: uint256[2], input: uint256[4]) -> bool: view


event BlockSubmitted:
    number: indexed(uint256)
    old_root: uint256
    new_root: uint256
    timestamp: uint256
    first_entry: uint256
    next_entry: uint256

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


# The order of BN254's scalar field.
P: constant(uint256) = 21888242871839275222246405745257275088548364400416034343698204186575808495617

SLOTS: constant(uint256) = parameters.SLOTS

# A block's data: domain, old root, new root, timestamp, number, then three words for each slot.
HEAD: constant(uint256) = 5
WORDS: constant(uint256) = HEAD + 3 * SLOTS
# The selector, the data, h, the proof.
CALL_BYTES: constant(uint256) = 4 + 32 * (WORDS + 1 + 8)

# How far the exchange's clock may be ahead of the chain's.
SKEW_S: constant(uint256) = 900

# An entry that was not taken for so long lets anybody freeze; a block may be as old at most.
WINDOW_S: public(immutable(uint256))
DOMAIN: public(immutable(uint256))

escaped: public(HashMap[uint256, HashMap[uint256, bool]])
# The last exit that was asked for; it waits unless a block has taken it.
pending_exit: public(HashMap[uint256, HashMap[uint256, uint256]])


@deploy
def __init__(
    operator: address, root: uint256, window_s: uint256, timelock_s: uint256, exit_bond: uint256,
    pending_max: uint256, registration_fee: uint256
):
    """
    @param operator Submits blocks, registers accounts in batches, owns account 0, which collects the fees.
    @param root The root of the empty state.
    """
    assert root < P, "not_a_field_element"
    assert window_s > 0 and timelock_s > window_s, "timelock_too_short"
    WINDOW_S = window_s
    DOMAIN = (chain.id << 160) + convert(self, uint256)
    administration.__init__(operator, timelock_s)
    progress.__init__(root)
    queue.__init__(pending_max)
    accounts.__init__(operator, registration_fee)
    payouts.__init__(exit_bond)


# ---- the ways in

@external
def deposit(account: uint256, token: uint256, amount: uint256) -> uint256:
    """
    @notice Pay into an account, anybody's. Returns the queue entry's index.
    """
    administration._check_not_paused()
    accounts._check_takes_deposits(account)
    vault._lock(token, amount)
    index: uint256 = queue._enqueue(queue.DEPOSIT, account, token, amount, 0, 0)
    vault._receive(token, amount)
    return index


@external
@payable
def request_exit(account: uint256, token: uint256) -> uint256:
    """
    @notice Take all that an account has of a token out of the exchange. The bond comes back with the payout. Returns
            the queue entry's index.
    """
    accounts._check_owner_of(account)
    assert vault.token_address[token] != empty(address), "unknown_token"
    assert msg.value == payouts.EXIT_BOND, "wrong_bond"
    assert self.pending_exit[account][token] < progress._position().next_entry, "exit_pending"
    index: uint256 = queue._enqueue(queue.FORCED_EXIT, account, token, 0, 0, 0)
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
    assert msg.sender == administration.operator, "not_operator"
    # What a contract passes on stands in no transaction's calldata, where everybody finds it to rebuild the state.
    assert msg.sender == tx.origin and not msg.sender.is_contract, "not_a_transaction"
    administration._check_runs()
    verifier: address = administration.block_verifier
    assert verifier != empty(address), "no_verifier"
    assert len(msg.data) == CALL_BYTES, "wrong_length"
    position: progress.Position = progress._position()
    old_root: uint256 = progress.root
    assert head[0] == DOMAIN, "wrong_domain"
    assert head[1] == old_root, "stale_root"
    assert head[2] < P and h < P, "not_a_field_element"
    assert head[3] >= position.timestamp, "timestamp_goes_back"
    assert head[3] <= block.timestamp + SKEW_S, "timestamp_ahead"
    assert head[3] + WINDOW_S >= block.timestamp, "timestamp_too_old"
    assert head[4] == position.number + 1, "wrong_number"

    # h was chosen before gamma, which depends on h and on every bit of the data: so data that the proof is not of has
    # another value at gamma. All words are below P, and so is what is carried on: their sum needs no reduction.
    commitment: bytes32 = keccak256(slice(msg.data, 4, 32 * WORDS))
    gamma: uint256 = convert(keccak256(abi_encode(chain.id, self, h, commitment)), uint256) % P
    evaluation: uint256 = 0
    for word: uint256 in head:
        evaluation = uint256_mulmod(unsafe_add(evaluation, word), gamma, P)
    first: uint256 = position.next_entry
    next: uint256 = first
    entries: uint256 = 0
    paid_out: uint256 = 0
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
        # What a slot means outside of the state: value that leaves, or the queue's next entry taken.
        op: uint256 = slot[0] & 15
        if op < payouts.WITHDRAW:
            continue
        if op == payouts.WITHDRAW:
            assert slot[2] != 0 and slot[2] < 2**160, "recipient_is_no_address"
            paid_out = payouts._link(paid_out, slot[0], slot[2])
            continue
        if next == first:
            entries = queue._link_at(first - 1)
        kept: uint256 = slot[0] & queue.KEPT
        if op == queue.FORCED_EXIT:
            kept &= queue.KEPT_OF_EXIT
            paid_out = payouts._link(paid_out, slot[0], slot[2])
        else:
            assert op < queue.FORCED_EXIT, "unknown_op"
            # Nonces of the new key's signatures begin where no earlier key's have been.
            assert op == queue.DEPOSIT or slot[0] >> 140 == next << 32, "wrong_nonce"
            position.counted += 1
        entries = queue._link(entries, kept, slot[1], slot[2])
        next += 1
    if next != first:
        queue._check_is(next - 1, entries)
    if paid_out != 0:
        payouts._commit(head[4], paid_out)
    assert staticcall BlockVerifier(verifier).verifyProof(
        [proof[0], proof[1]], [[proof[2], proof[3]], [proof[4], proof[5]]], [proof[6], proof[7]],
        [h, evaluation, gamma],
    ), "wrong_proof"

    progress.root = head[2]
    position.number = head[4]
    position.timestamp = head[3]
    position.next_entry = next
    progress._put(position)
    log BlockSubmitted(
        number=head[4], old_root=old_root, new_root=head[2], timestamp=head[3], first_entry=first, next_entry=next
    )


# ---- when the operator is gone

@external
def freeze():
    """
    @notice Stop the exchange for good, because the oldest queue entry has waited for longer than the window.
    """
    administration._check_not_frozen()
    index: uint256 = progress._position().next_entry
    arrival: uint256 = queue._arrival(index)
    assert arrival != 0, "nothing_waits"
    assert block.timestamp > arrival + WINDOW_S, "window_open"
    administration._freeze()
    log Frozen(index=index, by=msg.sender)


@external
def escape(account: uint256, token: uint256, amount: uint256, proof: uint256[8]):
    """
    @notice After a freeze: get out what an account had in the last root. Anybody may bring the proof; its owner is paid.
    """
    administration._check_frozen()
    assert not self.escaped[account][token], "escaped"
    assert amount > 0, "nothing_to_claim"
    assert staticcall EscapeVerifier(administration.escape_verifier).verifyProof(
        [proof[0], proof[1]], [[proof[2], proof[3]], [proof[4], proof[5]]], [proof[6], proof[7]],
        [progress.root, account, token, amount],
    ), "wrong_proof"
    self.escaped[account][token] = True
    account_owner: address = accounts.owner_of[account]
    vault._release(token, amount)
    vault._credit(account_owner, token, amount)
    log Escaped(account=account, owner=account_owner, token=token, amount=amount)


@external
def refund(index: uint256, account: uint256, token: uint256, amount: uint256):
    """
    @notice After a freeze: give back a deposit that no block has taken, or (amount 0) the bond of such an exit.
    """
    administration._check_frozen()
    assert index >= progress._position().next_entry, "entry_taken"
    kind: uint256 = queue.FORCED_EXIT if amount == 0 else queue.DEPOSIT
    queue._give_back(index, kind, account, token, amount)
    account_owner: address = accounts.owner_of[account]
    if kind == queue.DEPOSIT:
        vault._release(token, amount)
        vault._credit(account_owner, token, amount)
        log Refunded(index=index, owner=account_owner, token=token, amount=amount)
    else:
        vault._credit(account_owner, vault.COIN, payouts.EXIT_BOND)
        log Refunded(index=index, owner=account_owner, token=vault.COIN, amount=payouts.EXIT_BOND)
