// What users sign, packed as rollup/state/messages.py packs it (docs/rollup.md). Numbers are BigInt.

import { poseidon4 } from './vendor/eddsa-poseidon.js';

const SETTLE = 1n;
const TRANSFER = 4n;
const WITHDRAW = 6n;
const LINK = 15n;

// Two requests must never have the same message: what does not fit its place is refused.
function fit(value, bits) {
  if (value < 0n || value >> bits) throw new RangeError(`${value} does not fit ${bits} bits`);
  return value;
}

const what = (op, number, sells, buys, id) =>
  op + (fit(number, 24n) << 4n) + (fit(sells, 8n) << 28n) + (fit(buys, 8n) << 36n) + (fit(id, 64n) << 44n);

export const orderMessage = ({ domain, number, sellToken, buyToken, id, isBuy, sellTotal, buyTotal, validUntil, maxFeeBps }) =>
  poseidon4([
    domain,
    what(SETTLE, number, sellToken, buyToken, id),
    (fit(sellTotal, 96n) << 96n) + (isBuy ? 1n << 194n : 0n) + (fit(validUntil, 40n) << 195n) + (fit(maxFeeBps, 14n) << 235n),
    fit(buyTotal, 96n),
  ]);

export const transferMessage = ({ domain, number, token, amount, nonce, to }) =>
  poseidon4([domain, what(TRANSFER, number, token, 0n, nonce), fit(amount, 96n), fit(to, 24n)]);

export const withdrawalMessage = ({ domain, number, token, amount, nonce, recipient }) =>
  poseidon4([domain, what(WITHDRAW, number, token, 0n, nonce), fit(amount, 96n), fit(recipient, 160n)]);

export const linkMessage = ({ domain, account, owner }) =>
  poseidon4([domain, LINK + (fit(account, 63n) << 4n), fit(owner, 160n), 0n]);
