/**
 * Ordered lists of messages. Pure: each function returns a new list and leaves the old one alone.
 */

/** Put a message in its place by ts, replacing an older copy of it. */
export function putMessage(messages, message) {
  let low = 0;
  let high = messages.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (messages[middle].ts < message.ts) low = middle + 1;
    else high = middle;
  }
  const known = messages[low]?.ts === message.ts;
  const kept = known && messages[low].ephemeral && message.ephemeral === undefined ? { ...message, ephemeral: true } : message;
  return [...messages.slice(0, low), kept, ...messages.slice(known ? low + 1 : low)];
}

/** The list without the message of this ts. */
export const dropMessage = (messages, ts) => (messages.some((one) => one.ts === ts) ? messages.filter((one) => one.ts !== ts) : messages);

/** Merge a history page (oldest first) into a timeline: above it when `before` is given, else as its newest part. */
export function mergePage(timeline, page, before) {
  const old = timeline.messages;
  if (before) {
    const fresh = page.messages.filter((one) => one.ts < before);
    return { ...timeline, messages: [...fresh, ...old], more: page.more };
  }
  const oldest = page.messages[0]?.ts;
  const joins = oldest && old.length > 0 && old.some((one) => one.ts >= oldest && !one.ephemeral);
  const above = joins ? old.filter((one) => one.ts < oldest) : [];
  const messages = [...above, ...page.messages];
  return { ...timeline, messages, more: joins && above.length ? timeline.more : page.more };
}

const GROUP_SECONDS = 300;

/** Whether a message is drawn without name and avatar, as a continuation of the one before it. */
export function continues(message, previous) {
  if (!previous || previous.user !== message.user || previous.username !== message.username) return false;
  if (message.blocks || message.files || previous.blocks || previous.files || message.subtype || previous.subtype) return false;
  if (message.ephemeral || previous.ephemeral) return false;
  return Number(message.ts) - Number(previous.ts) < GROUP_SECONDS && !previous.reply_count;
}
