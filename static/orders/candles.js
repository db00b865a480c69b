// The candles of one market and interval: history from REST, the present from the socket.

import { get } from '../exchange/api.js';

const PAGE = 500;
const KEPT_MAX = 5_000;

export const INTERVALS_MS = {
  '1m': 60_000, '5m': 300_000, '15m': 900_000, '1h': 3_600_000, '4h': 14_400_000, '1d': 86_400_000, '1w': 604_800_000,
};

// For drawing only, so numbers will do here.
const drawn = (candle) => ({
  time: candle.open_time, open: Number(candle.open), high: Number(candle.high), low: Number(candle.low),
  close: Number(candle.close), volume: Number(candle.volume),
});

export class Candles {
  #symbol;
  #byTime = new Map();
  #hasOlder = true;
  #loading = null;

  constructor(symbol, interval) {
    this.#symbol = symbol;
    this.interval = interval;
    this.stepMs = INTERVALS_MS[interval];
  }

  // By rising time, without holes: a time without trades is a flat candle at the close before it.
  list() {
    const known = [...this.#byTime.values()].sort((a, b) => a.time - b.time);
    const whole = [];
    for (const candle of known) {
      const before = whole.at(-1);
      if (before && candle.time - before.time <= this.stepMs * KEPT_MAX)
        for (let time = before.time + this.stepMs; time < candle.time; time += this.stepMs)
          whole.push({ time, open: before.close, high: before.close, low: before.close, close: before.close, volume: 0 });
      whole.push(candle);
    }
    return whole.slice(-KEPT_MAX);
  }

  // Takes a message of the candles channel.
  take({ candles }) {
    this.#add(candles);
  }

  // Fills in what came to be while nobody listened. Raises Problem.
  async loadNewest() {
    this.#add((await this.#page('')).candles);
  }

  // True when there was something older than what is known. Raises Problem.
  async loadOlder() {
    if (!this.#hasOlder || this.#byTime.size >= KEPT_MAX) return false;
    const oldest = Math.min(...this.#byTime.keys());
    this.#loading ??= this.#page(`&end=${oldest}`).finally(() => { this.#loading = null; });
    const { candles } = await this.#loading;
    this.#hasOlder = candles.length > 0;
    this.#add(candles);
    return this.#hasOlder;
  }

  #page(query) {
    return get(`/markets/${this.#symbol}/candles?interval=${this.interval}&limit=${PAGE}${query}`);
  }

  #add(candles) {
    for (const candle of candles) {
      const known = this.#byTime.get(candle.open_time);
      // History and socket may cross: more trades means newer.
      if (!known || candle.trades >= known.trades) this.#byTime.set(candle.open_time, { ...drawn(candle), trades: candle.trades });
    }
  }
}
