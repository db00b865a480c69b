pragma circom 2.1.6;

include "bitify.circom";
include "poseidon.circom";
include "tree.circom";

// An escape from a frozen rollup: under `root`, `account` has `amount` atoms of `token`. Who may have them, and that
// they are had once, is the contract's business. A, T: depths of the trees of accounts and of an account's tokens.
// Public: root, account, token, amount.
template Exit(A, T) {
    signal input root;
    signal input account;
    signal input token;
    signal input amount;

    signal input key[2];
    signal input nonce;
    signal input orderRoot;
    signal input accountPath[A][3];
    signal input tokenPath[T][3];

    signal accountBits[2 * A] <== Num2Bits(2 * A)(account);
    signal tokenBits[2 * T] <== Num2Bits(2 * T)(token);
    signal tokenIndex[T][2] <== Index(T)(tokenBits);
    signal balanceRoot <== Root(T)(amount, tokenIndex, tokenPath);
    signal leaf <== Poseidon(5)([key[0], key[1], nonce, balanceRoot, orderRoot]);
    signal accountIndex[A][2] <== Index(A)(accountBits);
    signal found <== Root(A)(leaf, accountIndex, accountPath);
    found === root;
}
