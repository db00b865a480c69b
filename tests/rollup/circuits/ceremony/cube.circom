pragma circom 2.1.6;

template Cube() {
    signal input x;
    signal output y;
    signal square <== x * (x + 0);
    y <== square * x + 5;
}

component main = Cube();
