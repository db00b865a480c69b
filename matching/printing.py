"""Commands and events of the journal as text, with their fields named."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from matching import journal
from matching.engine import commands, events

# Fields that name an order, and those that name an account, in commands and events alike.
_ORDER_FIELDS = frozenset({"order", "target_order", "taker_order", "maker_order"})
_ACCOUNT_FIELDS = frozenset({"account", "from", "to", "taker_account", "maker_account"})


class Entry(NamedTuple):
    """One command and what it did, as text."""

    sequence: int
    time_us: int
    command: str
    events: list[str]


def entries(*, first: int, last: int | None, account: int | None = None, order: int | None = None) -> Iterator[Entry]:
    """The commands from `first` to `last` that name the account and the order, in themselves or in an event."""
    after = first - 1
    while batches := journal.read(after=after, limit=16, up_to=last):
        after = batches[-1].last
        for batch in batches:
            for index, (command, its_events) in enumerate(zip(batch.commands, batch.events, strict=True)):
                sequence = batch.first + index
                if sequence < first or (last is not None and sequence > last):
                    continue
                fields = _named(command, its_events)
                if (account is None or _names(fields, _ACCOUNT_FIELDS, account)) and (
                    order is None or _names(fields, _ORDER_FIELDS, order)
                ):
                    yield Entry(
                        sequence,
                        batch.time_us,
                        _command_text(command),
                        [_text(e[0], e[1:], events.FIELDS[e[0]]) for e in its_events],
                    )


def _named(command: Sequence[Any], its_events: Sequence[Sequence[Any]]) -> list[tuple[str, Any]]:
    # Not strict: the journal of an older version of the engine lacks what was added to the end since.
    fields = list(zip(commands.FIELDS[command[0]], command[2:], strict=False))
    for event in its_events:
        fields += zip(events.FIELDS[event[0]], event[1:], strict=False)
    return fields


def _names(fields: list[tuple[str, Any]], names: frozenset[str], value: int) -> bool:
    return any(name in names and found == value for name, found in fields)


def _command_text(command: Sequence[Any]) -> str:
    text = _text(command[0], command[2:], commands.FIELDS[command[0]])
    return text + (f" deadline={command[1]}" if command[1] else "")


def _text(kind: str, values: Sequence[Any], names: Sequence[str]) -> str:
    return " ".join([kind, *(f"{name}={value}" for name, value in zip(names, values, strict=False) if value != "")])
