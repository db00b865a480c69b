// What the parts of the page of self custody share: how things stand, and telling the user.

import { get } from '../exchange/api.js';
import { find, put } from '../exchange/dom.js';
import { publicKey, storedKey } from './signer.js';

// Buttons are disabled until `terms` are known. `address`: the connected wallet's.
export const here = {
  terms: null,
  key: null,
  address: null,
  isKeyRight() {
    const { linked } = this.terms;
    const point = this.key && publicKey(this.key);
    return Boolean(point) && linked?.custody === 'user' && linked.x === String(point.x) && linked.y === String(point.y);
  },
  isReady() {
    return this.isKeyRight() && this.terms.nonce !== null;
  },
};

const drawers = [];
export const onLoad = (draw) => drawers.push(draw);

export async function load() {
  here.terms = await get('/signed');
  here.key = storedKey(here.terms.account);
  for (const draw of drawers) draw();
}

export const say = (id, error) => put(find(id), error ? error.message : '');

// A button's work: it can't be asked for twice, and what goes wrong is told beside it.
const busy = new Set();
export const isBusy = (id) => busy.has(id);

export async function working(id, wrong, act) {
  if (busy.has(id)) return;
  say(wrong);
  busy.add(id);
  find(id).setAttribute('aria-busy', 'true');
  try {
    await act();
  } catch (error) {
    say(wrong, error);
  } finally {
    busy.delete(id);
    find(id).removeAttribute('aria-busy');
  }
}
