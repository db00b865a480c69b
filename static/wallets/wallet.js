// Balances, deposits and withdrawals over REST; asked for again every few seconds while something is on its way.

import { get, post, remove } from '../exchange/api.js';
import { find, make, moment, put } from '../exchange/dom.js';

const EVERY_MS = 3000;
// Not a secret, only unlike any other of this account's; pages without https have no randomUUID.
const newReference = () => `web-${Date.now()}-${Math.random().toString(36).slice(2, 10)}`;
const cell = (text, className = '') => make('td', { textContent: text, className });
const short = (text) => (text ? `${text.slice(0, 8)}…${text.slice(-4)}` : '–');
const titled = (text) => make('td', {}, make('code', { textContent: short(text), title: text ?? '' }));

// What a withdrawal's status means for its owner.
const STATUS = {
  requested: 'asked for', held: 'held', sending: 'being carried out', releasing: 'being given back', completing: 'leaving',
  refused: 'refused', released: 'given back', completed: 'waits for a block',
};
const ON_CHAIN = { in_block: (row) => `in block ${row.block}`, claimable: () => 'claimable', claimed: () => 'claimed' };
const said = (row) => (row.chain_status ? ON_CHAIN[row.chain_status](row) : row.address || row.status !== 'completed' ? STATUS[row.status] : 'completed');

function button(text, label, act) {
  const one = make('button', { type: 'button', className: 'quiet', textContent: text });
  one.setAttribute('aria-label', label);
  one.addEventListener('click', async () => {
    one.disabled = true;
    await act().then(load).catch(complain);
    one.disabled = false;
  });
  return one;
}

function withdrawal(row) {
  const action = make('td', { className: 'num' });
  const path = `/withdrawals/${row.id}`;
  if (row.status === 'held') action.append(button('Cancel', `Cancel withdrawal ${row.id}`, () => remove(path)));
  if (row.chain_status === 'claimable') action.append(button('Claim', `Claim withdrawal ${row.id}`, () => post(`${path}/claim`, {})));
  return make('tr', {}, cell(moment(row.created_at)), cell(row.asset), cell(row.amount, 'num'), titled(row.address), cell(said(row)), action);
}

const deposit = (row) => make('tr', {}, cell(moment(row.created_at)), cell(row.asset), cell(row.amount, 'num'), cell(row.status), titled(row.tx));
const balance = (row) => make('tr', {}, cell(row.asset), cell(row.available, 'num'), cell(row.held, 'num'));
const complain = (problem) => put(find('wrong'), problem.message);

async function load() {
  const [{ balances }, { deposits }, { withdrawals }] = await Promise.all([
    get('/balances'), get('/deposits?limit=20'), get('/withdrawals?limit=20'),
  ]);
  find('balances').replaceChildren(...balances.map(balance));
  find('balances-empty').hidden = balances.length > 0;
  find('balances-table').setAttribute('aria-busy', 'false');
  find('deposits').replaceChildren(...deposits.map(deposit));
  find('withdrawals').replaceChildren(...withdrawals.map(withdrawal));
}

async function showAddress() {
  let at;
  try {
    at = await get('/deposit-address');
  } catch (problem) {
    put(find('deposit-how'), problem.code === 'no_chain' ? 'An operator credits deposits here.' : problem.message);
    return;
  }
  put(find('deposit-how'), `Approve the contract for a token on chain ${at.chain_id}, then call its deposit with your account's number, the token's and the atoms. It is credited after ${at.confirmations} block${at.confirmations === 1 ? '' : 's'}.`);
  put(find('contract'), at.contract);
  put(find('number'), at.account_number === null ? 'being registered…' : String(at.account_number));
  put(find('custody'), at.custody === 'exchange' ? 'the exchange' : 'you');
  find('tokens').replaceChildren(...at.tokens.map((token) => make('tr', {}, cell(token.asset), make('td', {}, make('code', { textContent: token.address })))));
  find('deposit-address').hidden = find('tokens-table').hidden = false;
  if (at.account_number === null) setTimeout(showAddress, EVERY_MS);
}

find('withdraw').addEventListener('submit', async (event) => {
  event.preventDefault();
  put(find('wrong'), '');
  const data = new FormData(event.target);
  const body = { asset: data.get('asset'), amount: data.get('amount').trim(), reference: newReference() };
  if (data.has('address')) body.address = data.get('address').trim();
  try {
    await post('/withdrawals', body);
    event.target.reset();
    await load();
  } catch (problem) {
    complain(problem);
  }
});

find('test-funds')?.addEventListener('click', async (event) => {
  event.target.disabled = true;
  try {
    const { funds } = await post('/test-funds', {});
    put(find('deposit-said'), `On their way: ${funds.map((one) => `${one.amount} ${one.asset}`).join(', ')}. More in an hour.`);
  } catch (problem) {
    put(find('deposit-said'), problem.message);
  }
  event.target.disabled = false;
});

showAddress();
load().catch(complain);
setInterval(() => document.hidden || load().catch(complain), EVERY_MS);
