// Draws candles on a canvas: drag or arrow keys move, wheel or plus and minus zoom, the pointer reads values.

import { show } from '../exchange/decimal.js';
import { make, oncePerFrame } from '../exchange/dom.js';
import { priceSteps, timeLabel, timeSteps } from './axes.js';

const AXIS_PX = 74;
const TIMES_PX = 22;
const VOLUME_SHARE = 0.18;
const CANDLE_PX = [2, 40];
const RIGHT_GAP = 3;
const LOAD_MARGIN = 30;

const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export class Chart {
  #canvas;
  #pen;
  #places;
  #readout;
  #onNearStart;
  #candles = [];
  #stepMs = 60_000;
  #candlePx = 8;
  // Candles between the newest and the right edge; above zero when the user looked back.
  #back = 0;
  #pointer = null;
  #drag = null;
  #colours;

  constructor({ canvas, readout, places, onNearStart }) {
    this.#canvas = canvas;
    this.#pen = canvas.getContext('2d');
    this.#readout = readout;
    this.#places = places;
    this.#onNearStart = onNearStart;
    this.#colours = { up: css('--up'), down: css('--down'), line: css('--line'), text: css('--muted'), bright: css('--text'), raised: css('--raised') };
    this.draw = oncePerFrame(() => this.#draw());
    new ResizeObserver(() => this.#size()).observe(canvas);
    this.#listen();
  }

  // New data; with `reset` the view jumps to the newest.
  set(candles, stepMs, { reset = false } = {}) {
    if (reset) this.#back = 0;
    // Who looks at the past keeps looking at the same candles.
    else if (this.#back > 0 && this.#candles.length) this.#back += (candles.at(-1).time - this.#candles.at(-1).time) / stepMs;
    this.#candles = candles;
    this.#stepMs = stepMs;
    this.draw();
  }

  #size() {
    const ratio = devicePixelRatio || 1;
    const { clientWidth, clientHeight } = this.#canvas;
    this.#canvas.width = Math.round(clientWidth * ratio);
    this.#canvas.height = Math.round(clientHeight * ratio);
    this.#pen.setTransform(ratio, 0, 0, ratio, 0, 0);
    this.#draw();
  }

  #listen() {
    const canvas = this.#canvas;
    canvas.addEventListener('pointerdown', (event) => {
      canvas.setPointerCapture(event.pointerId);
      this.#drag = { x: event.offsetX, back: this.#back };
    });
    canvas.addEventListener('pointermove', (event) => {
      this.#pointer = { x: event.offsetX, y: event.offsetY };
      if (this.#drag) this.#move(this.#drag.back + (event.offsetX - this.#drag.x) / this.#candlePx);
      this.draw();
    });
    const release = () => { this.#drag = null; };
    canvas.addEventListener('pointerup', release);
    canvas.addEventListener('pointercancel', release);
    canvas.addEventListener('pointerleave', () => {
      this.#pointer = null;
      this.draw();
    });
    canvas.addEventListener('wheel', (event) => {
      event.preventDefault();
      if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) this.#move(this.#back - event.deltaX / this.#candlePx);
      else this.#zoom(event.deltaY < 0 ? 1.12 : 1 / 1.12);
    }, { passive: false });
    canvas.addEventListener('keydown', (event) => {
      const action = { ArrowLeft: () => this.#move(this.#back + 5), ArrowRight: () => this.#move(this.#back - 5), '+': () => this.#zoom(1.2), '-': () => this.#zoom(1 / 1.2), End: () => this.#move(0) }[event.key];
      if (!action) return;
      event.preventDefault();
      action();
    });
  }

  #move(back) {
    this.#back = Math.max(0, Math.min(back, Math.max(0, this.#candles.length - 10)));
    if (this.#candles.length - this.#back - this.#shown() < LOAD_MARGIN) this.#onNearStart();
    this.draw();
  }

  #zoom(factor) {
    this.#candlePx = Math.min(CANDLE_PX[1], Math.max(CANDLE_PX[0], this.#candlePx * factor));
    this.#move(this.#back);
  }

  #shown() {
    return Math.ceil((this.#canvas.clientWidth - AXIS_PX) / this.#candlePx);
  }

  #draw() {
    const { clientWidth: width, clientHeight: height } = this.#canvas;
    const pen = this.#pen;
    pen.clearRect(0, 0, width, height);
    const end = Math.min(this.#candles.length, Math.ceil(this.#candles.length - this.#back));
    const seen = this.#candles.slice(Math.max(0, end - this.#shown() - 1), end);
    if (!seen.length || width < AXIS_PX * 2) {
      this.#read(null);
      return;
    }
    const view = this.#view(seen, width, height);
    pen.font = `11px ${getComputedStyle(document.body).fontFamily}`;
    pen.textBaseline = 'middle';
    this.#grid(view);
    this.#bodies(view);
    this.#lastLine(view);
    const pointed = this.#crosshair(view);
    this.#read(pointed ?? this.#candles.at(-1));
  }

  #view(seen, width, height) {
    let low = Infinity;
    let high = -Infinity;
    let volume = 0;
    for (const candle of seen) {
      low = Math.min(low, candle.low);
      high = Math.max(high, candle.high);
      volume = Math.max(volume, candle.volume);
    }
    const margin = (high - low || high * 0.001) * 0.08;
    const plot = { width: width - AXIS_PX, height: height - TIMES_PX };
    const priceHeight = plot.height * (1 - VOLUME_SHARE);
    const [bottom, top] = [low - margin, high + margin];
    const newest = this.#candles.at(-1).time;
    return {
      seen, plot, volume, bottom, top, priceHeight,
      y: (price) => ((top - price) / (top - bottom)) * priceHeight,
      price: (y) => top - (y / priceHeight) * (top - bottom),
      x: (time) => plot.width - ((newest - time) / this.#stepMs + 0.5 + RIGHT_GAP - this.#back) * this.#candlePx,
      time: (x) => newest - Math.round((plot.width - x) / this.#candlePx - 0.5 - RIGHT_GAP + this.#back) * this.#stepMs,
    };
  }

  #grid({ seen, plot, bottom, top, y, x }) {
    const pen = this.#pen;
    pen.strokeStyle = this.#colours.line;
    pen.fillStyle = this.#colours.text;
    pen.lineWidth = 1;
    pen.beginPath();
    pen.textAlign = 'left';
    for (const price of priceSteps(bottom, top)) {
      const at = Math.round(y(price)) + 0.5;
      pen.moveTo(0, at);
      pen.lineTo(plot.width, at);
      pen.fillText(this.#text(price), plot.width + 8, at);
    }
    pen.textAlign = 'center';
    for (const time of timeSteps(seen[0].time, seen.at(-1).time, (this.#stepMs / this.#candlePx) * 90)) {
      const at = Math.round(x(time)) + 0.5;
      if (at < 24 || at > plot.width - 20) continue;
      pen.moveTo(at, 0);
      pen.lineTo(at, plot.height);
      pen.fillText(timeLabel(time, this.#stepMs), at, plot.height + TIMES_PX / 2 + 1);
    }
    pen.stroke();
  }

  #bodies({ seen, plot, volume, y, x }) {
    const pen = this.#pen;
    const body = Math.max(1, Math.floor(this.#candlePx * 0.7));
    pen.save();
    pen.beginPath();
    pen.rect(0, 0, plot.width, plot.height);
    pen.clip();
    for (const candle of seen) {
      const centre = Math.round(x(candle.time));
      const left = centre - Math.floor(body / 2);
      const [upper, lower] = [y(Math.max(candle.open, candle.close)), y(Math.min(candle.open, candle.close))];
      pen.fillStyle = candle.close >= candle.open ? this.#colours.up : this.#colours.down;
      const tall = volume ? (candle.volume / volume) * plot.height * VOLUME_SHARE * 0.9 : 0;
      pen.globalAlpha = 0.28;
      pen.fillRect(left, plot.height - tall, body, tall);
      pen.globalAlpha = 1;
      pen.fillRect(centre, Math.round(y(candle.high)), 1, Math.max(1, Math.round(y(candle.low) - y(candle.high))));
      pen.fillRect(left, Math.round(upper), body, Math.max(1, Math.round(lower - upper)));
    }
    pen.restore();
  }

  #lastLine({ plot, y, priceHeight }) {
    const { open, close } = this.#candles.at(-1);
    const at = Math.round(y(close)) + 0.5;
    if (at < 0 || at > priceHeight) return;
    const colour = close >= open ? this.#colours.up : this.#colours.down;
    this.#rule(0, at, plot.width, at, colour);
    this.#tag(plot.width, at, this.#text(close), colour, '#0d1117');
  }

  #crosshair(view) {
    const { plot, x, time, price, priceHeight } = view;
    if (!this.#pointer || this.#pointer.x > plot.width || this.#pointer.y > plot.height) return null;
    const at = time(this.#pointer.x);
    const centre = Math.round(x(at)) + 0.5;
    const level = Math.round(this.#pointer.y) + 0.5;
    this.#rule(centre, 0, centre, plot.height, this.#colours.text);
    if (level < priceHeight) {
      this.#rule(0, level, plot.width, level, this.#colours.text);
      this.#tag(plot.width, level, this.#text(price(level)), this.#colours.raised, this.#colours.bright);
    }
    return view.seen.find((candle) => candle.time === at) ?? null;
  }

  #rule(x1, y1, x2, y2, colour) {
    const pen = this.#pen;
    pen.save();
    pen.strokeStyle = colour;
    pen.globalAlpha = 0.6;
    pen.setLineDash([3, 3]);
    pen.beginPath();
    pen.moveTo(x1, y1);
    pen.lineTo(x2, y2);
    pen.stroke();
    pen.restore();
  }

  #tag(x, y, text, back, colour) {
    const pen = this.#pen;
    pen.fillStyle = back;
    pen.fillRect(x + 1, y - 9, AXIS_PX - 2, 18);
    pen.fillStyle = colour;
    pen.textAlign = 'left';
    pen.fillText(text, x + 8, y + 0.5);
  }

  #text(price) {
    return show(price.toFixed(this.#places), this.#places);
  }

  #read(candle) {
    if (!candle) {
      this.#readout.replaceChildren();
      return;
    }
    const row = make('span', { className: candle.close >= candle.open ? 'up' : 'down' });
    for (const [name, value] of [['O', candle.open], ['H', candle.high], ['L', candle.low], ['C', candle.close]])
      row.append(`${name} `, make('b', { textContent: this.#text(value) }), ' ');
    row.append('Vol ', make('b', { textContent: show(candle.volume.toFixed(3), 3) }));
    this.#readout.replaceChildren(row);
  }
}
