"""The page's exact decimals and its book, against Python's."""

import random
import zlib
from decimal import ROUND_FLOOR, Decimal, getcontext

import pytest

from orders.marketdata.book import Book, checksum

getcontext().prec = 120


@pytest.fixture
def run(terminal):
    """Runs a function of a module with arguments, inside the page."""
    terminal.page.goto("/")

    def call(module: str, name: str, *arguments):
        return terminal.page.evaluate(
            "async ([module, name, calls]) => {"
            " const found = await import(`/static/${module}.js`); return calls.map((args) => found[name](...args)); }",
            [module, name, [list(argument) for argument in arguments]],
        )

    return call


def numbers(count: int) -> list[tuple[str, str]]:
    chance = random.Random(7)

    def one() -> str:
        whole, fraction = chance.randrange(10 ** chance.randint(1, 25)), chance.randrange(10 ** chance.randint(1, 12))
        return f"{whole}.{fraction}" if chance.random() < 0.7 else str(whole)

    return [(one(), one()) for _ in range(count)]


def plain(value: Decimal) -> str:
    text = format(value, "f")
    text = text.rstrip("0").rstrip(".") if "." in text else text
    return text if text not in {"", "-0"} else "0"


def test_sums_and_products_are_those_of_decimal(run):
    pairs = numbers(300)
    assert run("exchange/decimal", "add", *pairs) == [plain(Decimal(a) + Decimal(b)) for a, b in pairs]
    assert run("exchange/decimal", "subtract", *pairs) == [plain(Decimal(a) - Decimal(b)) for a, b in pairs]
    assert run("exchange/decimal", "multiply", *pairs) == [plain(Decimal(a) * Decimal(b)) for a, b in pairs]
    assert run("exchange/decimal", "compare", *pairs) == [int(Decimal(a).compare(Decimal(b))) for a, b in pairs]


def test_steps_round_down_exactly(run):
    pairs = [(a, step) for a, _ in numbers(200) for step in ("0.1", "0.00001", "0.25", "3")]
    floors = [(Decimal(a) / Decimal(s)).to_integral_value(ROUND_FLOOR) * Decimal(s) for a, s in pairs]
    assert run("exchange/decimal", "floorTo", *pairs) == [plain(value) for value in floors]
    assert run("exchange/decimal", "isMultiple", *pairs) == [
        Decimal(a) == f for (a, _), f in zip(pairs, floors, strict=True)
    ]
    triples = [(a, b, "0.00001") for a, b in numbers(200)]
    shares = [
        (Decimal(a) / (Decimal(b) * Decimal(step))).to_integral_value(ROUND_FLOOR) * Decimal(step) if Decimal(b) else 0
        for a, b, step in triples
    ]
    assert run("exchange/decimal", "divideDown", *triples) == [plain(Decimal(value)) for value in shares]


@pytest.mark.parametrize("text", ["", " ", ".", "1e5", "1,000", "NaN", "-1", "+1", "0x10", "१", "1.2.3", "9" * 41])
def test_what_is_no_plain_decimal_is_refused(run, text):
    assert run("exchange/decimal", "isDecimal", [text]) == [False]


def test_numbers_are_written_for_reading(run):
    cases = [("1234567.5", 2), ("-1234.5", 2), ("0", 2), ("999", 0), ("1000", None), ("0.123456", 3), (None, 2)]
    written = ["1,234,567.50", "−1,234.50", "0.00", "999", "1,000", "0.123", "–"]
    assert run("exchange/decimal", "show", *cases) == written


def test_the_checksum_is_the_exchanges(run):
    texts = ["", "|", "100:1,99.5:0.2|101:3"]
    assert run("orders/book", "crc32", *[(text,) for text in texts]) == [zlib.crc32(text.encode()) for text in texts]


def test_the_book_follows_the_exchanges_own(terminal):
    """Random changes through both; the page's book must agree with each checksum and with the last depth."""
    chance = random.Random(11)
    book = Book(lambda ticks: str(Decimal(ticks) / 10), lambda lots: plain(Decimal(lots) / 100_000))
    messages = [{"type": "snapshot", "sequence": 1, "bids": [], "asks": [], "checksum": checksum([], [])}]
    lots: dict[tuple[int, int], int] = {}
    for sequence in range(2, 300):
        for _ in range(chance.randint(1, 5)):
            side = chance.randint(0, 1)
            price = 600_000 + (chance.randint(1, 40) if side else -chance.randint(0, 40))
            change = -lots.get((side, price), 0) if chance.random() < 0.4 else chance.randint(1, 10**7)
            lots[side, price] = lots.get((side, price), 0) + change
            book.add(side, price, change)
        changed = book.take_changes()
        if changed:
            messages.append(
                {"type": "update", "prev": messages[-1].get("last", 1), "last": sequence, "bids": changed[0],
                 "asks": changed[1], "checksum": book.checksum()}
            )  # fmt: skip
    terminal.page.goto("/")
    taken, bids, asks = terminal.page.evaluate(
        "async (messages) => { const { Book } = await import('/static/orders/book.js'); const book = new Book();"
        " const taken = messages.map((message) => book.take(message));"
        " return [taken, book.bids.levels, book.asks.levels].map((part, i) =>"
        " i ? part.map(([price, size]) => [price, size]) : part); }",
        messages,
    )
    assert all(taken)
    assert len(messages) > 200
    assert (bids, asks) == (book.levels(0), book.levels(1))
