// The list of blocks: the newest are asked for all the time, older ones when somebody wants them.

import { get } from '../exchange/api.js';
import { find, make, moment, put } from '../exchange/dom.js';
import { follow } from './live.js';
import { count, seconds, shortHash, waiting } from './words.js';

const PAGE = 50;
const page = JSON.parse(find('page-data').textContent);
const rows = new Map();

function newRow(number) {
  const link = make('a', { href: `/blocks/${number}/` }, String(number));
  const cells = {
    status: make('span', { className: 'status' }), slots: make('td', { className: 'num' }), trades: make('td', { className: 'num' }),
    proof: make('td', { className: 'num wide-only' }), gas: make('td', { className: 'num wide-only' }),
    transaction: make('code'), sealed: make('td', { className: 'num' }),
  };
  const head = make('th', { scope: 'row' }, link);
  const row = make('tr', {}, head, make('td', {}, cells.status), cells.slots, cells.trades, cells.proof, cells.gas,
    make('td', { className: 'wide-only' }, cells.transaction), cells.sealed);
  row.dataset.block = number;
  return { row, cells };
}

function drawBlock(block) {
  let known = rows.get(block.number);
  if (!known) {
    known = newRow(block.number);
    rows.set(block.number, known);
    const after = [...rows.keys()].filter((number) => number < block.number).sort((a, b) => b - a)[0];
    find('blocks').insertBefore(known.row, after === undefined ? null : rows.get(after).row);
  }
  const { row, cells } = known;
  cells.status.dataset.status = block.status;
  put(cells.status, block.status);
  row.title = block.reason ?? '';
  put(cells.slots, count(block.slots));
  put(cells.trades, count(block.trades));
  put(cells.proof, seconds(block.proof_ms));
  put(cells.gas, count(block.gas));
  put(cells.transaction, shortHash(block.l1_tx));
  put(cells.sealed, moment(block.sealed_at));
}

function drawBacklog(backlog) {
  put(find('unproven'), waiting(backlog.unproven));
  put(find('unsettled'), waiting(backlog.unsettled));
  put(find('proof-time'), seconds(backlog.proof_ms));
  put(find('gas-per-slot'), count(backlog.gas_per_slot));
  find('trouble').hidden = !backlog.reason;
  put(find('trouble'), backlog.reason ?? '');
}

function draw({ blocks, backlog }) {
  for (const block of blocks) drawBlock(block);
  drawBacklog(backlog);
  find('empty').hidden = rows.size > 0;
  if (blocks.length && find('keys')) find('keys').hidden = blocks.some(({ proved_at: at }) => at !== null);
}

let cursor = null;

function offerMore(next) {
  cursor = next;
  find('more').hidden = next === null;
}

if (find('blocks')) {
  draw(page);
  let first = true;
  follow(`/blocks?limit=${PAGE}`, (answer) => {
    draw(answer);
    if (first) offerMore(answer.next_cursor);
    first = false;
  });
  find('more').addEventListener('click', async () => {
    const answer = await get(`/blocks?limit=${PAGE}&cursor=${encodeURIComponent(cursor)}`);
    for (const block of answer.blocks) drawBlock(block);
    offerMore(answer.next_cursor);
  });
}
