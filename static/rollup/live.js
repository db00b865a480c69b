// Asks an address again and again while the page is looked at, and says in the header whether it answers.

import { get } from '../exchange/api.js';
import { find, put } from '../exchange/dom.js';

const EVERY_MS = 2_000;

export function follow(path, draw) {
  const state = (name, text) => {
    find('connection').dataset.state = name;
    put(find('connection').querySelector('.text'), text);
  };
  const ask = async () => {
    try {
      draw(await get(path));
      state('live', 'Live');
    } catch {
      state('waiting', 'No connection');
    }
  };
  const again = async () => {
    if (!document.hidden) await ask();
    setTimeout(again, EVERY_MS);
  };
  again();
}
