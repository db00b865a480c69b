// The latest trades, newest on top.

import { show } from '../exchange/decimal.js';
import { clock, find, make, oncePerFrame } from '../exchange/dom.js';

const KEPT = 60;

export class TradesView {
  #market;
  #trades = [];
  #list = find('trades');

  constructor(market) {
    this.#market = market;
    this.draw = oncePerFrame(() => this.#draw());
  }

  // Takes a message of the trades channel.
  take({ type, trades }) {
    const known = type === 'snapshot' ? [] : this.#trades;
    const newest = known[0]?.id ?? 0;
    this.#trades = [...trades.filter((trade) => trade.id > newest).reverse(), ...known].slice(0, KEPT);
    this.draw();
  }

  #draw() {
    this.#list.replaceChildren(
      ...this.#trades.map((trade) =>
        make('li', {},
          make('span', { className: trade.side === 'buy' ? 'up' : 'down', textContent: show(trade.price, this.#market.price_decimals) }),
          make('span', { textContent: show(trade.size, this.#market.size_decimals) }),
          make('span', { className: 'time', textContent: clock(trade.time) }))));
  }
}
