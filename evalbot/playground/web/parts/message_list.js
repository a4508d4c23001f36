/**
 * The scrolling list of a conversation. It stays at the bottom when it was there, keeps its place otherwise, draws only the rows
 * around the reader, and fetches older pages by itself. A column-reverse list has scrollTop 0 at the bottom and goes negative.
 */

import { html, useCallback, useEffect, useLayoutEffect, useRef, useState, useStore } from "../core/ui.js";
import { dayKey, dayLabel } from "../core/dates.js";
import { meOf, nowOf } from "../core/store.js";
import { continues } from "../core/timelines.js";
import { boundsOf, moveRange, NEAR, NEWEST, rangeAround } from "../core/ranges.js";
import { Icon } from "./icons.js";
import { MessageRow, PendingRow } from "./message.js";

const NEAR_BOTTOM = 60;

/** The rows between two indexes with day dividers and the "New" line. */
function rowsOf({ messages, start, end, channel, zone, now, newFrom, focus, focusKey, inThread }) {
  const rows = [];
  for (let at = start; at < end; at += 1) {
    const message = messages[at];
    const previous = messages[at - 1];
    const day = !previous || dayKey(previous.ts, zone) !== dayKey(message.ts, zone);
    const isNew = newFrom && message.ts === newFrom;
    if (day && !inThread) rows.push(html`<div key=${`day-${message.ts}`} class=${isNew ? "day-divider is-new" : "day-divider"}
        role="separator"><span>${dayLabel(message.ts, now, zone)}</span>${isNew && html`<em>New</em>`}</div>`);
    else if (isNew) rows.push(html`<div key="new" class="new-divider" role="separator"><span>New</span></div>`);
    rows.push(html`<${MessageRow} key=${message.ts} channel=${channel} message=${message}
        compact=${!day && !isNew && continues(message, previous)} inThread=${inThread}
      flash=${focus === message.ts ? focusKey ?? true : false} focusable=${at === end - 1} />`);
  }
  return rows;
}

function onArrow(event) {
  const row = event.target.closest?.(".message");
  if (!row || row !== event.target || !["ArrowUp", "ArrowDown"].includes(event.key)) return;
  const all = [...event.currentTarget.querySelectorAll(".message")];
  const next = all[all.indexOf(row) + (event.key === "ArrowUp" ? -1 : 1)];
  if (!next) return;
  event.preventDefault();
  next.focus();
  next.scrollIntoView({ block: "nearest" });
}

/** Keeps the row that the reader looks at in its place while rows come and go around it. */
function useSteadyPlace(list, atBottom) {
  const kept = useRef(null);
  const keep = useCallback(() => {
    const top = list.current.getBoundingClientRect().top;
    const row = [...list.current.querySelectorAll(".message")].find((one) => one.getBoundingClientRect().bottom > top + 4);
    kept.current = row ? { row, top: row.getBoundingClientRect().top } : null;
  }, []);
  const restore = useCallback(() => {
    if (!kept.current?.row.isConnected) return;
    const moved = kept.current.row.getBoundingClientRect().top - kept.current.top;
    if (Math.abs(moved) > 0.5) list.current.scrollTop += moved;
  }, []);
  useLayoutEffect(() => {
    if (atBottom) kept.current = null;
    else restore();
  });
  return keep;
}

/** The list of a channel (or of a thread when `inThread`). `top` stands above the first message, `loadOlder` fetches more, `fromTop` begins at the first one. */
export function MessageList({ channel, messages, pending = [], more, loading, loadOlder, inThread, fromTop, newFrom, onSeen, top, label }) {
  const [zone, now, route] = useStore((state) => [meOf(state)?.tz, Math.floor(nowOf(state) / 60) * 60, state.route]);
  const list = useRef(null);
  const [atBottom, setAtBottom] = useState(true);
  const [unseen, setUnseen] = useState(0);
  const [range, setRange] = useState(NEWEST);
  const { start, end } = boundsOf(range, messages);
  const keep = useSteadyPlace(list, atBottom);
  const newest = messages[messages.length - 1]?.ts;
  const sent = pending.length ? pending[pending.length - 1].key : 0;
  const before = useRef(newest);

  const toBottom = useCallback(() => {
    setRange(NEWEST);
    setAtBottom(true);
    requestAnimationFrame(() => { if (list.current) list.current.scrollTop = 0; });
  }, []);
  const look = () => {
    const { scrollTop, scrollHeight, clientHeight } = list.current;
    const below = Math.abs(scrollTop);
    const isBottom = end === messages.length && below < NEAR_BOTTOM;
    setAtBottom(isBottom);
    if (!isBottom) keep();
    const next = moveRange(range, messages, { above: scrollHeight - clientHeight - below, below });
    if (next) setRange(next);
    else if (start === 0 && more && !loading && loadOlder && scrollHeight - clientHeight - below < NEAR) loadOlder();
  };

  useLayoutEffect(() => {
    if (!fromTop || list.current.scrollHeight <= list.current.clientHeight + NEAR_BOTTOM) return;
    list.current.scrollTop = -list.current.scrollHeight;
    setAtBottom(false);
    keep();
  }, [Boolean(fromTop)]);
  const sought = useRef(null);
  useLayoutEffect(() => { sought.current = route.focus; }, [route.focus, route.focusKey]);
  useLayoutEffect(() => {
    const row = sought.current && list.current.querySelector(`.message[data-ts="${CSS.escape(sought.current)}"]`);
    if (!row) return;
    sought.current = null;
    row.scrollIntoView({ block: "center" });
    setAtBottom(false);
    keep();
  });
  useEffect(() => { if (sent) toBottom(); }, [sent]);
  useEffect(() => {
    if (before.current && newest > before.current && !atBottom) setUnseen((seen) => seen + 1);
    before.current = newest;
  }, [newest]);
  useEffect(() => {
    if (!atBottom) return undefined;
    setUnseen(0);
    setRange(NEWEST);
    if (onSeen) onSeen(newest);
    const onShown = () => onSeen?.(newest);
    document.addEventListener("visibilitychange", onShown);
    return () => document.removeEventListener("visibilitychange", onShown);
  }, [atBottom, newest, onSeen]);
  useEffect(() => {
    const at = route.focus ? messages.findIndex((one) => one.ts === route.focus) : -1;
    if (at >= 0 && (at < start || at >= end)) setRange(rangeAround(at, messages));
  }, [route.focus, route.focusKey, messages.length]);
  useEffect(look, [messages.length, start, end]);

  const rows = rowsOf({ messages, start, end, channel, zone, now, newFrom, focus: route.focus, focusKey: route.focusKey, inThread });
  const isNewest = end === messages.length;
  return html`<div class="list-frame">
    <div ref=${list} class="list" onScroll=${look} onKeyDown=${onArrow}>
      <div class="list-inner" role="feed" aria-label=${label} aria-busy=${Boolean(loading)}>
        ${start === 0 && !more && top}
        ${(start > 0 || more) && html`<div class="list-older faint">${loading ? "Loading earlier messages…" : "Earlier messages"}</div>`}
        ${rows}${isNewest && pending.map((item) => html`<${PendingRow} key=${`pending-${item.key}`} item=${item} />`)}
      </div>
    </div>
    ${!atBottom && html`<button type="button" class=${unseen ? "jump is-new" : "jump"} onClick=${toBottom}><${Icon} name="chevron" size=${16} />
      ${unseen ? `${unseen} new message${unseen === 1 ? "" : "s"}` : html`<span class="sr-only">To the newest</span>`}</button>`}
  </div>`;
}
