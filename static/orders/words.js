// Orders in words.

import { isZero, show } from '../exchange/decimal.js';

const ENDS = {
  unfilled: 'nothing more to trade with at an acceptable price', fok: 'it could not fill whole', stp: 'it met an order of your own',
  funds: 'the balance ran out', expired: 'it expired', canceled: 'canceled', replaced: 'replaced', deadman: 'dead-man switch',
};

export function typeOf(order) {
  const kind = order.type === 'limit' ? 'Limit' : 'Market';
  const parts = [order.stop_price ? `Stop-${kind.toLowerCase()}` : kind];
  if (order.type === 'limit' && order.tif !== 'gtc') parts.push(order.tif.toUpperCase());
  if (order.post_only) parts.push('post-only');
  return parts.join(', ');
}

export const STATUS = { open: 'Open', waiting: 'Waiting', partially_filled: 'Partly filled', filled: 'Filled', canceled: 'Canceled', expired: 'Expired' };

// What became of an order that was just placed.
export function describePlaced(order, { base, quote, price_decimals: places }) {
  const name = `Order ${order.id}`;
  const filled = order.filled_size && !isZero(order.filled_size);
  const at = filled ? `${show(order.filled_size)} ${base} at ${show(order.average_price, places)} ${quote}` : '';
  if (order.status === 'filled') return `${name} filled: ${at}.`;
  if (order.status === 'waiting') return `${name} waits for its stop at ${show(order.stop_price, places)}.`;
  if (order.status === 'open' || order.status === 'partially_filled') return filled ? `${name}: ${at}, the rest is in the book.` : `${name} is in the book.`;
  const why = ENDS[order.done_reason] ?? order.done_reason;
  return filled ? `${name}: ${at}, then ended (${why}).` : `${name} ended without a trade: ${why}.`;
}
