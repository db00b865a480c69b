"""Whatever is done in whatever order: the contract holds what it owes, and takes each queue entry once, in order."""

from dataclasses import replace

import boa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollup.state.slots import DEPOSIT, FORCED_EXIT, SET_KEY, WITHDRAW, Slot
from tests.rollup.contracts.world import BOND, MINIMUM, NO_PROOF, PENDING_MAX, WINDOW_S, World, key

AMOUNTS = st.integers(MINIMUM, 2**94)
TOKENS = st.sampled_from([1, 2])
ACCOUNTS = st.sampled_from([1, 2])


class Accounting(RuleBasedStateMachine):
    """Two accounts (alice's 1, bob's 2) and two tokens, beside a model in plain integers."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.world = World()
        self.people = {1: self.world.alice, 2: self.world.bob}
        self.queue: list[Slot] = []  # as the slots that take them
        self.taken = 0
        self.balances = {(account, token): 0 for account in (1, 2) for token in (1, 2)}
        self.claimable = {(account, token): 0 for account in (1, 2) for token in (0, 1, 2)}
        self.exits: set[tuple[int, int]] = set()
        self.is_frozen = False
        self.gone: set[tuple[int, int] | int] = set()  # escaped balances, refunded entries

    def teardown(self) -> None:
        self.anchor.__exit__(None, None, None)

    @property
    def waiting(self) -> list[Slot]:
        return self.queue[self.taken :]

    @initialize()
    def register(self) -> None:
        for number, person in self.people.items():
            self.world.register(number, person)
            self.queue.append(Slot(op=SET_KEY, account=number, new_key=key(number), nonce=number << 32))

    @precondition(lambda self: not self.is_frozen)
    @rule(account=ACCOUNTS, token=TOKENS, amount=AMOUNTS)
    def deposit(self, account: int, token: int, amount: int) -> None:
        counted = sum(slot.op != FORCED_EXIT for slot in self.waiting)
        locked = self.locked(token)
        if locked + amount >= 2**96:
            self.world.refused("too_much_locked", self.world.alice, "deposit", account, token, amount)
        elif counted == PENDING_MAX:
            self.world.refused("too_many_pending", self.world.alice, "deposit", account, token, amount)
        else:
            assert self.world.deposit(account, token, amount) == len(self.queue) + 1
            self.queue.append(Slot(op=DEPOSIT, account=account, tokens=(token, 0), amounts=(amount, 0)))

    @precondition(lambda self: not self.is_frozen)
    @rule(account=ACCOUNTS, token=TOKENS)
    def request_exit(self, account: int, token: int) -> None:
        person = self.people[account]
        if (account, token) in self.exits:
            self.world.refused("exit_pending", person, "request_exit", account, token, value=BOND)
            return
        assert self.world.exit(account, token, person) == len(self.queue) + 1
        self.queue.append(Slot(op=FORCED_EXIT, account=account, tokens=(token, 0)))
        self.exits.add((account, token))

    @precondition(lambda self: not self.is_frozen)
    @rule(
        entries=st.integers(0, 4), account=ACCOUNTS, token=TOKENS, part=st.integers(1, 100), to=ACCOUNTS,
        skipped=st.booleans(),
    )  # fmt: skip
    def submit(self, entries: int, account: int, token: int, part: int, to: int, skipped: bool) -> None:
        """Some of the queue, then a withdrawal of a part (percent) of a balance; or the queue without its first."""
        if skipped and len(self.waiting) > 1 and self.waiting[0] != self.waiting[1]:
            wrong = self.waiting[1]
            self.world.block_refused("not_the_next_entry", wrong)
            return
        slots = []
        for slot in self.waiting[: min(entries, 3)]:
            place = (slot.account, slot.tokens[0])
            if slot.op == DEPOSIT:
                self.balances[place] += slot.amounts[0]
            if slot.op == FORCED_EXIT:
                slots.append(replace(slot, amounts=(self.balances[place], 0)))
                self.claimable[place] += self.balances[place]
                self.claimable[slot.account, 0] += BOND
                self.balances[place] = 0
                self.exits.discard(place)
            else:
                slots.append(slot)
        self.taken += len(slots)
        amount = self.balances[account, token] * part // 100
        if amount:
            recipient = int(self.people[to], 16)
            slots.append(
                Slot(op=WITHDRAW, account=account, tokens=(token, 0), amounts=(amount, 0), recipient=recipient)
            )
            self.balances[account, token] -= amount
            self.claimable[to, token] += amount
        self.world.submit(*slots)

    @rule(account=ACCOUNTS, token=st.sampled_from([0, 1, 2]))
    def claim(self, account: int, token: int) -> None:
        person = self.people[account]
        if self.claimable[account, token] == 0:
            self.world.refused("nothing_to_claim", self.world.owner, "claim", person, token)
            return
        self.world.by(self.world.owner, "claim", person, token)
        self.claimable[account, token] = 0

    @rule()
    def freeze(self) -> None:
        if self.is_frozen:
            return
        if not self.waiting:
            self.world.refused("nothing_waits", self.world.bob, "freeze")
            return
        self.world.refused("window_open", self.world.bob, "freeze")
        # The chain is not held up for all other rules: seldom does an operator sleep for a week.
        if len(self.queue) > 6:
            self.world.wait(WINDOW_S + 1)
            self.world.by(self.world.bob, "freeze")
            self.is_frozen = True

    @precondition(lambda self: self.is_frozen)
    @rule(account=ACCOUNTS, token=TOKENS)
    def escape(self, account: int, token: int) -> None:
        place, amount = (account, token), self.balances[account, token]
        if place in self.gone:
            self.world.refused("escaped", self.world.owner, "escape", account, token, 1, NO_PROOF)
        elif amount == 0:
            self.world.refused("nothing_to_claim", self.world.owner, "escape", account, token, amount, NO_PROOF)
        else:
            self.world.by(self.world.owner, "escape", account, token, amount, NO_PROOF)
            self.balances[place] = 0
            self.claimable[place] += amount
            self.gone.add(place)

    @precondition(lambda self: self.is_frozen)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(1, len(self.queue)))
        slot = self.queue[index - 1]
        call = index, slot.account, slot.tokens[0], slot.amounts[0]
        if index <= self.taken:
            self.world.refused("entry_taken", self.world.owner, "refund", *call)
        elif index in self.gone or slot.op == SET_KEY:
            self.world.refused("not_that_entry", self.world.owner, "refund", *call)
        else:
            self.world.by(self.world.owner, "refund", *call)
            self.gone.add(index)
            token, amount = (slot.tokens[0], slot.amounts[0]) if slot.op == DEPOSIT else (0, BOND)
            self.claimable[slot.account, token] += amount

    def locked(self, token: int) -> int:
        """What accounts have, and deposits on their way."""
        held = sum(amount for (_, number), amount in self.balances.items() if number == token)
        coming = [
            slot.amounts[0]
            for index, slot in enumerate(self.queue, 1)
            if index > self.taken and index not in self.gone and slot.op == DEPOSIT and slot.tokens[0] == token
        ]
        return held + sum(coming)

    @invariant()
    def the_contract_says_what_the_model_says(self) -> None:
        rollup = self.world.rollup
        assert (rollup.queue_length(), rollup.next_entry()) == (len(self.queue), self.taken + 1)
        assert rollup.pending() == sum(slot.op != FORCED_EXIT for slot in self.waiting)
        for token in (1, 2):
            assert rollup.locked(token) == self.locked(token)
        for (account, token), amount in self.claimable.items():
            assert rollup.claimable(self.people[account], token) == amount

    @invariant()
    def the_contract_holds_what_it_owes(self) -> None:
        self.world.check_backing()
        refunded = sum(self.queue[index - 1].op == FORCED_EXIT for index in self.gone if isinstance(index, int))
        bonds = sum(slot.op == FORCED_EXIT for slot in self.waiting) - refunded
        owed = bonds * BOND + sum(self.claimable[account, 0] for account in (1, 2))
        assert boa.env.get_balance(self.world.rollup.address) == owed


TestAccounting = Accounting.TestCase
TestAccounting.settings = settings(
    max_examples=8, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck)
)
