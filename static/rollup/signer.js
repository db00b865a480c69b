// A user's key, and the bodies of requests that it signs. The key stays in this browser's storage and is never sent.

import { linkMessage, orderMessage, withdrawalMessage } from './messages.js';
import { derivePublicKey, signMessage } from './vendor/eddsa-poseidon.js';

const BYTES = 32;
const HEX = /^[0-9a-f]{64}$/;
const nameOf = (account) => `provex.rollup-key.${account}`;

export const hexOf = (bytes) => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
export const bytesOf = (hex) => Uint8Array.from({ length: BYTES }, (_, at) => parseInt(hex.slice(2 * at, 2 * at + 2), 16));

export const storedKey = (account) => {
  const hex = localStorage.getItem(nameOf(account));
  return hex && HEX.test(hex) ? bytesOf(hex) : null;
};

// Throws for what is no key: 64 hexadecimal digits.
export function keepKey(account, hex) {
  if (!HEX.test(hex)) throw new RangeError('A key is 64 hexadecimal digits.');
  localStorage.setItem(nameOf(account), hex);
  return bytesOf(hex);
}

export const makeKey = (account) => keepKey(account, hexOf(crypto.getRandomValues(new Uint8Array(BYTES))));

export const publicKey = (key) => {
  const [x, y] = derivePublicKey(key);
  return { x: BigInt(x), y: BigInt(y) };
};

export function sign(key, message) {
  const { R8, S } = signMessage(key, message);
  return { r_x: String(R8[0]), r_y: String(R8[1]), s: String(S) };
}

// Decimal text as a fraction [numerator, decimals].
function fraction(text) {
  if (!/^[0-9]+(\.[0-9]+)?$/.test(text)) throw new RangeError(`${text} is no amount.`);
  const [whole, decimals = ''] = text.split('.');
  return [BigInt(whole + decimals), decimals.length];
}

function atoms([numerator, decimals], { asset, scale }) {
  const shift = scale - decimals;
  if (shift >= 0) return numerator * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  if (numerator % divisor) throw new RangeError(`${asset} has ${scale} decimals.`);
  return numerator / divisor;
}

// Decimal text as atoms of a token of the terms. Throws for what is no amount, or less than an atom.
export const atomsOf = (text, token) => atoms(fraction(text), token);

export const linkBody = (key, terms, owner) => {
  const { x, y } = publicKey(key);
  const message = linkMessage({ domain: BigInt(terms.domain), account: BigInt(terms.account), owner: BigInt(owner) });
  return { x: String(x), y: String(y), owner, signature: sign(key, message) };
};

// A limit order that stands until `validUntil`, in seconds since the epoch.
export function orderBody(key, terms, { market, side, price, size, validUntil }) {
  const rules = terms.markets.find((one) => one.market === market);
  const [base, quote] = market.split('-').map((code) => terms.tokens.find((token) => token.asset === code));
  const [p, q] = [fraction(price), fraction(size)];
  const baseAtoms = atoms(q, base);
  const quoteAtoms = atoms([p[0] * q[0], p[1] + q[1]], quote);
  const isBuy = side === 'buy';
  if (!terms.order_ids.length) throw new RangeError('Every place for a signed order is taken: cancel one.');
  const order = {
    id: BigInt(terms.order_ids[0]), isBuy, sellTotal: isBuy ? quoteAtoms : baseAtoms, buyTotal: isBuy ? baseAtoms : quoteAtoms,
    validUntil: BigInt(validUntil), maxFeeBps: BigInt(rules.max_fee_bps),
  };
  const message = orderMessage({
    domain: BigInt(terms.domain), number: BigInt(terms.linked.number), sellToken: BigInt((isBuy ? quote : base).token),
    buyToken: BigInt((isBuy ? base : quote).token), ...order,
  });
  return {
    market, side, type: 'limit', tif: 'gtd', price, size, expires_at: validUntil * 1000,
    signature: {
      id: String(order.id), sell_total: String(order.sellTotal), buy_total: String(order.buyTotal), valid_until: validUntil,
      max_fee_bps: rules.max_fee_bps, ...sign(key, message),
    },
  };
}

// To an address of the chain. Uses up the nonce that the terms have.
export function withdrawalBody(key, terms, { asset, amount, address, reference }) {
  const token = terms.tokens.find((one) => one.asset === asset);
  const message = withdrawalMessage({
    domain: BigInt(terms.domain), number: BigInt(terms.linked.number), token: BigInt(token.token), amount: atomsOf(amount, token),
    nonce: BigInt(terms.nonce), recipient: BigInt(address),
  });
  return { asset, amount, address, reference, nonce: terms.nonce, signature: sign(key, message) };
}
