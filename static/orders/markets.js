// The list of markets with live tickers.

import { compare, show } from '../exchange/decimal.js';
import { find, put } from '../exchange/dom.js';
import { showState, socketUrl, Stream } from '../exchange/stream.js';

const page = JSON.parse(find('page-data').textContent);
const stream = new Stream({ url: socketUrl(page), onState: showState(find('connection')), signedIn: false });

function listen(row, { price_decimals: places, base }) {
  const part = (name) => row.querySelector(`.${name}`);
  let before = null;
  stream.subscribe({ channel: 'ticker', market: row.dataset.market }, ({ ticker }) => {
    const moved = before && ticker.last ? compare(ticker.last, before) : 0;
    if (moved) {
      part('last').classList.toggle('rose', moved > 0);
      part('last').classList.toggle('fell', moved < 0);
    }
    before = ticker.last;
    const change = Number(ticker.change_percent ?? 0);
    put(part('last'), show(ticker.last, places));
    put(part('change'), ticker.change_percent === null ? '–' : `${change > 0 ? '+' : ''}${show(ticker.change_percent, 2)} %`);
    part('change').classList.toggle('up', change > 0);
    part('change').classList.toggle('down', change < 0);
    put(part('high'), show(ticker.high, places));
    put(part('low'), show(ticker.low, places));
    put(part('volume'), `${show(ticker.volume, 2)} ${base}`);
    part('state').hidden = ticker.state === 'open';
    put(part('state'), ticker.state.replace('_', '-'));
  });
}

for (const row of document.querySelectorAll('tr[data-market]')) listen(row, page.markets[row.dataset.market]);
stream.open();
