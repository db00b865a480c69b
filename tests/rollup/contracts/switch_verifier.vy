# pragma version 0.4.3
# For tests of everything but the proof itself: says yes, or no, to any proof with INPUTS public inputs.

import inputs

INPUTS: constant(uint256) = inputs.INPUTS

says: public(bool)


@deploy
def __init__():
    self.says = True


@external
def set_answer(says: bool):
    self.says = says


@external
@view
def verifyProof(a: uint256[2], b: uint256[2][2], c: uint256[2], input: uint256[INPUTS]) -> bool:
    return self.says
