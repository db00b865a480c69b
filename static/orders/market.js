// The page of one market: wires the stream to the views.

import { find, make, put } from '../exchange/dom.js';
import { LIVE, showState, socketUrl, Stream } from '../exchange/stream.js';
import { Book } from './book.js';
import { BookView } from './book-view.js';
import { Candles } from './candles.js';
import { Chart } from './chart.js';
import { OrderForm } from './form.js';
import { Mine } from './mine.js';
import { TickerView } from './ticker-view.js';
import { TradesView } from './trades-view.js';

const page = JSON.parse(find('page-data').textContent);
const { market } = page;
const symbol = market.symbol;

let toastTimer = null;
function toast(text, isBad = false) {
  clearTimeout(toastTimer);
  put(find('toast'), text);
  find('toast').classList.toggle('bad', isBad);
  toastTimer = setTimeout(() => put(find('toast'), ''), 5_000);
}

const book = new Book();
const ticker = new TickerView(market);
const trades = new TradesView(market);
let lastPrice = null;
const quotes = () => ({ bid: book.bids.levels[0]?.[0], ask: book.asks.levels[0]?.[0], last: lastPrice });

const mine = page.signed_in
  ? new Mine({ market, markets: page.markets, toast, onChange: () => { bookView.markOwn(mine.ownPrices()); form.refresh(); } })
  : null;
const form = new OrderForm({ market, quotes, balances: () => mine?.balances ?? null, onPlaced: (order) => mine.takePlaced(order) });
const bookView = new BookView({ book, market, onPick: (price) => form.pick(price) });

let sequence = 0;
function seen(number) {
  if (!(number > sequence)) return;
  sequence = number;
  put(find('sequence'), String(number));
}

const shown = showState(find('connection'));
const stream = new Stream({ url: socketUrl(page), signedIn: page.signed_in, onState: (state, seconds) => { shown(state, seconds); if (state === LIVE && candles) refill(candles); } });

const bookTopic = { channel: 'book', market: symbol };
stream.subscribe(bookTopic, (message) => {
  if (!book.take(message)) stream.resync(bookTopic);
  seen(message.last ?? message.sequence);
  bookView.draw();
});
stream.subscribe({ channel: 'trades', market: symbol }, (message) => {
  trades.take(message);
  const newest = message.trades.at(-1);
  if (!newest) return;
  lastPrice = newest.price;
  ticker.showLast(newest.price, newest.side);
  form.refresh();
});
stream.subscribe({ channel: 'ticker', market: symbol }, (message) => {
  lastPrice ??= message.ticker.last;
  ticker.take(message);
});
if (mine) {
  stream.subscribePrivate('orders', (message) => { seen(message.sequence); mine.takeOrders(message); });
  stream.subscribePrivate('lists', (message) => mine.takeLists(message));
  stream.subscribePrivate('fills', (message) => mine.takeFills(message));
  stream.subscribePrivate('balances', (message) => mine.takeBalances(message));
}

// --- Candles
let candles = null;
const chart = new Chart({
  canvas: find('chart'), readout: find('ohlc'), places: market.price_decimals,
  onNearStart: async () => { if (await candles.loadOlder().catch(() => false)) chart.set(candles.list(), candles.stepMs); },
});

function showCandles(shown, reset = false) {
  if (shown !== candles) return;
  const list = shown.list();
  find('chart-empty').hidden = list.length > 0;
  chart.set(list, shown.stepMs, { reset });
}

async function refill(wanted, reset = false) {
  try {
    await wanted.loadNewest();
    showCandles(wanted, reset);
  } catch (problem) {
    toast(`No candles: ${problem.message}`, true);
  }
}

function chooseInterval(interval) {
  for (const button of find('intervals').children) button.setAttribute('aria-pressed', String(button.dataset.interval === interval));
  if (candles) stream.unsubscribe({ channel: 'candles', market: symbol, interval: candles.interval });
  const chosen = new Candles(symbol, interval);
  candles = chosen;
  localStorage.setItem('interval', interval);
  stream.subscribe({ channel: 'candles', market: symbol, interval }, (message) => {
    chosen.take(message);
    showCandles(chosen);
  });
  refill(chosen, true);
}
find('intervals').addEventListener('click', (event) => event.target.dataset.interval && chooseInterval(event.target.dataset.interval));
chooseInterval(page.intervals.includes(localStorage.getItem('interval')) ? localStorage.getItem('interval') : '1m');

find('market-pick').addEventListener('change', (event) => location.assign(event.target.value));
if (page.signed_in && !page.has_account) find('outcome').append(make('span', { textContent: 'This user has no trading account.' }));
stream.open();
