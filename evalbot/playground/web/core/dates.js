/**
 * Times as a person in a given time zone reads them. Seconds since the epoch in, short texts out.
 */

const LOCALE = "en-GB";
const formats = new Map();

function format(zone, options) {
  const key = zone + JSON.stringify(options);
  if (!formats.has(key)) {
    try {
      formats.set(key, new Intl.DateTimeFormat(LOCALE, { ...options, timeZone: zone || undefined }));
    } catch {
      formats.set(key, new Intl.DateTimeFormat(LOCALE, options));
    }
  }
  return formats.get(key);
}

const at = (seconds) => new Date(Number(seconds) * 1000);

/** "9:41" (24 hours, no leading zero). */
export const clockTime = (seconds, zone) =>
  format(zone, { hour: "2-digit", minute: "2-digit", hour12: false }).format(at(seconds)).replace(/^0(?=\d)/, "");

/** "9:41:07". */
const clockSeconds = (seconds, zone) =>
  format(zone, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false }).format(at(seconds)).replace(/^0(?=\d)/, "");

/** "2026-11-21": the calendar day, usable as a key. */
export const dayKey = (seconds, zone) => {
  const parts = {};
  for (const { type, value } of format(zone, { year: "numeric", month: "2-digit", day: "2-digit" }).formatToParts(at(seconds))) {
    parts[type] = value;
  }
  return `${parts.year}-${parts.month}-${parts.day}`;
};

const dayNumber = (seconds, zone) => Math.round(Date.parse(dayKey(seconds, zone) + "T00:00:00Z") / 86400000);

const relativeDay = (seconds, now, zone) => {
  const days = dayNumber(seconds, zone) - dayNumber(now, zone);
  return { "-1": "Yesterday", 0: "Today", 1: "Tomorrow" }[days] ?? null;
};

/** "Today", "Yesterday" or "Monday, 16 November" (with the year when it is another one). */
export function dayLabel(seconds, now, zone) {
  const near = relativeDay(seconds, now, zone);
  if (near) return near;
  const sameYear = dayKey(seconds, zone).slice(0, 4) === dayKey(now, zone).slice(0, 4);
  const options = { weekday: "long", day: "numeric", month: "long" };
  return format(zone, sameYear ? options : { ...options, year: "numeric" }).format(at(seconds));
}

/** "Monday, 16 November 2026 at 9:00:12": for tooltips. */
export const fullTime = (seconds, zone) =>
  `${format(zone, { weekday: "long", day: "numeric", month: "long", year: "numeric" }).format(at(seconds))} at ${clockSeconds(seconds, zone)}`;

/** "just now", "5 minutes ago", "2 hours ago", "3 days ago". */
export function ago(seconds, now) {
  const gap = Math.round(now - Number(seconds));
  const word = (count, unit) => `${count} ${unit}${count === 1 ? "" : "s"}`;
  const size = Math.abs(gap);
  const text = size < 45 ? "" : size < 5400 && size < 3600 ? word(Math.max(1, Math.round(size / 60)), "minute")
    : size < 86400 ? word(Math.round(size / 3600), "hour") : word(Math.round(size / 86400), "day");
  if (!text) return "just now";
  return gap >= 0 ? `${text} ago` : `in ${text}`;
}

/** Put a moment into Slack's date template, such as "{date_short_pretty} at {time}". */
export function fillDateTemplate(template, seconds, now, zone) {
  const day = (options) => format(zone, options).format(at(seconds));
  const long = () => day({ weekday: "long", day: "numeric", month: "long", year: "numeric" });
  const short = () => day({ day: "numeric", month: "short", year: "numeric" });
  const plain = () => day({ day: "numeric", month: "long", year: "numeric" });
  const pretty = (fallback) => relativeDay(seconds, now, zone)?.toLowerCase() ?? fallback();
  const words = {
    date_num: () => dayKey(seconds, zone), date_slash: () => dayKey(seconds, zone).replaceAll("-", "/"),
    date: plain, date_short: short, date_long: long,
    date_pretty: () => pretty(plain), date_short_pretty: () => pretty(short), date_long_pretty: () => pretty(long),
    day_divider_pretty: () => dayLabel(seconds, now, zone),
    time: () => clockTime(seconds, zone), time_secs: () => clockSeconds(seconds, zone), ago: () => ago(seconds, now),
  };
  return template.replace(/\{(\w+)\}/g, (whole, name) => (words[name] ? words[name]() : whole));
}

/** "14 h", "2 min", "45 s": a length of time. */
export function duration(seconds) {
  const size = Math.abs(Math.round(seconds));
  if (size < 60) return `${size} s`;
  if (size < 3600) return `${Math.round(size / 60)} min`;
  if (size < 86400 * 2) return `${Math.round(size / 360) / 10} h`;
  return `${Math.round(size / 8640) / 10} days`;
}
