// A dialog that changes price and size of a resting order.

import { patch } from '../exchange/api.js';
import { isDecimal, isMultiple, isZero, normal } from '../exchange/decimal.js';
import { find, put } from '../exchange/dom.js';
import { describe } from './problems.js';

// An order that waits, or that others of its list depend on, is placed anew instead.
export const isAmendable = (order, list) => ['open', 'partially_filled'].includes(order.status) && list?.status !== 'live';

export class AmendDialog {
  #dialog = find('amend');
  #order = null;
  #onAmended;

  // `onAmended` is told the order as the exchange answered it.
  constructor({ onAmended }) {
    this.#onAmended = onAmended;
    find('amend-form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#save();
    });
    find('amend-close').addEventListener('click', () => this.#dialog.close());
  }

  // `rules` has tick and lot of the order's market where they are known.
  open(order, rules) {
    this.#order = { ...order, rules };
    put(find('amend-title'), `Change order ${order.id}`);
    find('amend-price').value = order.price;
    find('amend-size').value = order.size;
    put(find('amend-outcome'), '');
    this.#dialog.showModal();
    find('amend-price').select();
  }

  #check(price, size) {
    const { tick, lot } = this.#order.rules;
    if (![price, size].every((text) => isDecimal(text) && !isZero(text))) return 'Plain decimal numbers above zero, like 0.015';
    if (tick && !isMultiple(price, tick)) return `The tick size is ${tick}`;
    return lot && !isMultiple(size, lot) ? `The lot size is ${lot}` : '';
  }

  async #save() {
    const { id, price, size, market } = this.#order;
    const wanted = { price: find('amend-price').value.trim(), size: find('amend-size').value.trim() };
    const error = this.#check(wanted.price, wanted.size);
    put(find('amend-outcome'), error);
    if (error) return;
    const changes = {};
    if (normal(wanted.price) !== price) changes.price = normal(wanted.price);
    if (normal(wanted.size) !== size) changes.size = normal(wanted.size);
    if (!Object.keys(changes).length) {
      this.#dialog.close();
      return;
    }
    find('amend-save').disabled = true;
    try {
      this.#onAmended(await patch(`/orders/${id}`, changes));
      this.#dialog.close();
    } catch (problem) {
      put(find('amend-outcome'), problem.code === 'unknown_order' ? 'This order is no longer open.' : describe(problem, { symbol: market }));
    }
    find('amend-save').disabled = false;
  }
}
