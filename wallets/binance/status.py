"""How the exchange and the caller's account and key stand."""

from typing import Any, Final

from accounts import selectors as accounts
from accounts.binance.endpoint import KEYED, Call, Endpoint
from accounts.services import READ, TRADE, WITHDRAW
from matching import selectors as matching


def system(call: Call) -> dict[str, Any]:
    """GET system/status: maintenance while no matcher leads."""
    if matching.health()["leader"]:
        return {"status": 0, "msg": "normal"}
    return {"status": 1, "msg": "system_maintenance"}


def account(call: Call) -> dict[str, Any]:
    """GET account/status."""
    return {"data": "Normal"}


def api_restrictions(call: Call) -> dict[str, Any]:
    """GET account/apiRestrictions: what the key may do."""
    caller = call.caller
    key = accounts.get_api_key(account_id=caller.account_id, key=caller.key)
    return {
        "ipRestrict": bool(key.ip_allow),
        "createTime": round(key.created_at.timestamp() * 1_000),
        "enableReading": READ in caller.permissions,
        "enableSpotAndMarginTrading": TRADE in caller.permissions,
        "enableWithdrawals": WITHDRAW in caller.permissions,
        "enableInternalTransfer": WITHDRAW in caller.permissions,
        "enableMargin": False,
        "enableFutures": False,
        "permitsUniversalTransfer": False,
        "enableVanillaOptions": False,
        "enableFixApiTrade": False,
        "enableFixReadOnly": False,
        "enablePortfolioMarginTrading": False,
    }


def delistings(call: Call) -> list[Any]:
    """GET spot/delist-schedule: none is planned."""
    return []


SYSTEM: Final = Endpoint(system, cache_s=1.0)
ACCOUNT: Final = Endpoint(account, access=READ)
DELISTINGS: Final = Endpoint(delistings, access=KEYED)
API_RESTRICTIONS: Final = Endpoint(api_restrictions, access=READ)
