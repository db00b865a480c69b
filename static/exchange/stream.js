// The exchange's WebSocket (docs/sockets.md): one connection that comes back by itself.
//
// Every subscription is asked for again after a reconnect and begins with a new snapshot, so a listener
// that replaces what it has on `snapshot` needs to know nothing about connections.

const FIRST_WAIT_MS = 300;
const WAIT_MS_MAX = 8_000;
const PING_MS = 15_000;
const SILENCE_MS_MAX = 40_000;

export const LIVE = 'live';
export const CONNECTING = 'connecting';
export const WAITING = 'waiting';

const nameOf = ({ channel, market, ticker, interval = '' }) => `${channel}/${market ?? ticker?.market ?? ''}/${interval}`;

export class Stream {
  #url;
  #onState;
  #signedIn;
  #socket = null;
  #listeners = new Map();
  #replies = new Map();
  #id = 0;
  #wait = FIRST_WAIT_MS;
  #heard = 0;
  #timer = null;

  // `onState(state, seconds)` is told every change; with `signedIn` the session is used for private channels.
  constructor({ url, onState, signedIn }) {
    this.#url = url;
    this.#onState = onState;
    this.#signedIn = signedIn;
    setInterval(() => this.#check(), PING_MS);
    addEventListener('online', () => this.#hurry());
    document.addEventListener('visibilitychange', () => document.hidden || this.#hurry());
  }

  open() {
    this.#onState(CONNECTING);
    this.#heard = Date.now();
    const socket = new WebSocket(this.#url);
    this.#socket = socket;
    socket.onopen = () => this.#begin();
    socket.onmessage = (event) => this.#take(JSON.parse(event.data));
    socket.onclose = () => socket === this.#socket && this.#lost();
  }

  // `topic` is {channel, market, interval}; `listener` gets every message of it.
  subscribe(topic, listener) {
    this.#listeners.set(nameOf(topic), { topic, listener, isPrivate: false });
    if (this.isLive) this.#ask({ op: 'subscribe', ...topic });
  }

  subscribePrivate(channel, listener) {
    this.#listeners.set(nameOf({ channel }), { topic: { channel }, listener, isPrivate: true });
  }

  unsubscribe(topic) {
    this.#listeners.delete(nameOf(topic));
    if (this.isLive) this.#ask({ op: 'unsubscribe', ...topic });
  }

  // Asks for a fresh snapshot, for a listener that missed something.
  resync(topic) {
    if (!this.isLive) return;
    this.#ask({ op: 'unsubscribe', ...topic });
    this.#ask({ op: 'subscribe', ...topic });
  }

  get isLive() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  #begin() {
    this.#wait = FIRST_WAIT_MS;
    this.#onState(LIVE);
    for (const { topic, isPrivate } of this.#listeners.values()) if (!isPrivate) this.#ask({ op: 'subscribe', ...topic });
    if (!this.#signedIn) return;
    this.#ask({ op: 'auth' }, () => {
      for (const { topic, isPrivate } of this.#listeners.values()) if (isPrivate) this.#ask({ op: 'subscribe', ...topic });
    });
  }

  #ask(request, onOk = null) {
    const id = ++this.#id;
    this.#replies.set(id, { request, onOk });
    this.#socket.send(JSON.stringify({ ...request, id }));
  }

  #take(message) {
    this.#heard = Date.now();
    if (message.channel) {
      this.#listeners.get(nameOf(message))?.listener(message);
      return;
    }
    const waiting = this.#replies.get(message.id);
    this.#replies.delete(message.id);
    if (message.status === 'ok') waiting?.onOk?.();
    else console.warn('refused', waiting?.request, message.error);
  }

  #lost() {
    this.#socket = null;
    this.#replies.clear();
    // Spread, so that all browsers don't come back in the same instant.
    const wait = this.#wait * (0.75 + Math.random() / 2);
    this.#wait = Math.min(this.#wait * 2, WAIT_MS_MAX);
    this.#onState(WAITING, Math.ceil(wait / 1000));
    this.#timer = setTimeout(() => this.open(), wait);
  }

  #hurry() {
    if (this.#socket) return;
    clearTimeout(this.#timer);
    this.open();
  }

  // A connection that died without a word is noticed by its silence.
  #check() {
    if (!this.#socket) return;
    if (Date.now() - this.#heard > SILENCE_MS_MAX) this.#socket.close();
    else if (this.isLive) this.#ask({ op: 'ping' });
  }
}

// Shows a stream's state in the header, and dims what is no longer live.
export function showState(element) {
  const text = element.querySelector('.text');
  return (state, seconds) => {
    element.dataset.state = state;
    text.textContent = { [LIVE]: 'Live', [CONNECTING]: 'Connecting…', [WAITING]: `Connection lost, retry in ${seconds} s` }[state];
    document.body.classList.toggle('stale', state !== LIVE);
  };
}

export const socketUrl = ({ socket_url: url, socket_port: port }) =>
  url || `${location.protocol === 'https:' ? 'wss' : 'ws'}://${location.hostname}:${port}/ws/v1`;
