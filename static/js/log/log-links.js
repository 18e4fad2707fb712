/* Addresses of lines: `#log-L12` is line 12 as people count, `#log-L12-L20` a range. Pure. */

const PATTERN = /^#log-L(\d{1,15})(?:-L(\d{1,15}))?$/;

/* { first, last } as line numbers from 0, or null. */
export function rangeOfHash(hash) {
  const found = PATTERN.exec(hash);
  if (!found) return null;
  const numbers = [Number(found[1]), Number(found[2] ?? found[1])].sort((a, b) => a - b);
  return numbers[0] < 1 ? null : { first: numbers[0] - 1, last: numbers[1] - 1 };
}

export function hashOfRange({ first, last }) {
  return first === last ? `#log-L${first + 1}` : `#log-L${first + 1}-L${last + 1}`;
}
