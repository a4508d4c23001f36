/**
 * Which part of a long list of messages is drawn. Pure. A range is `{last, count}`: `count` rows that end with the message of
 * ts `last`, or with the newest when `last` is null.
 */

const STEP = 80;
const MOST = 240;

/** How close to an edge, in pixels, the reader may come before more rows are drawn. */
export const NEAR = 1200;

/** The newest rows; they follow as messages arrive. */
export const NEWEST = { last: null, count: STEP };

/** First index and one past the last index that a range covers. */
export function boundsOf(range, messages) {
  const at = range.last === null ? -1 : messages.findIndex((one) => one.ts >= range.last);
  const end = at < 0 ? messages.length : at + 1;
  return { start: Math.max(0, end - range.count), end };
}

const rangeOf = (start, end, messages) => ({ last: end >= messages.length ? null : messages[end - 1].ts, count: end - start });

/** The next range when the reader is near an edge of this one (`above` and `below` in pixels), or null when it may stay. */
export function moveRange(range, messages, { above, below }) {
  const { start, end } = boundsOf(range, messages);
  if (above < NEAR && start > 0) {
    const first = Math.max(0, start - STEP);
    return rangeOf(first, below > 2 * NEAR ? Math.min(end, first + MOST) : end, messages);
  }
  if (below < NEAR && end < messages.length) {
    const last = Math.min(messages.length, end + STEP);
    return rangeOf(above > 2 * NEAR ? Math.max(start, last - MOST) : start, last, messages);
  }
  return null;
}

/** A range with the message of this index in its middle. */
export const rangeAround = (at, messages) => rangeOf(Math.max(0, at - STEP / 2), Math.min(messages.length, at + STEP / 2), messages);
