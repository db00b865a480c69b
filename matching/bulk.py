"""Many rows in one statement, as text: COPY for inserts, array literals for `unnest`.

Adapting values one by one would cost more than all else that a projector does with a row.
"""

from collections.abc import Iterable, Sequence
from typing import Any

_ESCAPES = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r", "\x00": "\ufffd"})


def copy_rows(cursor: Any, table: str, columns: Sequence[str], lines: Sequence[str]) -> None:
    """COPY `lines`, each the row's values joined by tabs and without a newline; free text goes through `copy_text`."""
    if lines:
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            copy.write("\n".join(lines) + "\n")


def copy_text(text: str) -> str:
    """Free text as COPY takes it. What PostgreSQL cannot hold (NUL, lone surrogates) is replaced."""
    return text.encode("utf-8", "replace").decode().translate(_ESCAPES) if not text.isalnum() else text


def array(values: Iterable[Any]) -> str:
    """An array literal of integers, None, or words without quotes, spaces, commas and braces."""
    return "{" + ",".join("NULL" if value is None else str(value) for value in values) + "}"
