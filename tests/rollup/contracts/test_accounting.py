"""Whatever is done in whatever order: the contract holds what it owes, takes entries once and pays payouts once.

The model beside it is plain Python: a list of entries, lists of payouts, sums.
"""

from dataclasses import dataclass, replace

import boa
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from rollup.state.slots import DEPOSIT, FORCED_EXIT, SET_KEY, WITHDRAW, Slot
from tests.rollup.contracts.world import BOND, FEE, MINIMUM, NO_PROOF, PENDING_MAX, WINDOW_S, World, key

AMOUNTS = st.integers(MINIMUM, 2**94)
TOKENS = st.sampled_from([1, 2])
ACCOUNTS = st.sampled_from([1, 2])
COIN = 0


@dataclass
class Due:
    """A payout of a block: of a withdrawal to `person`, of an exit (`person` None) to the account's owner."""

    account: int
    token: int
    amount: int
    person: str | None
    paid: bool = False


class Accounting(RuleBasedStateMachine):
    """Two accounts (alice's 1, bob's 2, until they change hands) and two tokens, beside a model in plain integers."""

    def __init__(self) -> None:
        super().__init__()
        self.anchor = boa.env.anchor()
        self.anchor.__enter__()
        self.world = World()
        self.people = [self.world.alice, self.world.bob]
        self.owners = {1: self.world.alice, 2: self.world.bob}
        self.queue: list[Slot] = []  # as the slots that take them
        self.taken = 0
        self.balances = {(account, token): 0 for account in (1, 2) for token in (1, 2)}
        self.due: dict[int, list[Due]] = {}  # by block
        self.claimable = {(person, token): 0 for person in self.people for token in (0, 1, 2)}
        self.received = {
            (person, token): self.world.tokens[token].balanceOf(person) for person in self.people for token in (1, 2)
        }
        self.fees = 0
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
        for number, person in self.owners.items():
            self.world.register(number, person)
            self.queue.append(Slot(op=SET_KEY, account=number, new_key=key(number), nonce=number << 32))
            self.fees += FEE

    @precondition(lambda self: not self.is_frozen)
    @rule(account=ACCOUNTS, token=TOKENS, amount=AMOUNTS)
    def deposit(self, account: int, token: int, amount: int) -> None:
        counted = sum(slot.op != FORCED_EXIT for slot in self.waiting)
        call = self.world.alice, "deposit", account, token, amount
        if self.locked(token) + amount >= 2**96:
            self.world.refused("too_much_locked", *call)
        elif counted == PENDING_MAX:
            self.world.refused("too_many_pending", *call)
        else:
            assert self.world.deposit(account, token, amount) == len(self.queue) + 1
            self.queue.append(Slot(op=DEPOSIT, account=account, tokens=(token, 0), amounts=(amount, 0)))
            self.received[self.world.alice, token] -= amount

    @precondition(lambda self: not self.is_frozen)
    @rule(account=ACCOUNTS, number=st.integers(1, 5))
    def set_key(self, account: int, number: int) -> None:
        if sum(slot.op != FORCED_EXIT for slot in self.waiting) == PENDING_MAX:
            self.world.refused("too_many_pending", self.owners[account], "set_key", account, *key(number))
            return
        index = self.world.by(self.owners[account], "set_key", account, *key(number))
        self.queue.append(Slot(op=SET_KEY, account=account, new_key=key(number), nonce=index << 32))

    @precondition(lambda self: not self.is_frozen)
    @rule(account=ACCOUNTS, token=TOKENS)
    def request_exit(self, account: int, token: int) -> None:
        owner = self.owners[account]
        if (account, token) in self.exits:
            self.world.refused("exit_pending", owner, "request_exit", account, token, value=BOND)
            return
        assert self.world.exit(account, token, owner) == len(self.queue) + 1
        self.queue.append(Slot(op=FORCED_EXIT, account=account, tokens=(token, 0)))
        self.exits.add((account, token))

    @rule(account=ACCOUNTS, to=st.integers(0, 1))
    def link_owner(self, account: int, to: int) -> None:
        self.world.by(self.owners[account], "link_owner", account, self.people[to])
        self.owners[account] = self.people[to]

    @precondition(lambda self: not self.is_frozen)
    @rule(
        entries=st.integers(0, 4), account=ACCOUNTS, token=TOKENS, part=st.integers(1, 100), to=st.integers(0, 1),
        wrong=st.sampled_from(["", "skipped", "swapped", "repeated", "changed", "invented"]),
    )  # fmt: skip
    def submit(self, entries: int, account: int, token: int, part: int, to: int, wrong: str) -> None:
        """Some of the queue, then a withdrawal of a part (percent) of a balance; or the queue not as it is."""
        if others := self._not_as_it_is(wrong):
            self.world.block_refused("not_the_next_entry", *others)
            return
        slots, due = [], []
        for slot in self.waiting[: min(entries, 3)]:
            place = (slot.account, slot.tokens[0])
            if slot.op == DEPOSIT:
                self.balances[place] += slot.amounts[0]
            if slot.op == FORCED_EXIT:
                slots.append(replace(slot, amounts=(self.balances[place], 0)))
                due.append(Due(*place, self.balances[place], None))
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
            due.append(Due(account, token, amount, self.people[to]))
        self.world.submit(*slots)
        self.due[self.world.rollup.block_number()] = due

    def _not_as_it_is(self, wrong: str) -> list[Slot]:
        """Slots that do not take the queue as it is; none where the queue is too short for it."""
        right = self.waiting[:3]
        # Entries that are alike may stand for each other.
        differ = len(right) > 1 and replace(right[0], nonce=0) != replace(right[1], nonce=0)
        if wrong == "repeated" and (differ or len(right) == 1):
            return self._renumbered([right[0], right[0]])
        if wrong == "skipped" and differ:
            return self._renumbered(right[1:])
        if wrong == "swapped" and differ:
            return self._renumbered([right[1], right[0]])
        if wrong == "changed" and right:
            return self._renumbered([*right[:-1], replace(right[-1], account=3)])
        if wrong == "invented":
            return self._renumbered([*right, Slot(op=DEPOSIT, account=1, tokens=(1, 0), amounts=(7, 0))])
        return []

    def _renumbered(self, slots: list[Slot]) -> list[Slot]:
        # With the nonces that keys would have there, so that only the entries themselves are wrong.
        first = self.taken + 1
        return [
            replace(slot, nonce=index << 32) if slot.op == SET_KEY else slot for index, slot in enumerate(slots, first)
        ]

    @precondition(lambda self: any(self.due.values()))
    @rule(data=st.data())
    def claim(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([number for number, due in self.due.items() if due]))
        due = self.due[number]
        positions = data.draw(st.lists(st.integers(0, len(due) - 1), min_size=1, max_size=4))
        call = self.world.owner, "claim", *self.world.claim_of(*positions, number=number)
        open_ones = {position for position in positions if not due[position].paid}
        if not open_ones:
            self.world.refused("nothing_to_claim", *call)
            return
        self.world.by(*call)
        for position in open_ones:
            one = due[position]
            one.paid = True
            if one.person is None:
                self.claimable[self.owners[one.account], COIN] += BOND
            self.received[one.person or self.owners[one.account], one.token] += one.amount

    @precondition(lambda self: any(self.due.values()))
    @rule(data=st.data())
    def claim_by_another_list(self, data: st.DataObject) -> None:
        number = data.draw(st.sampled_from([number for number, due in self.due.items() if due]))
        _, listed, _ = self.world.claim_of(number=number)
        place = data.draw(st.integers(0, len(listed) - 1))
        changed = [list(payout) for payout in listed]
        changed[place][data.draw(st.integers(0, 1))] ^= 1 << data.draw(st.integers(0, 255))
        for wrong in (changed, listed[:-1], listed[1:]):
            self.world.refused("not_the_payouts", self.world.bob, "claim", number, wrong, [0])

    @rule(to=st.integers(0, 1), token=st.sampled_from([0, 1, 2]))
    def collect(self, to: int, token: int) -> None:
        person = self.people[to]
        if self.claimable[person, token] == 0:
            self.world.refused("nothing_to_claim", self.world.owner, "collect", person, token)
            return
        self.world.by(self.world.owner, "collect", person, token)
        if token != COIN:
            self.received[person, token] += self.claimable[person, token]
        self.claimable[person, token] = 0

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
            self.claimable[self.owners[account], token] += amount
            self.gone.add(place)

    @precondition(lambda self: self.is_frozen)
    @rule(data=st.data())
    def refund(self, data: st.DataObject) -> None:
        index = data.draw(st.integers(1, len(self.queue)))
        slot = self.queue[index - 1]
        call = self.world.owner, "refund", index, slot.account, slot.tokens[0], slot.amounts[0]
        if index <= self.taken:
            self.world.refused("entry_taken", *call)
        elif index in self.gone:
            self.world.refused("given_back", *call)
        elif slot.op == SET_KEY:
            self.world.refused("not_that_entry", *call)
        else:
            self.world.by(*call)
            self.gone.add(index)
            token, amount = (slot.tokens[0], slot.amounts[0]) if slot.op == DEPOSIT else (COIN, BOND)
            self.claimable[self.owners[slot.account], token] += amount

    def locked(self, token: int) -> int:
        """What accounts have, deposits on their way, payouts that nobody claimed."""
        held = sum(amount for (_, number), amount in self.balances.items() if number == token)
        coming = [
            slot.amounts[0]
            for index, slot in enumerate(self.queue, 1)
            if index > self.taken and index not in self.gone and slot.op == DEPOSIT and slot.tokens[0] == token
        ]
        due = [one.amount for listed in self.due.values() for one in listed if one.token == token and not one.paid]
        return held + sum(coming) + sum(due)

    @invariant()
    def the_contract_says_what_the_model_says(self) -> None:
        rollup = self.world.rollup
        assert (rollup.queue_length(), rollup.next_entry()) == (len(self.queue), self.taken + 1)
        assert rollup.pending() == sum(slot.op != FORCED_EXIT for slot in self.waiting)
        for token in (1, 2):
            assert rollup.locked(token) == self.locked(token)
        for (person, token), amount in self.claimable.items():
            assert rollup.claimable(person, token) == amount
        for (person, token), amount in self.received.items():
            assert self.world.tokens[token].balanceOf(person) == amount

    @invariant()
    def the_contract_holds_what_it_owes(self) -> None:
        self.world.check_backing()
        refunded = sum(self.queue[index - 1].op == FORCED_EXIT for index in self.gone if isinstance(index, int))
        exits = [one for due in self.due.values() for one in due if one.person is None and not one.paid]
        bonds = sum(slot.op == FORCED_EXIT for slot in self.waiting) - refunded + len(exits)
        owed = bonds * BOND + sum(self.claimable[person, COIN] for person in self.people) + self.fees
        assert boa.env.get_balance(self.world.rollup.address) == owed


TestAccounting = Accounting.TestCase
TestAccounting.settings = settings(
    max_examples=8, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
