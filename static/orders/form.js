// The order form: checks what can be checked here, sends exact text, and says clearly what was answered.

import { post, Problem } from '../exchange/api.js';
import { compare, divideDown, floorTo, isDecimal, isMultiple, isZero, multiply, show } from '../exchange/decimal.js';
import { find, put } from '../exchange/dom.js';
import { requestOf } from './order-body.js';
import { describe, fieldOf } from './problems.js';
import { describeList, describePlaced } from './words.js';

const FIELDS = ['trail_percent', 'stop_price', 'stop_limit', 'price', 'size', 'expires_at', 'display_size'];
// Of a trail, in percent; its step is 0.0001.
const TRAIL = { least: '0.01', most: '50', step: '0.0001' };
const PARTS_MAX = '100';
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
    const isTrailing = this.#isTrailing;
    find('expiry').hidden = !['limit', 'stop'].includes(kind) || find('tif').value !== 'gtd';
    find('trailing').hidden = !isTrailing;
    put(find('stop-label'), isTrailing ? 'Begin at' : kind === 'stop' && find('trigger').value === 'take_profit' ? 'Take profit at' : 'Stop price');
    find('stop-hint').hidden = !isTrailing;
    // Only orders without a limit price may be given by amount.
    const byAmount = kind === 'market' || (kind === 'stop' && !this.#text('price') && this.#side === 'buy');
    find('unit').disabled = !byAmount;
    if (!byAmount) find('unit').value = 'base';
    const mayRest = ['gtc', 'gtd'].includes(find('tif').value);
    find('post_only').disabled = !mayRest;
    find('display_size').disabled = !mayRest || (kind === 'stop' && !this.#text('price'));
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
  get #isTrailing() { return this.#kind === 'stop' && find('trigger').value === 'trailing'; }
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
    const price = this.#text('price') || (this.#kind === 'stop' ? this.#text('stop_price') || (this.#isTrailing ? last ?? '' : '') : '');
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
    const fold = input.closest('details');
    if (message && fold) fold.open = true;
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
    for (const name of this.#prices()) errors[name] = this.#checkStep(this.#text(name), tick, 'The tick size is');
    if (this.#isTrailing) errors.trail_percent = this.#checkTrail(this.#text('trail_percent'));
    if (kind === 'oco' && !errors.price && !errors.stop_price) errors.stop_price = this.#checkOco(this.#text('price'), this.#text('stop_price'));
    const size = this.#text('size');
    const isAmount = find('unit').value === 'quote';
    errors.size = this.#checkStep(size, isAmount ? this.#market.quote_step : lot, isAmount ? 'The smallest step is' : 'The lot size is');
    if (!errors.size && !isAmount && compare(size, least) < 0) errors.size = `At least ${show(least)}`;
    if (!errors.size && !isAmount && compare(size, most) > 0) errors.size = `At most ${show(most)}`;
    const price = this.#likelyPrice();
    if (!errors.size && price && compare(isAmount ? size : multiply(size, price), worth) < 0) errors.size = `Worth at least ${show(worth)} ${quote}`;
    if (!errors.size && this.#shows) errors.display_size = this.#checkParts(this.#shows, size);
    if (!find('expiry').hidden && !(new Date(find('expires_at').value) > new Date())) errors.expires_at = 'A time in the future';
    return Object.entries(errors).filter(([, message]) => message);
  }

  #checkStep(text, step, sentence) {
    if (!text) return 'Give a number';
    if (!isDecimal(text)) return 'A plain decimal number, like 0.015';
    if (isZero(text)) return 'Above zero';
    return isMultiple(text, step) ? '' : `${sentence} ${step}`;
  }

  // The fields of prices that must be right for the chosen kind.
  #prices() {
    const given = (name) => (this.#text(name) ? [name] : []);
    switch (this.#kind) {
      case 'limit': return ['price'];
      case 'stop': return [...(this.#isTrailing ? given('stop_price') : ['stop_price']), ...given('price')];
      case 'oco': return ['stop_price', ...given('stop_limit'), 'price'];
      default: return [];
    }
  }

  // What an iceberg shows; empty for an order that is none.
  get #shows() {
    return ['limit', 'stop'].includes(this.#kind) && !find('display_size').disabled ? this.#text('display_size') : '';
  }

  #checkTrail(text) {
    const error = this.#checkStep(text, TRAIL.step, 'The smallest step is');
    if (error) return error;
    return compare(text, TRAIL.least) < 0 || compare(text, TRAIL.most) > 0 ? `From ${TRAIL.least} to ${TRAIL.most}` : '';
  }

  #checkOco(price, stop) {
    const isSell = this.#side === 'sell';
    if (compare(price, stop) * (isSell ? 1 : -1) > 0) return '';
    return `To ${this.#side}, the stop lies ${isSell ? 'below' : 'above'} the price`;
  }

  #checkParts(shown, size) {
    const { lot, min_size: least } = this.#market;
    const error = this.#checkStep(shown, lot, 'The lot size is');
    if (error) return error;
    if (compare(shown, least) < 0) return `At least ${show(least)}`;
    return compare(multiply(shown, PARTS_MAX), size) < 0 ? `At least a ${PARTS_MAX}th of the size` : '';
  }

  #request() {
    const fields = Object.fromEntries(FIELDS.map((name) => [name, this.#text(name)]));
    Object.assign(fields, {
      kind: this.#kind, side: this.#side, unit: find('unit').value, tif: find('tif').value, trigger: find('trigger').value, stp: find('stp').value,
      postOnly: find('post_only').checked && !find('post_only').disabled, display_size: this.#shows, expiresAt: new Date(find('expires_at').value).getTime(),
    });
    return requestOf(fields, this.#market.symbol, this.#quotes().last ?? null);
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
      const placed = await this.#send(this.#request());
      this.#say(placed.orders ? describeList(placed) : describePlaced(placed, this.#market), 'good');
      this.#input('size').value = '';
      for (const order of placed.orders ?? [placed]) this.#onPlaced(order);
    } catch (problem) {
      this.#refused(problem);
    }
    this.#isBusy = false;
    this.refresh();
  }

  // The client id makes a second try safe: an order that was placed is answered, not placed again.
  async #send({ path, body }) {
    try {
      return await post(path, body);
    } catch (problem) {
      if (!['unknown_outcome', 'unreachable', 'overloaded'].includes(problem.code)) throw problem;
      await new Promise((resolve) => setTimeout(resolve, 600));
      return post(path, body);
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
