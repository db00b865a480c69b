pragma circom 2.1.6;

include "bitify.circom";
include "poseidon.circom";
include "slot.circom";

// one[i] is 1 for the number i that the bits make, and 0 for all others.
template OneHot(bits) {
    signal input in[bits];
    signal output one[1 << bits];
    signal stage[bits + 1][1 << bits];
    stage[0][0] <== 1;
    for (var k = 0; k < bits; k++) {
        for (var i = 0; i < (1 << k); i++) {
            stage[k + 1][(1 << k) + i] <== in[k] * stage[k][i];
            stage[k + 1][i] <== stage[k][i] - stage[k + 1][(1 << k) + i];
        }
    }
    one <== stage[bits];
}

// Binds `count` words of data to the proof: h commits to them before gamma exists, E is their polynomial at gamma.
template Binding(count) {
    signal input data[count];
    signal input gamma;
    signal output h;
    signal output e;

    var chunks = (count + 10) \ 11;
    signal hash[chunks + 1];
    hash[0] <== 0;
    component poseidon[chunks];
    for (var i = 0; i < chunks; i++) {
        poseidon[i] = Poseidon(12);
        poseidon[i].inputs[0] <== hash[i];
        for (var j = 0; j < 11; j++) {
            if (11 * i + j < count) {
                poseidon[i].inputs[j + 1] <== data[11 * i + j];
            } else {
                poseidon[i].inputs[j + 1] <== 0;
            }
        }
        hash[i + 1] <== poseidon[i].out;
    }
    h <== hash[chunks];

    signal power[count + 1];
    power[0] <== 0;
    for (var i = 0; i < count; i++) power[i + 1] <== (power[i] + data[i]) * gamma;
    e <== power[count];
}

// A block of N slots (docs/rollup.md). Public: h, e, gamma.
template Block(A, T, O, N) {
    signal input gamma;
    signal input domain;
    signal input oldRoot;
    signal input newRoot;
    signal input timestamp;
    signal input number;

    signal input is[N][10];
    signal input account[N];
    signal input token[N][2];
    signal input amount[N][2];
    signal input isCredit[N][2];
    signal input feeOrSellTotal[N];
    signal input fee[N];
    signal input id[N];
    signal input side[N];
    signal input buyTotal[N];
    signal input validUntil[N];
    signal input maxFeeBps[N];
    signal input to[N];
    signal input recipient[N];
    signal input newKey[N][2];
    signal input key[N][2];
    signal input nonce[N];
    signal input balance[N][2];
    signal input oldId[N];
    signal input oldFilled[N];
    signal input r[N][2];
    signal input s[N];
    signal input accountPath[N][A][3];
    signal input tokenPath[N][2][T][3];
    signal input orderPath[N][O][3];

    signal output h;
    signal output e;

    var TRANSFER = 4, CREDIT = 5;
    var TOKENS = 1 << (2 * T);

    component slot[N];
    component binding = Binding(5 + 3 * N);
    binding.gamma <== gamma;
    binding.data[0] <== domain;
    binding.data[1] <== oldRoot;
    binding.data[2] <== newRoot;
    binding.data[3] <== timestamp;
    binding.data[4] <== number;
    _ <== Num2Bits(40)(timestamp);

    signal passed[N][3];
    signal part[N][2][TOKENS];
    component hot[N][2];
    var sum[TOKENS];
    for (var t = 0; t < TOKENS; t++) sum[t] = 0;

    for (var i = 0; i < N; i++) {
        slot[i] = Slot(A, T, O);
        slot[i].domain <== domain;
        slot[i].now <== timestamp;
        slot[i].is <== is[i];
        slot[i].account <== account[i];
        slot[i].token <== token[i];
        slot[i].amount <== amount[i];
        slot[i].isCredit <== isCredit[i];
        slot[i].feeOrSellTotal <== feeOrSellTotal[i];
        slot[i].fee <== fee[i];
        slot[i].id <== id[i];
        slot[i].side <== side[i];
        slot[i].buyTotal <== buyTotal[i];
        slot[i].validUntil <== validUntil[i];
        slot[i].maxFeeBps <== maxFeeBps[i];
        slot[i].to <== to[i];
        slot[i].recipient <== recipient[i];
        slot[i].newKey <== newKey[i];
        slot[i].key <== key[i];
        slot[i].nonce <== nonce[i];
        slot[i].balance <== balance[i];
        slot[i].oldId <== oldId[i];
        slot[i].oldFilled <== oldFilled[i];
        slot[i].r <== r[i];
        slot[i].s <== s[i];
        slot[i].accountPath <== accountPath[i];
        slot[i].tokenPath <== tokenPath[i];
        slot[i].orderPath <== orderPath[i];
        if (i > 0) slot[i].topBefore === slot[i - 1].topAfter;
        for (var w = 0; w < 3; w++) binding.data[5 + 3 * i + w] <== slot[i].words[w];

        // A credit is the other half of the transfer right before it.
        if (i == 0) {
            is[i][CREDIT] === 0;
        } else {
            is[i][CREDIT] === is[i - 1][TRANSFER];
            passed[i][0] <== is[i][CREDIT] * (amount[i][0] - amount[i - 1][0]);
            passed[i][0] === 0;
            passed[i][1] <== is[i][CREDIT] * (token[i][0] - token[i - 1][0]);
            passed[i][1] === 0;
            // On its own: `to` is any field element, and could make up for another token.
            passed[i][2] <== is[i][CREDIT] * (account[i] - to[i - 1]);
            passed[i][2] === 0;
        }

        // Both sums in one: each stays far below 2^110 in size, so the whole is zero only if both are.
        for (var leg = 0; leg < 2; leg++) {
            hot[i][leg] = OneHot(2 * T);
            hot[i][leg].in <== slot[i].tokenBits[leg];
            for (var t = 0; t < TOKENS; t++) {
                part[i][leg][t] <== hot[i][leg].one[t] * (slot[i].traded[leg] + (1 << 110) * slot[i].declared[leg]);
                sum[t] += part[i][leg][t];
            }
        }
    }
    is[N - 1][TRANSFER] === 0;
    for (var t = 0; t < TOKENS; t++) sum[t] === 0;
    signal rootBefore <== Poseidon(4)(slot[0].topBefore);
    rootBefore === oldRoot;
    signal rootAfter <== Poseidon(4)(slot[N - 1].topAfter);
    rootAfter === newRoot;
    h <== binding.h;
    e <== binding.e;
}
