# pragma version 0.4.3
# Calls as it is told to.


@external
def pass_on(to: address, data: Bytes[4096]):
    raw_call(to, data)
