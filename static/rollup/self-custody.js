// Self custody: a key made and kept in this browser, registered on the chain by the user's own wallet; what it signs is in
// signing.js.

import { post } from '../exchange/api.js';
import { find, put } from '../exchange/dom.js';
import { here, load, onLoad, say, working } from './custody.js';
import { hexOf, keepKey, linkBody, makeKey, publicKey } from './signer.js';
import { connect, hasWallet, onChange, register, short } from './wallet.js';

const EVERY_MS = 3000;
const ADDRESS = /^0x[0-9a-fA-F]{40}$/;

function standing({ linked, nonce }) {
  if (!linked) return 'Not announced yet.';
  if (linked.custody !== 'user') return `The exchange holds the key of your account, number ${linked.number ?? 'to be given'}. An account that had money before stays so: sign up for another one.`;
  if (linked.number === null) return 'Announced. Register the key on the chain, from the address you named.';
  if (nonce === null) return `Your account is number ${linked.number} of the contract. The exchange waits until that is confirmed.`;
  return `Your account is number ${linked.number} of the contract, and you hold its key.`;
}

onLoad(() => {
  const { terms, key, address } = here;
  const { linked } = terms;
  const isTheirs = linked !== null && linked.custody !== 'user';
  const hasNumber = Boolean(linked) && linked.number !== null;
  const point = key && publicKey(key);
  put(find('contract'), `${terms.contract} on chain ${terms.chain_id}`);
  put(find('public-key'), point ? `${point.x}\n${point.y}` : 'none in this browser');
  find('backup').hidden = !key;
  find('make-key').hidden = Boolean(key);
  find('make-key').disabled = isTheirs || hasNumber;
  find('use-key').disabled = isTheirs;
  find('announce').disabled = !key || hasNumber || isTheirs;
  find('connect').disabled = !hasWallet();
  put(find('connect'), address ? 'Connect another address' : 'Connect my wallet');
  put(find('wallet'), address ? `Connected: ${address}` : hasWallet() ? 'Not connected.' : 'There is no wallet in this browser. One that speaks EIP-1193, as an extension, is what this page can use.');
  find('register').hidden = find('elsewhere').hidden = hasNumber;
  find('register').disabled = !key || !address || hasNumber || isTheirs;
  put(find('standing'), standing(terms));
  put(find('key-warning'), linked?.custody === 'user' && hasNumber && !here.isKeyRight() ? 'This browser does not have the key of the account: use the one that you wrote down.' : '');
});

async function poll() {
  await load().then(() => say('trouble'), (error) => say('trouble', error));
  const linked = here.terms?.linked;
  if (!linked || (linked.custody === 'user' && here.terms.nonce === null)) setTimeout(poll, EVERY_MS);
}

find('make-key').addEventListener('click', () => {
  makeKey(here.terms.account);
  load();
});

find('show-secret').addEventListener('click', () => put(find('secret'), hexOf(here.key)));

find('restore').addEventListener('submit', (event) => {
  event.preventDefault();
  say('key-wrong');
  try {
    keepKey(here.terms.account, new FormData(event.target).get('secret').trim().toLowerCase());
    event.target.reset();
    load();
  } catch (error) {
    say('key-wrong', error);
  }
});

async function announce(owner) {
  if (!ADDRESS.test(owner)) throw new RangeError('An address is 0x and 40 hexadecimal digits.');
  await post('/l2/accounts', linkBody(here.key, here.terms, owner));
  await load();
}

find('link').addEventListener('submit', async (event) => {
  event.preventDefault();
  say('link-wrong');
  await announce(new FormData(event.target).get('owner').trim()).catch((error) => say('link-wrong', error));
});

find('connect').addEventListener('click', async () => {
  say('wallet-wrong');
  try {
    here.address = await connect(here.terms.chain_id);
    find('owner').value = here.address;
    await load();
  } catch (error) {
    say('wallet-wrong', error);
  }
});

// The page is not told of the chain any more that it was connected for.
onChange(() => {
  here.address = null;
  say('wallet-wrong', new Error('The wallet has changed its address or chain: connect it again.'));
  load();
});

find('register').addEventListener('click', () => working('register', 'wallet-wrong', async () => {
  const point = publicKey(here.key);
  const told = here.terms.linked;
  const isAnnounced = told && told.x === String(point.x) && told.y === String(point.y) && BigInt(told.owner) === BigInt(here.address);
  here.address = await connect(here.terms.chain_id);
  if (!isAnnounced) await announce(here.address);
  await register({ contract: here.terms.contract, from: here.address, ...point, owner: here.address }, (text) => put(find('registering'), text));
  put(find('registering'), `Registered by ${short(here.address)}. The number comes when the chain has confirmed it.`);
  await poll();
}));

poll();
