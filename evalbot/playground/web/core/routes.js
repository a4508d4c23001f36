/**
 * Where the window is: the person in `?as=` (or `?person=`), the place in the hash (`#/C123`, `#/C123/thread/1700.01`, `#/home/A123`).
 */

/** The person named in the address, or "". */
export const personInAddress = () => {
  const query = new URLSearchParams(location.search);
  return query.get("as") ?? query.get("person") ?? "";
};

/** Read the place out of the address. */
export function readRoute() {
  const parts = location.hash.replace(/^#\/?/, "").split("/").map(decodeURIComponent);
  if (parts[0] === "home" && parts[1]) return { home: parts[1], channel: null, thread: null };
  if (!parts[0]) return { home: null, channel: null, thread: null };
  const thread = parts[1] === "thread" && parts[2] ? parts[2] : null;
  return { home: null, channel: parts[0], thread };
}

/** The hash that stands for a place. */
export function hashOf({ home, channel, thread }) {
  if (home) return `#/home/${home}`;
  if (!channel) return "#/";
  return thread ? `#/${channel}/thread/${thread}` : `#/${channel}`;
}

/** The address of this page for another person, keeping nothing else. */
export const addressAs = (name) => `${location.pathname}?as=${encodeURIComponent(name)}`;

/** Channel, ts and thread of a Slack permalink, or null when the address is none. */
export function parsePermalink(url) {
  const match = /\/archives\/([CDG]\w+)(?:\/p(\d{10})(\d{6}))?(?:\?(.*))?$/.exec(url);
  if (!match) return null;
  const ts = match[2] ? `${match[2]}.${match[3]}` : null;
  return { channel: match[1], ts, thread: new URLSearchParams(match[4] ?? "").get("thread_ts") };
}

/** An address that is safe to put into a link: http, https, mailto, tel or a path of this page; otherwise null. */
export function safeUrl(url) {
  const text = String(url ?? "").trim();
  if (/^(https?:|mailto:|tel:)/i.test(text)) return text;
  return /^\/(?!\/)/.test(text) ? text : null;
}

/** The address of a picture or file; files of the simulated Slack are fetched from this server whatever host they name. */
export function fileUrl(url) {
  const safe = safeUrl(url);
  const path = safe && /^https?:\/\/[^/]+(\/files(?:-pri)?\/.*)$/.exec(safe);
  return path ? path[1] : safe;
}
