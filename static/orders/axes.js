// Round numbers for the chart's axes.

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const TIME_STEPS = [MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE, 30 * MINUTE, HOUR, 2 * HOUR, 4 * HOUR, 6 * HOUR, 12 * HOUR, DAY, 2 * DAY, 7 * DAY, 14 * DAY, 28 * DAY, 91 * DAY, 364 * DAY];

// Prices from bottom to top in steps of 1, 2 or 5 times a power of ten, about six of them.
export function priceSteps(bottom, top) {
  const rough = (top - bottom) / 6;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((factor) => factor * power >= rough) ?? 10);
  const steps = [];
  for (let n = Math.ceil(bottom / step); n * step <= top; n++) steps.push(n * step);
  return steps;
}

// Full local minutes, hours or days between two times, at least `apartMs` apart.
export function timeSteps(from, to, apartMs) {
  const step = TIME_STEPS.find((candidate) => candidate >= apartMs) ?? TIME_STEPS.at(-1);
  const shift = new Date(to).getTimezoneOffset() * MINUTE;
  const steps = [];
  for (let n = Math.ceil((from - shift) / step); n * step + shift <= to; n++) steps.push(n * step + shift);
  return steps;
}

export function timeLabel(time, stepMs) {
  const at = new Date(time);
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0;
  if (stepMs >= DAY || isMidnight) return at.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
  return `${String(at.getHours()).padStart(2, '0')}:${String(at.getMinutes()).padStart(2, '0')}`;
}
