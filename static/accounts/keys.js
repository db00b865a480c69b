// Makes, lists and revokes API keys over REST.

import { get, post, remove } from '../exchange/api.js';
import { find, make, moment, put } from '../exchange/dom.js';

const cell = (text) => make('td', { textContent: text });
const time = (ms) => (ms ? moment(ms) : '–');

function row(key) {
  const action = make('td', { className: 'num' });
  const line = make('tr', {},
    make('td', {}, make('code', { textContent: key.key })), cell(key.kind), cell(key.label || '–'), cell(key.permissions.join(', ')),
    cell(key.ip_allow.join(', ') || 'any'), cell(time(key.created_at)), cell(time(key.last_used_at)), action);
  if (key.revoked_at) {
    line.className = 'gone';
    action.textContent = 'revoked';
  } else {
    const button = make('button', { type: 'button', className: 'quiet danger', textContent: 'Revoke' });
    button.setAttribute('aria-label', `Revoke key ${key.label || key.key}`);
    button.addEventListener('click', () => revoke(key, button));
    action.append(button);
  }
  return line;
}

const complain = (problem) => put(find('wrong'), problem.message);

async function load() {
  const { keys } = await get('/keys');
  find('keys').replaceChildren(...keys.map(row));
  find('keys-empty').hidden = keys.length > 0;
  find('keys-table').setAttribute('aria-busy', 'false');
}

async function revoke(key, button) {
  if (!confirm(`Revoke ${key.label || key.key}? Programs that use it stop working at once.`)) return;
  button.disabled = true;
  await remove(`/keys/${key.key}`).then(load).catch(complain);
  button.disabled = false;
}

find('new-key').addEventListener('submit', async (event) => {
  event.preventDefault();
  put(find('wrong'), '');
  const data = new FormData(event.target);
  const body = {
    label: data.get('label').trim(),
    permissions: data.getAll('permissions'),
    ip_allow: data.get('ip_allow').split(/[\s,]+/).filter(Boolean),
  };
  const publicKey = data.get('public_key').trim();
  if (publicKey) body.public_key = publicKey;
  try {
    const made = await post('/keys', body);
    put(find('made-key'), made.key);
    put(find('made-secret'), made.secret ?? '');
    for (const part of find('made').querySelectorAll('.secret')) part.hidden = !made.secret;
    find('made-note').hidden = !made.secret;
    find('made').hidden = false;
    find('made').focus();
    event.target.reset();
    await load();
  } catch (problem) {
    complain(problem);
  }
});
find('copy').addEventListener('click', async () => {
  await navigator.clipboard.writeText(`${find('made-key').textContent}\n${find('made-secret').textContent}`);
  put(find('copy'), 'Copied');
});
load().catch(complain);
