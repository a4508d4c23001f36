/**
 * People as they are drawn: avatar, name, badges, local time.
 */

import { html, classes, useStore } from "../core/ui.js";
import { clockTime } from "../core/dates.js";
import { nowOf } from "../core/store.js";

const colorOf = (person) => {
  const color = String(person?.color ?? "").replace(/^#?/, "#");
  return /^#[0-9a-f]{3,8}$/i.test(color) ? color : "#6b6b6b";
};

/** The square with a person's initials; bots have a black one. Sizes: tiny, small, normal, large. */
export function Avatar({ person, size = "normal" }) {
  const bot = person?.is_bot;
  const letters = bot ? (person.name ?? "?").slice(0, 1) : person?.initials || (person?.real_name ?? person?.name ?? "?").slice(0, 1).toUpperCase();
  return html`<span class=${classes("avatar", `avatar-${size}`, bot && "avatar-bot")}
      style=${bot ? undefined : { background: colorOf(person) }} aria-hidden="true">${size === "tiny" ? letters.slice(0, 1) : letters}</span>`;
}

/** "APP", "guest" or "other organisation" beside a name. */
export function Badges({ person, app }) {
  const home = useStore((state) => state.people[state.me]?.team);
  if (app || person?.is_bot) return html`<span class="badge">APP</span>`;
  if (person?.is_guest) return html`<span class="badge" title="Guest: sees only some channels">GUEST</span>`;
  if (person?.team && home && person.team !== home) return html`<span class="badge" title="From another organisation">EXTERNAL</span>`;
  return null;
}

/** "Europe/Berlin, 9:41 there". */
export function LocalTime({ person }) {
  const now = useStore((state) => Math.floor(nowOf(state) / 60) * 60);
  return person?.tz ? html`${person.tz.replaceAll("_", " ")}, ${clockTime(now, person.tz)} there` : null;
}
