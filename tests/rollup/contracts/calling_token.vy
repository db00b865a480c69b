# pragma version 0.4.3
# A token that claims once more while it is being sent.

interface Rollup:
    def claim(number: uint256, listed: DynArray[uint256[2], 40], positions: DynArray[uint256, 40]): nonpayable

balanceOf: public(HashMap[address, uint256])
number: uint256
listed: DynArray[uint256[2], 40]
positions: DynArray[uint256, 40]


@external
def remember(number: uint256, listed: DynArray[uint256[2], 40], positions: DynArray[uint256, 40]):
    self.number = number
    self.listed = listed
    self.positions = positions


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self.balanceOf[to] += amount
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    extcall Rollup(msg.sender).claim(self.number, self.listed, self.positions)
    self.balanceOf[to] += amount
    return True
