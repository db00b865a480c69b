pragma circom 2.1.6;

include "bitify.circom";
include "comparators.circom";
include "eddsaposeidon.circom";
include "poseidon.circom";
include "tree.circom";

function BASE_X() { return 5299619240641551281634865583518297030282874472190772894086521144482721001553; }
function BASE_Y() { return 16950150798460657717958625567821834550301663161624707787222815936182638968203; }

// Whether what an order of this slot did keeps to the order (docs/rollup.md, "settle"). All amounts are below 2^96.
template OrderRules() {
    signal input isSettle;
    signal input id;        // below 2^64
    signal input side;      // 1: buy
    signal input debit;
    signal input gross;
    signal input fee;
    signal input sellTotal;
    signal input buyTotal;
    signal input validUntil;
    signal input maxFeeBps;
    signal input now;
    signal input oldId;
    signal input oldFilled;
    signal output oldLeaf;
    signal output newLeaf;

    // The leaf has but one pair of these: of two pairs with filled below 2^96 the ids differ by 2^64 and more (as the
    // field sees it), and `ahead` below leaves room for one of them.
    _ <== Num2Bits(96)(oldFilled);
    oldLeaf <== oldId * (1 << 96) + oldFilled;

    // An id of 0 means an empty leaf and is no order's.
    signal isNone <== IsZero()(id);
    isSettle * isNone === 0;
    // A larger id replaces, an equal one accumulates, a smaller one is refused.
    signal ahead <== isSettle * (id - oldId);
    _ <== Num2Bits(64)(ahead);
    signal isSame <== IsEqual()([oldId, id]);
    signal before <== isSame * oldFilled;
    signal counted <== side * (gross - debit);
    signal filled <== before + debit + counted;
    signal more <== side * (buyTotal - sellTotal);
    signal left <== isSettle * (sellTotal + more - filled);
    _ <== Num2Bits(96)(left);
    newLeaf <== oldLeaf + isSettle * (id * (1 << 96) + filled - oldLeaf);

    // Never worse than the limit: gross / debit >= buyTotal / sellTotal.
    signal offered <== gross * sellTotal;
    signal asked <== debit * buyTotal;
    signal better <== isSettle * (offered - asked);
    _ <== Num2Bits(192)(better);

    _ <== Num2Bits(14)(maxFeeBps);
    _ <== Num2Bits(14)(10000 - maxFeeBps);
    signal cap <== gross * maxFeeBps;
    signal spared <== isSettle * (cap - fee * 10000);
    _ <== Num2Bits(110)(spared);

    _ <== Num2Bits(40)(validUntil);
    signal time <== isSettle * (validUntil - now - 1);
    _ <== Num2Bits(40)(time);
}

// One slot: one account changes. A, T, O: depths of the trees of accounts, of an account's tokens and orders.
template Slot(A, T, O) {
    signal input domain;
    signal input now;

    signal input is[10];  // one of: noop settle net fee transfer credit withdraw deposit set_key forced_exit
    signal input account;
    signal input token[2];
    signal input amount[2];
    signal input isCredit[2];
    signal input feeOrSellTotal;
    signal input fee;
    signal input id;
    signal input side;
    signal input buyTotal;
    signal input validUntil;
    signal input maxFeeBps;
    signal input to;
    signal input recipient;
    signal input newKey[2];

    signal input key[2];
    signal input nonce;
    signal input balance[2];
    signal input oldId;
    signal input oldFilled;
    signal input r[2];
    signal input s;

    signal input accountPath[A][3];
    signal input tokenPath[2][T][3];
    signal input orderPath[O][3];

    // The four children of the root, before and after. Slots hand them on, so that no root in between is hashed.
    signal output topBefore[4];
    signal output topAfter[4];
    signal output words[3];
    signal output tokenBits[2][2 * T];
    signal output traded[2];  // signed amounts of settle and net
    signal output declared[2];  // fees declared less fees credited to account 0

    var NOOP = 0, SETTLE = 1, NET = 2, FEE = 3, TRANSFER = 4, CREDIT = 5, WITHDRAW = 6, DEPOSIT = 7, SET_KEY = 8, EXIT = 9;

    // ---- what may be what
    var count = 0, op = 0;
    for (var i = 0; i < 10; i++) {
        is[i] * (is[i] - 1) === 0;
        count += is[i];
        op += i * is[i];
    }
    count === 1;
    side * (side - is[SETTLE]) === 0;
    for (var leg = 0; leg < 2; leg++) isCredit[leg] * (isCredit[leg] - is[NET]) === 0;

    signal accountBits[2 * A] <== Num2Bits(2 * A)(account);
    signal idBits[64] <== Num2Bits(64)(id);
    for (var leg = 0; leg < 2; leg++) {
        tokenBits[leg] <== Num2Bits(2 * T)(token[leg]);
        _ <== Num2Bits(96)(amount[leg]);
    }
    _ <== Num2Bits(96)(feeOrSellTotal);
    _ <== Num2Bits(96)(fee);
    _ <== Num2Bits(96)(buyTotal);

    var hasOrder = is[SETTLE], hasNonce = is[NET] + is[TRANSFER] + is[WITHDRAW], isSigned = hasOrder + hasNonce;
    (is[NOOP] + is[SET_KEY]) * amount[0] === 0;
    (1 - is[SETTLE] - is[NET] - is[FEE]) * amount[1] === 0;
    (1 - is[SETTLE] - is[NET]) * feeOrSellTotal === 0;
    (1 - is[SETTLE] - is[NET]) * fee === 0;
    is[FEE] * account === 0;
    hasNonce * (id - nonce) === 0;
    is[EXIT] * (amount[0] - balance[0]) === 0;

    // ---- the order
    component order = OrderRules();
    order.isSettle <== is[SETTLE];
    order.id <== id;
    order.side <== side;
    order.debit <== amount[0];
    order.gross <== amount[1];
    order.fee <== fee;
    order.sellTotal <== feeOrSellTotal;
    order.buyTotal <== buyTotal;
    order.validUntil <== validUntil;
    order.maxFeeBps <== maxFeeBps;
    order.now <== now;
    order.oldId <== oldId;
    order.oldFilled <== oldFilled;

    // ---- the authority: the signature counts only where one is asked for, but is always a well-formed one
    signal signedAmount <== (1 - is[SETTLE]) * amount[0];
    signal third[4];
    third[0] <== is[SETTLE] * buyTotal;
    third[1] <== is[NET] * (amount[1] + fee * (1 << 96));
    third[2] <== is[TRANSFER] * to;
    third[3] <== is[WITHDRAW] * recipient;
    signal message <== Poseidon(4)([
        domain,
        op + account * (1 << 4) + token[0] * (1 << 28) + token[1] * (1 << 36) + id * (1 << 44),
        signedAmount + feeOrSellTotal * (1 << 96) + isCredit[0] * (1 << 192) + isCredit[1] * (1 << 193)
            + side * (1 << 194) + validUntil * (1 << 195) + maxFeeBps * (1 << 235),
        third[0] + third[1] + third[2] + third[3]
    ]);
    component signature = EdDSAPoseidonVerifier();
    signature.enabled <== isSigned;
    // The verifier refuses keys of low order whether enabled or not; unregistered accounts have one.
    signature.Ax <== BASE_X() + isSigned * (key[0] - BASE_X());
    signature.Ay <== BASE_Y() + isSigned * (key[1] - BASE_Y());
    signature.R8x <== r[0];
    signature.R8y <== r[1];
    signature.S <== s;
    signature.M <== message;

    // ---- the balances
    signal netCredit[2];
    signal moved[2];
    signal firstFee <== is[NET] * feeOrSellTotal;
    for (var leg = 0; leg < 2; leg++) netCredit[leg] <== is[NET] * isCredit[leg];
    moved[0] <== (is[FEE] + is[CREDIT] + is[DEPOSIT] - is[SETTLE] - is[TRANSFER] - is[WITHDRAW] - is[EXIT]
        - is[NET] + 2 * netCredit[0]) * amount[0];
    moved[1] <== (is[SETTLE] + is[FEE] - is[NET] + 2 * netCredit[1]) * amount[1];
    signal newBalance[2];
    newBalance[0] <== balance[0] + moved[0] - firstFee;
    newBalance[1] <== balance[1] + moved[1] - fee;
    for (var leg = 0; leg < 2; leg++) _ <== Num2Bits(96)(newBalance[leg]);

    signal tokenIndex[2][T][2];
    for (var leg = 0; leg < 2; leg++) tokenIndex[leg] <== Index(T)(tokenBits[leg]);
    signal balanceRoot <== Root(T)(balance[0], tokenIndex[0], tokenPath[0]);
    // Between the two changes the root itself need not be known: its children are the same.
    signal between[4] <== Top(T)(newBalance[0], tokenIndex[0], tokenPath[0]);
    signal again[4] <== Top(T)(balance[1], tokenIndex[1], tokenPath[1]);
    between === again;
    signal newBalanceRoot <== Root(T)(newBalance[1], tokenIndex[1], tokenPath[1]);

    signal orderBits[2 * O];
    for (var i = 0; i < 2 * O; i++) orderBits[i] <== idBits[i];
    signal orderIndex[O][2] <== Index(O)(orderBits);
    signal orderRoot <== Root(O)(order.oldLeaf, orderIndex, orderPath);
    signal newOrderRoot <== Root(O)(order.newLeaf, orderIndex, orderPath);

    // ---- the account
    signal keyAfter[2];
    for (var i = 0; i < 2; i++) keyAfter[i] <== key[i] + is[SET_KEY] * (newKey[i] - key[i]);
    // A new key begins with a nonce of its own, above all that were used: nothing signed before is valid again.
    signal nonceAfter <== nonce + hasNonce + is[SET_KEY] * (id - nonce);
    signal leaf <== Poseidon(5)([key[0], key[1], nonce, balanceRoot, orderRoot]);
    signal newLeaf <== Poseidon(5)([keyAfter[0], keyAfter[1], nonceAfter, newBalanceRoot, newOrderRoot]);
    signal accountIndex[A][2] <== Index(A)(accountBits);
    topBefore <== Top(A)(leaf, accountIndex, accountPath);
    // Of a noop the new leaf is the old one, as nothing above can have moved; it has no rule of its own here.
    topAfter <== Top(A)(newLeaf, accountIndex, accountPath);

    // ---- what is published, and what must balance over the block
    signal orderOrFee <== feeOrSellTotal + (is[SETTLE] + is[SET_KEY]) * (id + side * (1 << 64) - feeOrSellTotal);
    words[0] <== op + account * (1 << 4) + token[0] * (1 << 28) + token[1] * (1 << 36) + amount[0] * (1 << 44)
        + orderOrFee * (1 << 140) + isCredit[0] * (1 << 236) + isCredit[1] * (1 << 237);
    words[1] <== amount[1] + fee * (1 << 96) + is[SET_KEY] * newKey[0];
    signal newKeyY <== is[SET_KEY] * newKey[1];
    words[2] <== third[3] + newKeyY;

    for (var leg = 0; leg < 2; leg++) traded[leg] <== (is[SETTLE] + is[NET]) * moved[leg];
    declared[0] <== firstFee - is[FEE] * amount[0];
    declared[1] <== fee - is[FEE] * amount[1];
}
