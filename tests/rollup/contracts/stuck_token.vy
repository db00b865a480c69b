# pragma version 0.4.3
# A token that takes all and gives nothing, until it is let go.

balanceOf: public(HashMap[address, uint256])
goes: bool


@external
def let_go():
    self.goes = True


@external
def transferFrom(owner: address, to: address, amount: uint256) -> bool:
    self.balanceOf[to] += amount
    return True


@external
def transfer(to: address, amount: uint256) -> bool:
    assert self.goes, "stuck"
    self.balanceOf[msg.sender] -= amount
    self.balanceOf[to] += amount
    return True
