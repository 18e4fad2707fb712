/* Between the scroll bar and the lines. Pure arithmetic.

   Browsers refuse elements higher than some 16 to 33 million pixels, and a wrapped line has no height until it is drawn.
   So the bar runs over a stand-in of bounded height: exact while every line has one height and all of them fit,
   proportional otherwise. */

export const MAX_HEIGHT = 8_000_000;

export function barHeight(lines, rowHeight) {
  return Math.min(lines * rowHeight, MAX_HEIGHT);
}

export function isExact(lines, rowHeight, wraps) {
  return !wraps && lines * rowHeight <= MAX_HEIGHT;
}

/* The first line on the screen, and how many of its pixels are above the edge, for a position of the bar. */
export function anchorAt(top, { lines, rowHeight, view, exact }) {
  const height = barHeight(lines, rowHeight);
  const room = Math.max(height - view, 0);
  const virtualRoom = Math.max(lines * rowHeight - view, 0);
  const at = Math.min(Math.max(top, 0), room);
  const position = exact || room === 0 ? at : (at / room) * virtualRoom;
  const line = Math.min(Math.floor(position / rowHeight), Math.max(lines - 1, 0));
  return { line, offset: position - line * rowHeight };
}

/* The position of the bar for a first line. */
export function topOf({ line, offset }, { lines, rowHeight, view, exact }) {
  const height = barHeight(lines, rowHeight);
  const room = Math.max(height - view, 0);
  const virtualRoom = Math.max(lines * rowHeight - view, 0);
  const position = Math.min(line * rowHeight + Math.min(offset, rowHeight), virtualRoom);
  return exact || virtualRoom === 0 ? position : (position / virtualRoom) * room;
}
