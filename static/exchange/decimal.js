// Exact decimals as text. Money is never a float here: text is turned into BigInt and back.

const SHAPE = /^(\d{0,40})(?:\.(\d{0,40}))?$/;

// {digits, scale} of plain decimal text like "12", ".5" or "0.10"; null for anything else.
function read(text) {
  const found = SHAPE.exec(text.trim());
  if (!found || (!found[1] && !found[2])) return null;
  const fraction = found[2] ?? '';
  return { digits: BigInt((found[1] || '0') + fraction), scale: fraction.length };
}

function write(digits, scale) {
  const sign = digits < 0n ? '-' : '';
  const text = String(digits < 0n ? -digits : digits).padStart(scale + 1, '0');
  if (!scale) return sign + text;
  const fraction = text.slice(-scale).replace(/0+$/, '');
  return sign + text.slice(0, -scale) + (fraction && `.${fraction}`);
}

function aligned(a, b) {
  const [x, y] = [read(a), read(b)];
  const scale = Math.max(x.scale, y.scale);
  return [x.digits * 10n ** BigInt(scale - x.scale), y.digits * 10n ** BigInt(scale - y.scale), scale];
}

export const isDecimal = (text) => read(text) !== null;

// "007.50" → "7.5"; null for what is no decimal.
export function normal(text) {
  const value = read(text);
  return value && write(value.digits, value.scale);
}

export function compare(a, b) {
  const [x, y] = aligned(a, b);
  return x < y ? -1 : x > y ? 1 : 0;
}

export const isZero = (text) => read(text).digits === 0n;

export function add(a, b) {
  const [x, y, scale] = aligned(a, b);
  return write(x + y, scale);
}

export function subtract(a, b) {
  const [x, y, scale] = aligned(a, b);
  return write(x - y, scale);
}

export function multiply(a, b) {
  const [x, y] = [read(a), read(b)];
  return write(x.digits * y.digits, x.scale + y.scale);
}

export function isMultiple(text, step) {
  const [x, y] = aligned(text, step);
  return x % y === 0n;
}

// The largest multiple of `step` that is not above `text`.
export function floorTo(text, step) {
  const [x, y, scale] = aligned(text, step);
  return write(x - (x % y), scale);
}

// The largest multiple of `step` whose product with `divisor` is not above `text`.
export function divideDown(text, divisor, step) {
  const unit = multiply(divisor, step);
  if (isZero(unit)) return '0';
  const [x, y] = aligned(text, unit);
  return multiply(String(x / y), step);
}

export const decimals = (step) => read(step).scale;

// With a fixed number of decimals and thousands separated, for reading: "60000.5" → "60,000.50".
export function show(text, places = null) {
  if (text === null || text === undefined || text === '') return '–';
  const sign = text.startsWith('-') ? '−' : '';
  const [whole, fraction = ''] = text.replace(/^[-+]/, '').split('.');
  const grouped = whole.replace(/\B(?=(\d{3})+$)/g, ',');
  const end = places === null ? fraction : fraction.slice(0, places).padEnd(places, '0');
  return sign + grouped + (end && `.${end}`);
}
