// What a refusal means for the person at the form. Codes are those of docs/errors.md.

const FIELDS = {
  invalid_price: 'price', price_not_on_tick: 'price', price_too_large: 'price', price_band: 'price',
  post_only_would_cross: 'price', stop_would_trigger: 'stop_price', invalid_size: 'size', size_not_on_lot: 'size',
  size_too_small: 'size', size_too_large: 'size', notional_too_small: 'size', notional_too_large: 'size',
  too_many_parts: 'display_size', insufficient_balance: 'size', too_precise: 'size', invalid_amount: 'size', invalid_expiry: 'expires_at',
};

const SENTENCES = {
  insufficient_balance: () => 'You have less available than this order needs.',
  price_band: () => 'The price is too far from the last one.',
  post_only_would_cross: () => 'This price would trade at once, and a post-only order may only rest in the book.',
  stop_would_trigger: () => 'It would trigger at once: a buy stop lies above the last price, a sell stop below, and a profit to take on the other side.',
  invalid_list: () => 'To sell, the price lies above the market and the stop below; to buy, the other way round.',
  too_many_parts: () => 'An iceberg shows at least a 100th of itself.',
  not_amendable: () => 'This order waits or belongs to a list: cancel it and place it anew.',
  market_halted: ({ symbol }) => `${symbol} is halted. Orders are taken again when it opens.`,
  market_cancel_only: ({ symbol }) => `${symbol} takes only cancels at the moment.`,
  market_post_only: ({ symbol }) => `${symbol} takes only post-only orders at the moment.`,
  overloaded: () => 'The exchange is busy. The order was not placed; try again in a moment.',
  unknown_outcome: () => 'No answer in time. Look at your open orders before you try again.',
  unreachable: () => 'The exchange cannot be reached. Look at your open orders before you try again.',
  not_authenticated: () => 'You are signed out. Sign in again.',
  csrf_failed: () => 'This page is too old. Load it again.',
  rate_limited: () => 'Too many orders in a short time. Wait a few seconds.',
};

// The field to look at, or null.
export const fieldOf = ({ code }) => FIELDS[code] ?? null;

export function describe(problem, market) {
  const sentence = SENTENCES[problem.code]?.(market);
  return sentence ?? `${problem.title}. ${problem.detail ?? ''}`.trim();
}
