"""What clients may ask for with their money, as JSON; amounts become atoms of their asset."""

import re
from dataclasses import dataclass
from typing import Any, Final

from accounts import selectors as accounts
from accounts.fields import Readers, decimal, integer, read_fields, text_of
from accounts.problems import Problem
from matching.money import InvalidAmount, parse_decimal
from wallets import selectors

REFERENCE: Final = re.compile(r"[A-Za-z0-9_.:-]{1,64}", re.ASCII)
ASSET: Final = re.compile(r"[A-Z0-9]{1,16}", re.ASCII)
ACCOUNT_MAX: Final = 2**53

ADDRESS: Final = re.compile(r"[!-~]{1,256}", re.ASCII)

TRANSFER: Final[Readers] = {
    "asset": text_of(ASSET, "an asset's code, like 'BTC'"),
    "amount": decimal,
    "reference": text_of(REFERENCE, "1 to 64 of letters, digits, '_', '.', ':', '-'"),
    "to_account": integer(1, ACCOUNT_MAX),
}
WITHDRAWAL: Final[Readers] = {
    **{name: TRANSFER[name] for name in ("asset", "amount", "reference")},
    "address": text_of(ADDRESS, "an address, like '0x' and 40 digits"),
}


@dataclass(frozen=True, slots=True)
class MovementRequest:
    """An amount to move."""

    asset_code: str
    amount_atoms: int
    # The client's own id of it: sent again after a lost answer, it happens once.
    reference: str


@dataclass(frozen=True, slots=True)
class WithdrawalRequest(MovementRequest):
    """An amount to take out; `address` is empty where an operator carries it out."""

    address: str


@dataclass(frozen=True, slots=True)
class TransferRequest(MovementRequest):
    """An amount for another account."""

    to_account_id: int


def read_withdrawal(body: Any) -> WithdrawalRequest:
    """Raises Problem invalid_request, unknown_asset, too_precise, invalid_amount."""
    fields = read_fields(body, WITHDRAWAL, required=("asset", "amount", "reference"))
    return WithdrawalRequest(fields["asset"], _atoms(fields), fields["reference"], fields.get("address") or "")


def read_transfer(body: Any) -> TransferRequest:
    """Raises Problem as read_withdrawal, and unknown_account."""
    fields = read_fields(body, TRANSFER, required=("asset", "amount", "reference", "to_account"))
    atoms = _atoms(fields)
    # The matcher would credit any number; money for nobody could not come back.
    if not accounts.account_exists(account_id=fields["to_account"]):
        raise Problem("unknown_account")
    return TransferRequest(fields["asset"], atoms, fields["reference"], fields["to_account"])


def _atoms(fields: dict[str, Any]) -> int:
    asset = selectors.get_asset(code=fields["asset"])
    try:
        atoms = parse_decimal(fields["amount"], asset.scale)
    except InvalidAmount as error:
        raise Problem(error.code, f"{asset.code} has {asset.scale} decimals") from None
    if atoms < 1:
        raise Problem("invalid_amount", "an amount is above zero")
    return atoms
