// The user's own wallet in the browser (EIP-1193): calls of the rollup's contract and of tokens, told in words.

const POLL_MS = 1500;
const REGISTER = '0xf1c6480d'; // register(uint256,uint256,address)
const REGISTRATION_FEE = '0x5792e262'; // registration_fee()
const DEPOSIT = '0x00aeef8a'; // deposit(uint256,uint256,uint256)
const APPROVE = '0x095ea7b3'; // approve(address,uint256)
const ALLOWANCE = '0xdd62ed3e'; // allowance(address,address)
const BALANCE_OF = '0x70a08231'; // balanceOf(address)

// What wallets say by number (EIP-1193, EIP-1474, EIP-3085), for people.
const WORDS = new Map([
  [4001, 'You declined it in the wallet. Nothing was sent.'],
  [4100, 'The wallet does not let this page do that: connect it anew.'],
  [4200, 'The wallet cannot do that.'],
  [4900, 'The wallet is not connected to any chain.'],
  [4901, 'The wallet is not connected to this chain.'],
  [-32002, 'The wallet waits for your answer to an earlier question: open it.'],
]);
const UNKNOWN_CHAIN = 4902;

const word = (number) => BigInt(number).toString(16).padStart(64, '0');
const pause = () => new Promise((done) => { setTimeout(done, POLL_MS); });
const hex = (number) => `0x${number.toString(16)}`;

export const hasWallet = () => Boolean(window.ethereum);
export const short = (text) => `${text.slice(0, 8)}…${text.slice(-6)}`;

// Where the wallet's own words are is not the same with all of them.
const wordsOf = (error) => [error?.data?.originalError?.message, error?.data?.message, error?.message].filter(Boolean).join(' ');

function inWords(error) {
  if (WORDS.has(error?.code)) return WORDS.get(error.code);
  const said = wordsOf(error);
  if (/insufficient funds/i.test(said)) return 'The address has too little of the chain’s own coin to pay for this.';
  const reverted = /reverted:? (?:revert: )?"?([a-z_]+)/i.exec(said);
  if (reverted) return `The contract refuses: ${reverted[1].replaceAll('_', ' ')}.`;
  return `The wallet says: ${said || 'nothing'}`;
}

async function ask(method, params = []) {
  if (!hasWallet()) throw new Error('There is no wallet in this browser.');
  try {
    return await window.ethereum.request({ method, params });
  } catch (error) {
    throw Object.assign(new Error(inWords(error)), { code: error?.code });
  }
}

// The address that the user chose, with the wallet on the contract's chain.
export async function connect(chainId) {
  const [address] = await ask('eth_requestAccounts');
  if (!address) throw new Error('The wallet shows this page no address.');
  if (BigInt(await ask('eth_chainId')) !== BigInt(chainId)) await switchTo(chainId);
  return address;
}

async function switchTo(chainId) {
  const there = BigInt(await ask('eth_chainId'));
  try {
    await ask('wallet_switchEthereumChain', [{ chainId: hex(chainId) }]);
  } catch (error) {
    const why = error.code === UNKNOWN_CHAIN ? ', which it does not know: add it there' : '';
    throw new Error(`The wallet is on chain ${there}, the contract on chain ${chainId}${why}. ${error.code === UNKNOWN_CHAIN ? '' : error.message}`.trim());
  }
  if (BigInt(await ask('eth_chainId')) !== BigInt(chainId)) throw new Error(`The wallet is on chain ${there}, the contract on chain ${chainId}.`);
}

// Calls `tell` whenever the user chooses another address or chain in the wallet.
export function onChange(tell) {
  window.ethereum?.on?.('accountsChanged', tell);
  window.ethereum?.on?.('chainChanged', tell);
}

async function read(to, data) {
  const said = await ask('eth_call', [{ to, data }, 'latest']);
  if (said === '0x') throw new Error('The wallet’s chain does not have this contract.');
  return BigInt(said);
}

export const tokenBalance = (token, address) => read(token, BALANCE_OF + word(address));

// Sends a transaction and waits until it is mined; `say` hears how far it is.
async function send({ from, to, data, value = 0n }, what, say) {
  const transaction = { from, to, data, value: hex(value) };
  // What the contract would refuse is told before the wallet asks for a signature.
  await ask('eth_call', [transaction, 'latest']);
  say(`${what}: confirm it in the wallet.`);
  const hash = await ask('eth_sendTransaction', [transaction]);
  say(`${what}: sent as ${short(hash)}, waits to be mined.`);
  for (;;) {
    const receipt = await ask('eth_getTransactionReceipt', [hash]);
    if (receipt) {
      if (BigInt(receipt.status) !== 1n) throw new Error(`${what} failed on the chain: ${hash}`);
      return hash;
    }
    await pause();
  }
}

// Gives the account with this key its number in the contract; the fee for it is the contract's.
export async function register({ contract, from, x, y, owner }, say) {
  const value = await read(contract, REGISTRATION_FEE);
  await send({ from, to: contract, data: REGISTER + word(x) + word(y) + word(owner), value }, 'Registration', say);
}

// Pays atoms of a token into an account; the token is asked to let the contract take them where it does not yet.
export async function deposit({ contract, from, number, token, address, atoms }, say) {
  if (await tokenBalance(address, from) < atoms) throw new Error('The address does not have so much of this token.');
  if (await read(address, ALLOWANCE + word(from) + word(contract)) < atoms) {
    await send({ from, to: address, data: APPROVE + word(contract) + word(atoms) }, 'Approval, 1 of 2', say);
  }
  await send({ from, to: contract, data: DEPOSIT + word(number) + word(token) + word(atoms) }, 'Deposit', say);
}
