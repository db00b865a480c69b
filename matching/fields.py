"""Model fields for exact amounts."""

from typing import TYPE_CHECKING, Any

from django.db import models


class AmountField(models.DecimalField):
    """Atoms, lots or units: a numeric column without decimals that is a Python int on both sides.

    30 digits hold MAX_AMOUNT (2^96 - 1, 29 digits); sums over many of them ask for `max_digits=40`.
    """

    if TYPE_CHECKING:
        # What django-stubs reads to type the attribute.
        _pyi_private_set_type: int
        _pyi_private_get_type: int  # type: ignore[assignment]  # the base class says Decimal

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_digits", 30)
        kwargs["decimal_places"] = 0
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> int | None:
        """numeric → int; psycopg gives Decimal."""
        return None if value is None else int(value)

    def to_python(self, value: Any) -> Any:
        """Whatever DecimalField takes, as an int. Raises ValidationError."""
        number = super().to_python(value)
        return None if number is None else int(number)
