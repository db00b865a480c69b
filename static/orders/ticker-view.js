// The line on top of a market: last price, the day's figures, the market's state.

import { show } from '../exchange/decimal.js';
import { find, put } from '../exchange/dom.js';

const STATES = {
  halted: 'Halted: only cancels are taken',
  cancel_only: 'Cancel-only',
  post_only: 'Post-only',
};

export class TickerView {
  #market;
  #last = null;

  constructor(market) {
    this.#market = market;
    this.showState(market.state);
  }

  take({ ticker }) {
    const { price_decimals: places, quote } = this.#market;
    const change = Number(ticker.change ?? 0);
    const direction = change > 0 ? 'up' : change < 0 ? 'down' : '';
    const percent = ticker.change_percent ?? '0';
    find('day-change').className = direction;
    put(find('day-change'), ticker.change === null ? '–' : `${change > 0 ? '+' : ''}${show(ticker.change, places)} (${change > 0 ? '+' : ''}${show(percent, 2)} %)`);
    put(find('day-high'), show(ticker.high, places));
    put(find('day-low'), show(ticker.low, places));
    put(find('day-volume'), show(ticker.volume, 2));
    put(find('day-quote-volume'), show(ticker.quote_volume, 2));
    this.showState(ticker.state);
    if (ticker.last) document.title = `${show(ticker.last, places)} ${quote} · ${this.#market.symbol} · Provex`;
    if (ticker.last && this.#last === null) this.showLast(ticker.last, null);
  }

  // The price of the newest trade, coloured by its taker's side.
  showLast(price, side) {
    this.#last = price;
    const colour = side === 'buy' ? 'up' : side === 'sell' ? 'down' : '';
    for (const id of ['last-price', 'book-last']) {
      put(find(id), show(price, this.#market.price_decimals));
      find(id).classList.toggle('up', colour === 'up');
      find(id).classList.toggle('down', colour === 'down');
    }
  }

  showState(state) {
    const badge = find('market-state');
    badge.hidden = state === 'open';
    put(badge, STATES[state] ?? state);
  }
}
