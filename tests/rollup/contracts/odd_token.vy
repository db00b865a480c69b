# pragma version 0.4.3
# A token that does not deliver what it is asked to: what it does instead is said by KIND.

import kind

interface Rollup:
    def deposit(account: uint256, token: uint256, amount: uint256) -> uint256: nonpayable

balanceOf: public(HashMap[address, uint256])
called_back: bool


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    if kind.KIND == "fee":
        self.balanceOf[to] += amount - amount // 100
    elif kind.KIND == "gift":
        self.balanceOf[to] += amount + 1
    elif kind.KIND == "greedy":
        # Delivered once and counted twice, were the second deposit let in within the first.
        if not self.called_back:
            self.called_back = True
            extcall Rollup(msg.sender).deposit(1, 3, amount)
        else:
            self.balanceOf[to] += amount
    else:
        return False
    return True
