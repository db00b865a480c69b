// Self custody: a key made and kept in this browser, announced to the exchange, registered on the chain by the user's own
// wallet, and orders signed with it.

import { get, post } from '../exchange/api.js';
import { find, put } from '../exchange/dom.js';
import { hexOf, keepKey, linkBody, makeKey, orderBody, publicKey, storedKey } from './signer.js';

const EVERY_MS = 3000;
const VALID_S = 24 * 3600;
const REGISTER = '0xf1c6480d'; // register(uint256,uint256,address)
const word = (number) => BigInt(number).toString(16).padStart(64, '0');

// Buttons are disabled until these are known.
let terms = null;
let key = null;

const say = (id, error) => put(find(id), error ? error.message : '');

function show() {
  const { linked } = terms;
  const isMine = linked?.custody === 'user';
  const point = key && publicKey(key);
  put(find('public-key'), point ? `${point.x}\n${point.y}` : 'none in this browser');
  find('backup').hidden = !key;
  find('make-key').disabled = Boolean(key);
  find('use-key').disabled = false;
  find('announce').disabled = !key || Boolean(linked?.number);
  find('register').disabled = !isMine || linked.status !== 'wanted' || !window.ethereum;
  put(find('standing'), !linked ? 'Not announced yet.'
    : !isMine ? `The exchange holds the key of your account, number ${linked.number ?? 'to be given'}.`
    : linked.number === null ? 'Announced. Register the key on the chain, from the address you named.'
    : `Your account is number ${linked.number} of the contract, and you hold its key.`);
  const isKeyRight = isMine && point && linked.x === String(point.x) && linked.y === String(point.y);
  find('place').disabled = !(isKeyRight && terms.nonce !== null);
  put(find('key-warning'), isMine && linked.number !== null && !isKeyRight ? 'This browser does not have the key of the account.' : '');
}

async function load() {
  terms = await get('/signed');
  key = storedKey(terms.account);
  put(find('contract'), `${terms.contract} on chain ${terms.chain_id}`);
  show();
}

async function poll() {
  await load().then(() => say('trouble'), (error) => say('trouble', error));
  if (!terms?.linked || terms.linked.number === null || (terms.linked.custody === 'user' && terms.nonce === null)) setTimeout(poll, EVERY_MS);
}

find('make-key').addEventListener('click', () => {
  key = makeKey(terms.account);
  show();
});

find('show-secret').addEventListener('click', () => put(find('secret'), hexOf(key)));

find('restore').addEventListener('submit', (event) => {
  event.preventDefault();
  say('key-wrong');
  try {
    key = keepKey(terms.account, new FormData(event.target).get('secret').trim().toLowerCase());
    event.target.reset();
    show();
  } catch (error) {
    say('key-wrong', error);
  }
});

find('link').addEventListener('submit', async (event) => {
  event.preventDefault();
  say('link-wrong');
  try {
    const owner = new FormData(event.target).get('owner').trim();
    if (!/^0x[0-9a-fA-F]{40}$/.test(owner)) throw new RangeError('An address is 0x and 40 hexadecimal digits.');
    await post('/l2/accounts', linkBody(key, terms, owner));
    await load();
  } catch (error) {
    say('link-wrong', error);
  }
});

find('register').addEventListener('click', async () => {
  say('link-wrong');
  try {
    const [from] = await window.ethereum.request({ method: 'eth_requestAccounts' });
    if (BigInt(from) !== BigInt(terms.linked.owner)) throw new RangeError(`The wallet has ${from}; the key was announced for ${terms.linked.owner}.`);
    const data = REGISTER + word(terms.linked.x) + word(terms.linked.y) + word(terms.linked.owner);
    await window.ethereum.request({ method: 'eth_sendTransaction', params: [{ from, to: terms.contract, data }] });
    poll();
  } catch (error) {
    say('link-wrong', error);
  }
});

find('order').addEventListener('submit', async (event) => {
  event.preventDefault();
  say('order-wrong');
  put(find('placed'), '');
  const asked = Object.fromEntries(new FormData(event.target));
  try {
    // A leaf may have become free or taken since.
    await load();
    const body = orderBody(key, terms, { ...asked, price: asked.price.trim(), size: asked.size.trim(), validUntil: Math.floor(Date.now() / 1000) + VALID_S });
    const made = await post('/signed/orders', body);
    put(find('placed'), `Order ${made.id} is ${made.status.replace('_', ' ')}.`);
  } catch (error) {
    say('order-wrong', error);
  }
});

poll();
