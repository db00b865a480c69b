// The order book on the page: as many levels as fit, best ones at the middle, bars for the depth.

import { add, show } from '../exchange/decimal.js';
import { find, make, oncePerFrame, put } from '../exchange/dom.js';

const ROW_PX = 20;

class SideView {
  constructor(list, onPick) {
    this.list = list;
    this.rows = [];
    list.addEventListener('click', (event) => {
      const price = event.target.closest('li')?.dataset.price;
      if (price) onPick(price);
    });
  }

  // As many rows as the place has room for; called when its size changes.
  fit() {
    const room = Math.max(1, Math.floor(this.list.clientHeight / ROW_PX));
    while (this.rows.length > room) this.rows.pop().row.remove();
    while (this.rows.length < room) {
      const parts = { bar: make('i', { className: 'bar' }), price: make('span', { className: 'price' }), size: make('span'), total: make('span', { className: 'total' }) };
      parts.row = make('li');
      this.list.append(parts.row);
      this.rows.push(parts);
    }
  }
}

export class BookView {
  #book;
  #market;
  #own = new Set();
  #asks;
  #bids;

  constructor({ book, market, onPick }) {
    this.#book = book;
    this.#market = market;
    this.#asks = new SideView(find('asks'), onPick);
    this.#bids = new SideView(find('bids'), onPick);
    this.draw = oncePerFrame(() => this.#draw());
    const sized = new ResizeObserver(() => {
      this.#asks.fit();
      this.#bids.fit();
      this.draw();
    });
    sized.observe(find('asks'));
    sized.observe(find('bids'));
  }

  // Prices at which the user has orders, as "side price".
  markOwn(own) {
    this.#own = own;
    this.draw();
  }

  #draw() {
    const { asks, bids } = this.#book;
    const sums = [this.#totals(asks.levels, this.#asks.rows.length), this.#totals(bids.levels, this.#bids.rows.length)];
    const deepest = Math.max(...sums.map((totals) => Number(totals.at(-1) ?? 0)), Number.MIN_VALUE);
    // The best ask stands last, next to the middle.
    this.#fill(this.#asks.rows.toReversed(), asks.levels, sums[0], deepest, 'sell');
    this.#fill(this.#bids.rows, bids.levels, sums[1], deepest, 'buy');
    this.#spread(asks.levels[0], bids.levels[0]);
  }

  #totals(levels, count) {
    const totals = [];
    for (const [, size] of levels.slice(0, count)) totals.push(totals.length ? add(totals.at(-1), size) : size);
    return totals;
  }

  #fill(rows, levels, totals, deepest, side) {
    rows.forEach(({ row, bar, price, size, total }, i) => {
      const level = levels[i];
      if (!level) {
        if (row.firstChild) row.replaceChildren();
        delete row.dataset.price;
        return;
      }
      if (!row.firstChild) row.append(bar, price, size, total);
      row.dataset.price = level[0];
      row.classList.toggle('own', this.#own.has(`${side} ${level[0]}`));
      put(price, show(level[0], this.#market.price_decimals));
      put(size, show(level[1], this.#market.size_decimals));
      put(total, show(totals[i], this.#market.size_decimals));
      bar.style.transform = `scaleX(${(Number(totals[i]) / deepest).toFixed(4)})`;
    });
  }

  #spread(ask, bid) {
    if (!ask || !bid) {
      put(find('spread'), '');
      return;
    }
    const share = ((ask[2] + bid[2]) / ask[2]) * 100;
    put(find('spread'), `Spread ${share.toFixed(3)} %`);
  }
}
