// The order book kept from snapshot and updates, as docs/sockets.md tells: gaps and wrong checksums are noticed.

const CHECKSUM_LEVELS = 10;

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

// CRC-32 of ASCII text, as in zip.
export function crc32(text) {
  let crc = ~0;
  for (let i = 0; i < text.length; i++) crc = TABLE[(crc ^ text.charCodeAt(i)) & 255] ^ (crc >>> 8);
  return ~crc >>> 0;
}

// One side: [price, size, key] by rising key; the key orders best first and is a number only for that.
class Side {
  constructor(sign) {
    this.sign = sign;
    this.levels = [];
  }

  replace(levels) {
    this.levels = levels.map(([price, size]) => [price, size, this.sign * Number(price)]);
  }

  set(price, size) {
    const key = this.sign * Number(price);
    let low = 0;
    let high = this.levels.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.levels[middle][2] < key) low = middle + 1;
      else high = middle;
    }
    const known = this.levels[low]?.[2] === key;
    if (size === '0') {
      if (known) this.levels.splice(low, 1);
    } else if (known) this.levels[low][1] = size;
    else this.levels.splice(low, 0, [price, size, key]);
  }

  best() {
    return this.levels.slice(0, CHECKSUM_LEVELS).map(([price, size]) => `${price}:${size}`).join(',');
  }
}

export class Book {
  constructor() {
    this.bids = new Side(-1);
    this.asks = new Side(1);
    this.position = null;
  }

  // Takes a message of the book channel; false when something was missed and a new snapshot is needed.
  take(message) {
    if (message.type === 'snapshot') {
      this.bids.replace(message.bids);
      this.asks.replace(message.asks);
      this.position = message.sequence;
    } else {
      if (this.position === null || message.last <= this.position) return true;
      if (message.prev !== this.position) return this.#lose();
      for (const [price, size] of message.bids) this.bids.set(price, size);
      for (const [price, size] of message.asks) this.asks.set(price, size);
      this.position = message.last;
    }
    return crc32(`${this.bids.best()}|${this.asks.best()}`) === message.checksum || this.#lose();
  }

  #lose() {
    this.position = null;
    return false;
  }
}
