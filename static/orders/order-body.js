// What the fields of the form say as a request: {path, body} for the REST API.

import { compare, normal } from '../exchange/decimal.js';

// `fields` has the texts by name, and kind, side, unit ("base" or "quote"), tif, trigger, stp, postOnly, expiresAt;
// `last` is the last price, or null.
export function requestOf(fields, market, last) {
  const client_id = `web-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`.slice(0, 60);
  if (fields.kind === 'oco') {
    const orders = ocoLegs(fields).map((leg) => ({ side: fields.side, size: normal(fields.size), ...withStp(fields), ...leg }));
    return { path: '/order-lists', body: { kind: 'oco', market, client_id, orders } };
  }
  return { path: '/orders', body: { market, side: fields.side, client_id, ...orderOf(fields, last) } };
}

const withStp = ({ stp }) => (stp === 'none' ? {} : { stp });

function orderOf(fields, last) {
  const price = fields.kind === 'market' ? '' : fields.price;
  const order = { type: price ? 'limit' : 'market', [fields.unit === 'quote' ? 'quote_amount' : 'size']: normal(fields.size), ...withStp(fields) };
  if (price) Object.assign(order, { price: normal(price), tif: fields.tif });
  if (fields.kind === 'limit' && fields.postOnly) order.post_only = true;
  if (price && fields.display_size) order.display_size = normal(fields.display_size);
  if (order.tif === 'gtd') order.expires_at = fields.expiresAt;
  if (fields.kind === 'stop') Object.assign(order, conditionOf(fields, last));
  return order;
}

function conditionOf({ trigger, side, stop_price: stop, trail_percent: trail }, last) {
  if (trigger !== 'trailing') return { trigger, stop_price: normal(stop) };
  if (!stop) return { trail_percent: normal(trail) };
  // Trailing begins where the price gets to first, whichever side of the market that is.
  const isAbove = last !== null && compare(stop, last) > 0;
  return { trail_percent: normal(trail), stop_price: normal(stop), trigger: isAbove === (side === 'sell') ? 'take_profit' : 'stop' };
}

function ocoLegs({ price, stop_price: stop, stop_limit: limit }) {
  const stopLeg = limit ? { type: 'limit', price: normal(limit) } : { type: 'market' };
  return [{ price: normal(price), post_only: true }, { stop_price: normal(stop), ...stopLeg }];
}
