// Orders in words.

import { isZero, show } from '../exchange/decimal.js';

const ENDS = {
  unfilled: 'nothing more to trade with at an acceptable price', fok: 'it could not fill whole', stp: 'it met an order of your own',
  funds: 'the balance ran out', expired: 'it expired', canceled: 'canceled', replaced: 'replaced', deadman: 'dead-man switch',
  list: 'another order of its list ended it', refused: 'it could not be placed when its turn came',
};

// `list` is the order's list, where it is known.
export function typeOf(order, list) {
  const kind = order.type === 'limit' ? 'Limit' : 'Market';
  const waits = order.trail_percent ? 'Trailing' : order.trigger === 'take_profit' ? 'Take-profit' : order.stop_price ? 'Stop' : '';
  const parts = [waits ? `${waits}-${kind.toLowerCase()}` : kind];
  if (order.type === 'limit' && order.tif !== 'gtc') parts.push(order.tif.toUpperCase());
  if (order.post_only) parts.push('post-only');
  if (order.display_size) parts.push('iceberg');
  if (order.list_id) parts.push(`${(list?.kind ?? 'list').toUpperCase()} ${order.list_id}`);
  return parts.join(', ');
}

// What an order waits for: "59,000.0", "2 %", or "2 % from 61,000.0".
export function conditionOf({ stop_price: stop, trail_percent: trail }, places) {
  if (!trail) return stop ? show(stop, places) : '–';
  return stop ? `${trail} % from ${show(stop, places)}` : `${trail} %`;
}

export const STATUS = { open: 'Open', waiting: 'Waiting', pending: 'Pending', partially_filled: 'Partly filled', filled: 'Filled', canceled: 'Canceled', expired: 'Expired' };

// What became of an order that was just placed.
export function describePlaced(order, { base, quote, price_decimals: places }) {
  const name = `Order ${order.id}`;
  const filled = order.filled_size && !isZero(order.filled_size);
  const at = filled ? `${show(order.filled_size)} ${base} at ${show(order.average_price, places)} ${quote}` : '';
  if (order.status === 'filled') return `${name} filled: ${at}.`;
  if (order.status === 'waiting' && order.trail_percent) return `${name} follows the price at ${conditionOf(order, places)}.`;
  if (order.status === 'waiting' && order.trigger === 'take_profit') return `${name} waits to take profit at ${show(order.stop_price, places)}.`;
  if (order.status === 'waiting') return `${name} waits for its stop at ${show(order.stop_price, places)}.`;
  if (order.status === 'open' || order.status === 'partially_filled') return filled ? `${name}: ${at}, the rest is in the book.` : `${name} is in the book.`;
  const why = ENDS[order.done_reason] ?? order.done_reason;
  return filled ? `${name}: ${at}, then ended (${why}).` : `${name} ended without a trade: ${why}.`;
}

// What became of a list that was just placed.
export function describeList({ id, kind, orders }) {
  return `${kind.toUpperCase()} ${id}: orders ${orders.map((order) => order.id).join(' and ')} are placed; the first that trades ends the other.`;
}
