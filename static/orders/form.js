// The order form: checks what can be checked here, sends exact text, and says clearly what was answered.

import { post, Problem } from '../exchange/api.js';
import { compare, divideDown, floorTo, isDecimal, isMultiple, isZero, multiply, normal, show } from '../exchange/decimal.js';
import { find, put } from '../exchange/dom.js';
import { describe, fieldOf } from './problems.js';
import { describePlaced } from './words.js';

const FIELDS = ['stop_price', 'price', 'size', 'expires_at'];
const PPM = '0.000001';

export class OrderForm {
  #market;
  #form = find('ticket');
  #balances = () => null;
  #quotes = () => ({});
  #onPlaced;
  #isBusy = false;

  // `balances()` gives a Map of asset to {available}, `quotes()` the best prices {bid, ask, last}.
  constructor({ market, balances, quotes, onPlaced }) {
    this.#market = market;
    this.#balances = balances;
    this.#quotes = quotes;
    this.#onPlaced = onPlaced;
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#form.addEventListener('input', (event) => this.#changed(event.target));
    find('available').addEventListener('click', () => this.#share('100'));
    for (const button of this.#form.querySelectorAll('[data-share]')) button.addEventListener('click', () => this.#share(button.dataset.share));
    this.refresh();
  }

  // A price picked from the book.
  pick(price) {
    if (this.#kind === 'market') this.#choose('kind', 'limit');
    this.#input('price').value = price;
    this.#say('');
    this.refresh();
  }

  // Shows what follows from the fields and from what is known by now.
  refresh() {
    const kind = this.#kind;
    for (const part of this.#form.querySelectorAll('[data-for]')) part.hidden = !part.dataset.for.split(' ').includes(kind);
    find('expiry').hidden = kind === 'market' || find('tif').value !== 'gtd';
    // Only orders without a limit price may be given by amount.
    const byAmount = kind === 'market' || (kind === 'stop' && !this.#text('price') && this.#side === 'buy');
    find('unit').disabled = !byAmount;
    if (!byAmount) find('unit').value = 'base';
    find('post_only').disabled = !['gtc', 'gtd'].includes(find('tif').value);
    put(find('size-label'), find('unit').value === 'quote' ? 'Amount' : 'Size');
    const button = find('submit');
    if (button) {
      button.className = `go ${this.#side}`;
      put(button, `${this.#side === 'buy' ? 'Buy' : 'Sell'} ${this.#market.base}`);
      button.disabled = this.#isBusy;
    }
    const spent = this.#spent;
    put(find('available'), spent.available === null ? '–' : `${show(spent.available)} ${spent.asset}`);
    this.#showValue();
  }

  get #kind() { return this.#form.elements.kind.value; }
  get #side() { return this.#form.elements.side.value; }
  #input(name) { return find(name); }
  #text(name) { return this.#input(name).value.trim(); }
  #choose(name, value) { this.#form.elements[name].value = value; }

  // What the chosen side gives: its asset and how much of it is free; null when not known.
  get #spent() {
    const asset = this.#side === 'buy' ? this.#market.quote : this.#market.base;
    const balances = this.#balances();
    return { asset, available: balances ? balances.get(asset)?.available ?? '0' : null };
  }

  // The price an order will be worth about: its own, or what the market offers now.
  #likelyPrice() {
    const { bid, ask, last } = this.#quotes();
    if (this.#kind === 'market') return (this.#side === 'buy' ? ask : bid) ?? last ?? null;
    const price = this.#text('price') || (this.#kind === 'stop' ? this.#text('stop_price') : '');
    return price && isDecimal(price) && !isZero(price) ? price : null;
  }

  #showValue() {
    const { base, quote, price_decimals: priceDecimals, size_decimals: sizeDecimals, taker_fee: fee } = this.#market;
    const size = this.#text('size');
    const price = this.#likelyPrice();
    const known = size && isDecimal(size) && !isZero(size) && price;
    const isAmount = find('unit').value === 'quote';
    put(find('value-label'), isAmount ? 'Size, about' : this.#kind === 'limit' ? 'Value' : 'Value, about');
    if (!known) {
      put(find('value'), '–');
      put(find('fee'), '–');
      return;
    }
    const inBase = isAmount ? divideDown(size, price, this.#market.lot) : size;
    const inQuote = isAmount ? size : multiply(size, price);
    put(find('value'), isAmount ? `${show(inBase, sizeDecimals)} ${base}` : `${show(inQuote, priceDecimals + 2)} ${quote}`);
    // The fee is taken from what is received.
    put(find('fee'), this.#side === 'buy' ? `${show(multiply(inBase, fee), sizeDecimals + 3)} ${base}` : `${show(multiply(inQuote, fee), priceDecimals + 3)} ${quote}`);
  }

  #share(percent) {
    const { available } = this.#spent;
    if (available === null) return;
    const part = multiply(available, multiply(percent, '0.01'));
    const isAmount = find('unit').value === 'quote';
    if (this.#side === 'sell' && !isAmount) this.#input('size').value = floorTo(part, this.#market.lot);
    else if (this.#side === 'buy' && isAmount) this.#input('size').value = floorTo(part, this.#market.quote_step);
    else {
      const price = this.#likelyPrice();
      if (!price) {
        this.#mark('price', 'Give a price first');
        return;
      }
      this.#input('size').value = isAmount ? floorTo(multiply(part, price), this.#market.quote_step) : divideDown(part, price, this.#market.lot);
    }
    this.#changed(this.#input('size'));
  }

  #changed(field) {
    this.#say('');
    if (FIELDS.includes(field.id)) this.#mark(field.id, '');
    // What was wrong in one field may be right with the new choice.
    else for (const name of FIELDS) this.#mark(name, '');
    this.refresh();
  }

  #mark(name, message) {
    put(find(`${name}-error`), message);
    find(`${name}-error`).title = message;
    const input = this.#input(name);
    input.closest('.entry').classList.toggle('bad', Boolean(message));
    if (message) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  }

  #say(text, kind = '') {
    const outcome = find('outcome');
    outcome.className = `outcome ${kind}`;
    put(outcome, text);
  }

  // Errors by field of what is sure to be refused.
  #check() {
    const { tick, lot, min_size: least, max_size: most, min_notional: worth, quote } = this.#market;
    const errors = {};
    const kind = this.#kind;
    const prices = kind === 'market' ? [] : kind === 'limit' ? ['price'] : ['stop_price', ...(this.#text('price') ? ['price'] : [])];
    for (const name of prices) errors[name] = this.#checkStep(this.#text(name), tick, 'The tick size is');
    const size = this.#text('size');
    const isAmount = find('unit').value === 'quote';
    errors.size = this.#checkStep(size, isAmount ? this.#market.quote_step : lot, isAmount ? 'The smallest step is' : 'The lot size is');
    if (!errors.size && !isAmount && compare(size, least) < 0) errors.size = `At least ${show(least)}`;
    if (!errors.size && !isAmount && compare(size, most) > 0) errors.size = `At most ${show(most)}`;
    const price = this.#likelyPrice();
    if (!errors.size && price && compare(isAmount ? size : multiply(size, price), worth) < 0) errors.size = `Worth at least ${show(worth)} ${quote}`;
    if (!find('expiry').hidden && !(new Date(find('expires_at').value) > new Date())) errors.expires_at = 'A time in the future';
    return Object.entries(errors).filter(([, message]) => message);
  }

  #checkStep(text, step, sentence) {
    if (!text) return 'Give a number';
    if (!isDecimal(text)) return 'A plain decimal number, like 0.015';
    if (isZero(text)) return 'Above zero';
    return isMultiple(text, step) ? '' : `${sentence} ${step}`;
  }

  #order() {
    const kind = this.#kind;
    const price = kind === 'market' ? '' : this.#text('price');
    const isLimit = kind === 'limit' || (kind === 'stop' && price);
    const order = {
      market: this.#market.symbol, side: this.#side, type: isLimit ? 'limit' : 'market',
      [find('unit').value === 'quote' ? 'quote_amount' : 'size']: normal(this.#text('size')),
      client_id: `web-${crypto.getRandomValues(new Uint32Array(4)).join('-')}`.slice(0, 64),
    };
    if (isLimit) Object.assign(order, { price: normal(price), tif: find('tif').value });
    if (kind === 'stop') order.stop_price = normal(this.#text('stop_price'));
    if (kind === 'limit' && find('post_only').checked && !find('post_only').disabled) order.post_only = true;
    if (isLimit && order.tif === 'gtd') order.expires_at = new Date(find('expires_at').value).getTime();
    return order;
  }

  async #submit() {
    if (this.#isBusy || !find('submit')) return;
    for (const name of FIELDS) this.#mark(name, '');
    const errors = this.#check();
    if (errors.length) {
      for (const [name, message] of errors) this.#mark(name, message);
      this.#input(errors[0][0]).focus();
      return;
    }
    this.#isBusy = true;
    this.#say('Sending…');
    this.refresh();
    try {
      const order = await this.#send(this.#order());
      this.#say(describePlaced(order, this.#market), 'good');
      this.#input('size').value = '';
      this.#onPlaced(order);
    } catch (problem) {
      this.#refused(problem);
    }
    this.#isBusy = false;
    this.refresh();
  }

  // The client id makes a second try safe: an order that was placed is answered, not placed again.
  async #send(order) {
    try {
      return await post('/orders', order);
    } catch (problem) {
      if (!['unknown_outcome', 'unreachable', 'overloaded'].includes(problem.code)) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 600));
      return post('/orders', order);
    }
  }

  #refused(problem) {
    if (!(problem instanceof Problem)) throw problem;
    const message = describe(problem, this.#market);
    this.#say(message, 'bad');
    const field = fieldOf(problem);
    if (field && !this.#input(field).closest('[hidden]')) {
      this.#mark(field, problem.title);
      this.#input(field).focus();
    }
  }
}

export const asShare = (ppm) => multiply(String(ppm), PPM);
