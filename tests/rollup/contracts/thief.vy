# pragma version 0.4.3
# Owns an account, and when it is paid asks to be paid once more.

interface Rollup:
    def request_exit(account: uint256, token: uint256) -> uint256: payable
    def collect(recipient: address, token: uint256): nonpayable


@external
def ask_for_exit(rollup: address, account: uint256, token: uint256):
    extcall Rollup(rollup).request_exit(account, token, value=self.balance)


@external
@payable
def __default__():
    extcall Rollup(msg.sender).collect(self, 0)
