pragma circom 2.1.6;

include "poseidon.circom";

// The bits of the leaf's index in a tree, level by level.
template Index(depth) {
    signal input bits[2 * depth];
    signal output b[depth][2];
    for (var level = 0; level < depth; level++) {
        b[level][0] <== bits[2 * level];
        b[level][1] <== bits[2 * level + 1];
    }
}

// The four children of a node of the tree on the way from a leaf: `node` stands in place b[0] + 2·b[1], its three
// siblings around it: s[0] is the other one of its pair, s[1] and s[2] are the other pair. b is boolean.
template Children() {
    signal input node;
    signal input b[2];
    signal input s[3];
    signal output c[4];

    signal swap <== b[0] * (s[0] - node);
    signal first <== b[1] * (s[1] - node - swap);
    signal second <== b[1] * (s[2] - s[0] + swap);
    c[0] <== node + swap + first;
    c[1] <== s[0] - swap + second;
    c[2] <== s[1] - first;
    c[3] <== s[2] - second;
}

// The four children of the root of a tree of `depth` levels, on the way from a leaf.
template Top(depth) {
    signal input leaf;
    signal input b[depth][2];
    signal input s[depth][3];
    signal output c[4];

    component children[depth];
    component hash[depth];
    for (var level = 0; level < depth; level++) {
        children[level] = Children();
        children[level].b <== b[level];
        children[level].s <== s[level];
        if (level == 0) {
            children[level].node <== leaf;
        } else {
            hash[level] = Poseidon(4);
            hash[level].inputs <== children[level - 1].c;
            children[level].node <== hash[level].out;
        }
    }
    c <== children[depth - 1].c;
}

// The root of a tree of `depth` levels, on the way from a leaf.
template Root(depth) {
    signal input leaf;
    signal input b[depth][2];
    signal input s[depth][3];
    signal output out;

    signal c[4] <== Top(depth)(leaf, b, s);
    out <== Poseidon(4)(c);
}
