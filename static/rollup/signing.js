// What the key signs, and what the wallet pays in: deposits, orders, withdrawals, each followed until it is done.

import { get, post, remove } from '../exchange/api.js';
import { find, make, put } from '../exchange/dom.js';
import { here, load, onLoad, say, working } from './custody.js';
import { atomsOf, orderBody, withdrawalBody } from './signer.js';
import { connect, deposit, short } from './wallet.js';

const EVERY_MS = 2000;
const VALID_S = 24 * 3600;
const ENDED = new Set(['filled', 'canceled', 'expired']);
const pause = () => new Promise((done) => { setTimeout(done, EVERY_MS); });
// Not a secret, only unlike any other of this account's; pages without https have no randomUUID.
const newReference = () => `web-${Date.now()}-${Math.random().toString(36).slice(2, 10)}`;
const fields = (form) => Object.fromEntries([...new FormData(form)].map(([name, value]) => [name, value.trim()]));
const tokenOf = (asset) => here.terms.tokens.find((one) => one.asset === asset);

async function showFunds() {
  const { balances } = await get('/balances');
  const all = balances.map(({ asset, available, held }) => `${available} ${asset}${held === '0' ? '' : ` (and ${held} held)`}`);
  put(find('funds'), all.length ? `In your account: ${all.join(', ')}.` : 'There is nothing in your account yet.');
}

onLoad(() => {
  const hasNumber = here.terms.nonce !== null && here.terms.linked?.custody === 'user';
  find('pay-in').disabled = !hasNumber || !here.address;
  if (find('test-funds')) find('test-funds').disabled = !hasNumber;
  find('place').disabled = !here.isReady();
  find('leave').disabled = !here.isReady();
  if (here.address && !find('recipient').value) find('recipient').value = here.address;
  if (hasNumber) showFunds().catch((error) => say('deposit-wrong', error));
});

find('deposit').addEventListener('submit', (event) => {
  event.preventDefault();
  const { asset, amount } = fields(event.target);
  const tell = (text) => put(find('paid-in'), text);
  tell('');
  working('pay-in', 'deposit-wrong', async () => {
    const token = tokenOf(asset);
    const atoms = atomsOf(amount, token);
    if (!token.address) throw new Error(`The contract has no ${asset}.`);
    here.address = await connect(here.terms.chain_id);
    const before = (await get('/deposits?limit=1')).deposits[0]?.id ?? 0;
    const { contract, linked } = here.terms;
    await deposit({ contract, from: here.address, number: linked.number, token: token.token, address: token.address, atoms }, tell);
    tell('Deposit: on the chain. It is credited when the chain has confirmed it.');
    event.target.reset();
    for (;;) {
      const [newest] = (await get('/deposits?limit=1')).deposits;
      if (newest && newest.id > before && newest.status === 'credited') break;
      await pause();
    }
    tell(`Credited: ${amount} ${asset}.`);
    await showFunds();
  });
});

find('test-funds')?.addEventListener('click', () => working('test-funds', 'deposit-wrong', async () => {
  const { funds } = await post('/test-funds', {});
  put(find('paid-in'), `On their way: ${funds.map(({ amount, asset }) => `${amount} ${asset}`).join(', ')}. More in an hour.`);
}));

// What becomes of an order that was placed: a line of its own, with a button while it is open.
async function followOrder(order) {
  const text = make('span');
  const cancel = make('button', { type: 'button', className: 'quiet', textContent: 'Cancel' });
  cancel.addEventListener('click', () => working('place', 'order-wrong', () => remove(`/orders/${order.id}`)));
  find('orders').prepend(make('li', {}, text, ' ', cancel));
  for (let now = order; ; now = await get(`/orders/${order.id}`).catch(() => now)) {
    put(text, `Order ${now.id}, ${now.side} ${now.size} ${now.market} at ${now.price}: ${now.status.replace('_', ' ')}, ${now.filled_size} filled.`);
    if (ENDED.has(now.status)) break;
    await pause();
  }
  cancel.remove();
  await showFunds();
}

find('order').addEventListener('submit', (event) => {
  event.preventDefault();
  const asked = fields(event.target);
  put(find('placed'), '');
  working('place', 'order-wrong', async () => {
    // A leaf may have become free or taken since.
    await load();
    const body = orderBody(here.key, here.terms, { ...asked, validUntil: Math.floor(Date.now() / 1000) + VALID_S });
    const made = await post('/signed/orders', body);
    put(find('placed'), `Order ${made.id} is ${made.status.replace('_', ' ')}.`);
    followOrder(made).catch((error) => say('order-wrong', error));
  });
});

const ON_CHAIN = {
  in_block: ({ block }) => `is in block ${block}, which is being proven`,
  claimable: () => 'can be claimed',
  claimed: () => 'was paid out',
};

async function followWithdrawal(made) {
  const text = make('span');
  const claim = make('button', { type: 'button', className: 'quiet', textContent: 'Claim', hidden: true });
  claim.addEventListener('click', () => working('leave', 'withdraw-wrong', async () => {
    claim.hidden = true;
    await post(`/withdrawals/${made.id}/claim`, {});
  }));
  find('withdrawals').prepend(make('li', {}, text, ' ', claim));
  let isOffered = false;
  for (let now = made; ; now = await get(`/withdrawals/${made.id}`).catch(() => now)) {
    const how = ON_CHAIN[now.chain_status]?.(now) ?? 'waits for a block';
    put(text, `${now.amount} ${now.asset} to ${short(now.address)} ${how}.`);
    if (now.chain_status === 'claimable' && !isOffered) {
      claim.hidden = false;
      isOffered = true;
    }
    if (now.chain_status === 'claimed') break;
    await pause();
  }
  claim.remove();
}

find('withdraw').addEventListener('submit', (event) => {
  event.preventDefault();
  const { asset, amount, recipient: address } = fields(event.target);
  working('leave', 'withdraw-wrong', async () => {
    if (!/^0x[0-9a-fA-F]{40}$/.test(address)) throw new RangeError('An address is 0x and 40 hexadecimal digits.');
    await load();
    const body = withdrawalBody(here.key, here.terms, { asset, amount, address, reference: newReference() });
    const made = await post('/signed/withdrawals', body);
    event.target.elements.amount.value = '';
    followWithdrawal(made).catch((error) => say('withdraw-wrong', error));
    await showFunds();
  });
});

// Those that are on their way from an earlier visit.
get('/withdrawals?limit=20').then(({ withdrawals }) => {
  for (const one of withdrawals.reverse()) {
    if (one.address && one.status === 'completed' && one.chain_status !== 'claimed') followWithdrawal(one).catch((error) => say('withdraw-wrong', error));
  }
}, (error) => say('withdraw-wrong', error));
