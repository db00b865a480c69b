// Figures of blocks as people read them.

export const count = (number) => number === null ? '–' : number.toLocaleString('en');

export const seconds = (ms) => ms === null ? '–' : `${(ms / 1000).toFixed(1)} s`;

export function duration(s) {
  if (s < 120) return `${s} s`;
  if (s < 7200) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}

export const waiting = ({ blocks, slots, seconds: s }) =>
  blocks ? `${count(blocks)} ${blocks === 1 ? 'block' : 'blocks'}, ${count(slots)} slots, ${duration(s)}` : 'nothing';

export const shortHash = (text) => text ? `${text.slice(0, 10)}…${text.slice(-6)}` : '–';

export const hex = (decimal) => `0x${BigInt(decimal).toString(16).padStart(64, '0')}`;
