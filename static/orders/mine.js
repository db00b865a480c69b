// What belongs to the signed-in account: open orders, fills, balances.

import { get, remove } from '../exchange/api.js';
import { add, isZero, show } from '../exchange/decimal.js';
import { find, make, moment, oncePerFrame, put } from '../exchange/dom.js';
import { AmendDialog, isAmendable } from './amend.js';
import { conditionOf, STATUS, typeOf } from './words.js';

const FILLS_KEPT = 200;
const cell = (text, className = '') => make('td', { textContent: text, className });
const sideCell = (side) => cell(side === 'buy' ? 'Buy' : 'Sell', side === 'buy' ? 'up' : 'down');
const isOpen = (order) => ['open', 'waiting', 'pending', 'partially_filled'].includes(order.status);

export class Mine {
  balances = null;
  #orders = new Map();
  #ended = new Set();
  #fills = new Map();
  #lists = new Map();
  #amend = new AmendDialog({ onAmended: (amended) => this.#amended(amended) });
  #rows = new Map();
  #market;
  #markets;
  #onChange;
  #toast;

  // `markets` has decimals by symbol; `onChange` is told when orders or balances changed.
  constructor({ market, markets, onChange, toast }) {
    this.#market = market;
    this.#markets = markets;
    this.#onChange = onChange;
    this.#toast = toast;
    this.draw = oncePerFrame(() => this.#draw());
    this.#tabs();
    find('only-here').addEventListener('change', this.draw);
    find('cancel-all').addEventListener('click', () => this.#cancelAll());
  }

  takeOrders({ type, orders }) {
    if (type === 'snapshot') this.#orders.clear();
    for (const order of orders) this.#takeOrder(order);
    this.#changed();
  }

  // An order as REST answered it; the socket may have been faster.
  takePlaced(order) {
    const known = this.#orders.get(order.id);
    if (!known || known.sequence <= order.sequence) this.#takeOrder(order);
    this.#changed();
  }

  // Lists as they begin and end; a live one says which orders depend on each other.
  takeLists({ type, lists }) {
    if (type === 'snapshot') this.#lists.clear();
    for (const list of lists) this.#lists.set(list.id, list);
    this.#rows.clear();
    this.draw();
  }

  takeFills({ type, fills, sequence }) {
    for (const fill of fills) this.#takeFill(fill);
    if (type === 'snapshot') this.#loadFills(sequence);
    this.draw();
  }

  takeBalances({ type, balances }) {
    if (type === 'snapshot' || !this.balances) this.balances = new Map();
    for (const balance of balances) this.balances.set(balance.asset, balance);
    this.#changed();
  }

  // Prices of open orders in this market, as "side price".
  ownPrices() {
    const here = [...this.#orders.values()].filter((order) => order.market === this.#market.symbol && !['waiting', 'pending'].includes(order.status));
    return new Set(here.map((order) => `${order.side} ${order.price}`));
  }

  #takeOrder(order) {
    if (isOpen(order)) {
      // A message sent before a cancel may arrive after its answer.
      if (!this.#ended.has(order.id)) this.#orders.set(order.id, order);
    } else {
      this.#orders.delete(order.id);
      this.#ended.add(order.id);
    }
  }

  #takeFill(fill) {
    this.#fills.set(`${fill.market} ${fill.trade_id} ${fill.order_id}`, fill);
  }

  // What was traded up to `sequence` is asked from REST; what comes later comes by itself.
  async #loadFills(sequence) {
    try {
      for (const fill of (await get('/fills?limit=100', { sequence })).fills) this.#takeFill(fill);
      this.draw();
    } catch (problem) {
      this.#toast(problem.message, true);
    }
  }

  #changed() {
    this.#onChange();
    this.draw();
  }

  #shown(list) {
    return find('only-here').checked ? list.filter((item) => item.market === this.#market.symbol) : list;
  }

  #draw() {
    this.#drawOrders();
    this.#drawFills();
    this.#drawBalances();
  }

  #drawOrders() {
    const orders = this.#shown([...this.#orders.values()]).sort((a, b) => b.id - a.id);
    put(find('count-orders'), orders.length ? String(orders.length) : '');
    find('cancel-all').disabled = !orders.length;
    find('orders-empty').hidden = orders.length > 0;
    // Rows stay where they are while their order does, so a cancel button does not move under the pointer's focus.
    const rows = orders.map((order) => {
      const known = this.#rows.get(order.id);
      if (known?.sequence === order.sequence) return known.row;
      const row = this.#orderRow(order, known?.row);
      this.#rows.set(order.id, { row, sequence: order.sequence });
      return row;
    });
    for (const id of this.#rows.keys()) if (!this.#orders.has(id)) this.#rows.delete(id);
    const body = find('orders');
    if (rows.length !== body.children.length || rows.some((row, i) => body.children[i] !== row)) body.replaceChildren(...rows);
  }

  #orderRow(order, known) {
    const { price_decimals: places = null } = this.#markets[order.market] ?? {};
    const list = this.#lists.get(order.list_id);
    const button = known?.querySelector('.cancel') ?? make('button', { type: 'button', className: 'quiet cancel', textContent: 'Cancel', onclick: () => this.#cancel(order.id, button) });
    button.setAttribute('aria-label', `Cancel order ${order.id}`);
    const change = known?.querySelector('.change') ?? make('button', { type: 'button', className: 'quiet change', textContent: 'Change', onclick: () => this.#change(order.id) });
    change.setAttribute('aria-label', `Change order ${order.id}`);
    change.hidden = !isAmendable(order, list);
    const cells = [
      cell(moment(order.created_at), 'muted'), cell(order.market), sideCell(order.side), cell(typeOf(order, list)),
      cell(order.price ? show(order.price, places) : 'Market', 'num'), cell(conditionOf(order, places), 'num'),
      cell(order.size ? show(order.size) : `${show(order.quote_amount)} ${order.market.split('-')[1]}`, 'num'), cell(show(order.filled_size), 'num'),
      cell(STATUS[order.status] ?? order.status),
    ];
    if (known) {
      cells.forEach((fresh, i) => put(known.cells[i], fresh.textContent));
      return known;
    }
    const row = make('tr', {}, ...cells, make('td', { className: 'num' }, change, ' ', button));
    row.dataset.order = order.id;
    return row;
  }

  #drawFills() {
    if (find('pane-fills').hidden) return;
    const fills = this.#shown([...this.#fills.values()]).sort((a, b) => b.time - a.time || b.trade_id - a.trade_id).slice(0, FILLS_KEPT);
    find('fills-empty').hidden = fills.length > 0;
    find('fills').replaceChildren(...fills.map((fill) => {
      const { price_decimals: places = null } = this.#markets[fill.market] ?? {};
      return make('tr', {},
        cell(moment(fill.time), 'muted'), cell(fill.market), sideCell(fill.side), cell(show(fill.price, places), 'num'), cell(show(fill.size), 'num'),
        cell(`${show(fill.quote)} ${fill.market.split('-')[1]}`, 'num'), cell(`${show(fill.fee)} ${fill.fee_asset}`, 'num'),
        cell(fill.liquidity === 'maker' ? 'Maker' : 'Taker'), cell(String(fill.order_id), 'num muted'));
    }));
  }

  #drawBalances() {
    if (find('pane-balances').hidden || !this.balances) return;
    const balances = [...this.balances.values()].filter(({ available, held }) => !isZero(available) || !isZero(held));
    find('balances-empty').hidden = balances.length > 0;
    find('balances').replaceChildren(...balances.map(({ asset, available, held }) =>
      make('tr', {}, cell(asset), cell(show(available), 'num'), cell(show(held), 'num muted'), cell(show(add(available, held)), 'num'))));
  }

  #change(id) {
    const order = this.#orders.get(id);
    if (order) this.#amend.open(order, order.market === this.#market.symbol ? this.#market : {});
  }

  // The answer has what changed; the whole order comes by the socket, maybe before it.
  #amended({ id, fills, ...changes }) {
    const known = this.#orders.get(id);
    if (known && known.sequence < changes.sequence) this.#takeOrder({ ...known, ...changes });
    this.#toast(fills.length ? `Order ${id} changed, and traded` : `Order ${id} changed`);
    this.#changed();
  }

  async #cancel(id, button) {
    button.disabled = true;
    try {
      await remove(`/orders/${id}`);
      this.#orders.delete(id);
      this.#ended.add(id);
      this.#toast(`Order ${id} canceled`);
    } catch (problem) {
      button.disabled = false;
      this.#toast(problem.code === 'unknown_order' ? `Order ${id} is no longer open` : problem.message, true);
    }
    this.#changed();
  }

  async #cancelAll() {
    try {
      const { order_ids: ids } = await remove(find('only-here').checked ? `/orders?market=${this.#market.symbol}` : '/orders');
      for (const id of ids) {
        this.#orders.delete(id);
        this.#ended.add(id);
      }
      this.#toast(ids.length === 1 ? '1 order canceled' : `${ids.length} orders canceled`);
    } catch (problem) {
      this.#toast(problem.message, true);
    }
    this.#changed();
  }

  #tabs() {
    const tabs = [...document.querySelectorAll('.mine [role=tab]')];
    const choose = (chosen) => {
      for (const tab of tabs) {
        tab.setAttribute('aria-selected', String(tab === chosen));
        tab.tabIndex = tab === chosen ? 0 : -1;
        find(tab.getAttribute('aria-controls')).hidden = tab !== chosen;
      }
      find('cancel-all').hidden = chosen.id !== 'tab-orders';
      this.draw();
    };
    for (const [i, tab] of tabs.entries()) {
      tab.addEventListener('click', () => choose(tab));
      tab.addEventListener('keydown', (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const next = tabs[(i + step + tabs.length) % tabs.length];
        next.focus();
        choose(next);
      });
    }
  }
}
