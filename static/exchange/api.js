// REST calls of a signed-in browser: the session's cookie, and the CSRF token with every write.

const BASE = '/api/v1';

// What the exchange answers instead of success (RFC 9457); `code` is stable, docs/errors.md has all.
export class Problem extends Error {
  constructor({ code = 'internal_error', title = 'Something went wrong', detail = '', status = 0, errors = null } = {}) {
    super(detail || title);
    Object.assign(this, { code, title, detail, status, errors });
  }
}

const token = () => document.querySelector('input[name=csrfmiddlewaretoken]')?.value ?? '';

async function call(method, path, { body, sequence } = {}) {
  const headers = { Accept: 'application/json' };
  if (sequence) headers['X-Min-Sequence'] = String(sequence);
  if (method !== 'GET') headers['X-CSRFToken'] = token();
  if (body !== undefined) headers['Content-Type'] = 'application/json';
  let answer;
  try {
    answer = await fetch(BASE + path, { method, headers, body: body && JSON.stringify(body), credentials: 'same-origin' });
  } catch {
    throw new Problem({ code: 'unreachable', title: 'No connection', detail: 'The exchange cannot be reached.' });
  }
  const text = await answer.text();
  let data = null;
  try {
    data = text ? JSON.parse(text) : null;
  } catch {
    throw new Problem({ status: answer.status, detail: `The exchange answered ${answer.status}.` });
  }
  if (!answer.ok) throw new Problem({ status: answer.status, ...data });
  return data;
}

// With `sequence` the answer is at least as new as that command.
export const get = (path, { sequence } = {}) => call('GET', path, { sequence });
export const post = (path, body) => call('POST', path, { body });
export const patch = (path, body) => call('PATCH', path, { body });
export const remove = (path) => call('DELETE', path);
