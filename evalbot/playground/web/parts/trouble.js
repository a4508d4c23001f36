/**
 * The trouble panel: what the bot did that Slack would not like, faults on demand, and the movable clock.
 */

import { html, useApp, useBusy, useEffect, useState, useStore } from "../core/ui.js";
import { clockTime, fullTime } from "../core/dates.js";
import { meOf, nowOf } from "../core/store.js";
import { Icon } from "./icons.js";
import { useLayer } from "./layers.js";

const HOUR = 3600;
const DAY = 86400;

const TROUBLES = [
  ["error", "an error code"], ["rate_limited", "429, too many calls"], ["server_error", "503, server error"],
  ["timeout", "no answer (timeout)"], ["reset", "a broken connection"], ["lost_reply", "done, but the reply is lost"],
];
const METHODS = [
  "*", "chat.postMessage", "chat.update", "chat.postEphemeral", "views.open", "views.update", "views.publish", "files.completeUploadExternal",
  "conversations.open", "users.info",
];

function Do({ children, onRun, danger, label }) {
  const [busy, run] = useBusy();
  return html`<button type="button" class=${danger ? "button button-danger" : "button"} aria-busy=${busy} aria-label=${label}
      onClick=${() => !busy && run(onRun)}>${children}</button>`;
}

function Violations() {
  const { actions } = useApp();
  const [violations, zone] = useStore((state) => [state.violations, meOf(state)?.tz]);
  const list = [...violations.list].reverse();
  return html`<section><h3>Violations <span class=${violations.count ? "count count-loud" : "count"}>${violations.count}</span><span
      class="spring"></span>
      ${violations.count > 0 && html`<button type="button" class="link-button"
          onClick=${() => actions.violations({ clear: true })}>Clear the list</button>`}</h3>
    <p class="faint">What the app did that Slack refuses, or that people would suffer from.</p>
    ${list.length ? html`<ol class="violations">${list.slice(0, 100).map((one, at) => html`<li key=${list.length - at}><span
        class="violation-kind">${String(one.kind ?? one.rule ?? "violation").replaceAll("_", " ")}</span>
      <code>${one.where ?? ""}</code>${one.at && html`<time class="faint"
          title=${fullTime(one.at, zone)}>${clockTime(one.at, zone)}</time>`}<div>${one.text ?? one.message ?? JSON.stringify(one)}</div></li>`)}</ol>`
      : html`<p class="all-well"><${Icon} name="check" size=${16} /> None so far.</p>`}</section>`;
}

function NextCall() {
  const { actions } = useApp();
  const [fault, setFault] = useState({ method: "chat.postMessage", trouble: "error", times: 1, code: "internal_error", seconds: 5 });
  const set = (key, number) => (event) => setFault({ ...fault, [key]: number ? Number(event.target.value) : event.target.value });
  const asksSeconds = fault.trouble === "rate_limited" || fault.trouble === "timeout";
  return html`<div class="fault-row fault-call"><label>The next <input class="field" type="number" min="1" max="99" value=${fault.times}
      aria-label="How many calls" onInput=${set("times", true)} /> calls of</label>
    <select class="field" aria-label="Method" value=${fault.method} onChange=${set("method")}>${METHODS.map((one) => html`<option
        value=${one}>${one === "*" ? "any method" : one}</option>`)}</select>
    <label>meet <select class="field" aria-label="Trouble" value=${fault.trouble}
        onChange=${set("trouble")}>${TROUBLES.map(([value, words]) => html`<option value=${value}>${words}</option>`)}</select></label>
    ${fault.trouble === "error" && html`<input class="field" type="text" aria-label="Error code" value=${fault.code} onInput=${set("code")} />`}
    ${asksSeconds && html`<label><input class="field" type="number" min="0" value=${fault.seconds} aria-label="Seconds"
        onInput=${set("seconds", true)} /> s</label>`}
    <${Do} onRun=${() => actions.fault({ next_call: fault })}>Set<//></div>`;
}

function Amount({ label, unit, start, button, onRun, max = 600, step = 1 }) {
  const [amount, setAmount] = useState(start);
  return html`<div class="fault-row"><label>${label} <input class="field" type="number" min="0" max=${max} step=${step} value=${amount}
      onInput=${(event) => setAmount(Number(event.target.value))} /> ${unit}</label><span class="spring"></span>
    <${Do} onRun=${() => onRun(amount)}>${button}<//></div>`;
}

function callWords({ times, method, trouble, code }) {
  const words = TROUBLES.find(([value]) => value === trouble)?.[1] ?? trouble;
  return `Next ${times} × ${method === "*" ? "any method" : method}: ${words}${trouble === "error" ? ` (${code})` : ""}`;
}

function Standing({ faults }) {
  const [, tick] = useState(0);
  const left = Math.ceil(((faults?.outageEnd ?? 0) - Date.now()) / 1000);
  useEffect(() => {
    if (left <= 0) return undefined;
    const timer = setTimeout(() => tick((count) => count + 1), 1000);
    return () => clearTimeout(timer);
  });
  if (!faults) return null;
  const lines = [
    left > 0 && `Outage for ${left} more second${left === 1 ? "" : "s"}`, faults.slow > 0 && `Every answer ${faults.slow} s late`,
    faults.duplicates > 0 && `Every delivery comes ${faults.duplicates + 1} times`,
    ...(faults.calls ?? []).map(callWords),
  ].filter(Boolean);
  return lines.length ? html`<ul class="standing" aria-label="Faults switched on">${lines.map((line) => html`<li
      key=${line}>${line}</li>`)}</ul>` : null;
}

function Faults() {
  const { actions } = useApp();
  const faults = useStore((state) => state.faults);
  const { fault } = actions;
  return html`<section><h3>Faults on demand</h3><p class="faint">Between the app and this simulated Slack. Your own window keeps working.</p>
    ${faults?.connections !== undefined && html`<p
        class="faint">The app has ${faults.connections} socket${faults.connections === 1 ? "" : "s"} open.</p>`}<${Standing} faults=${faults} />
    <${Amount} label="Slack is away for" unit="s" start=${20} button="Start the outage" onRun=${(seconds) => fault({ outage: seconds })} />
    <${NextCall} />
    <${Amount} label="Deliver everything with" unit="extra copies" start=${1} max=${9} button="Set" onRun=${(duplicates) => fault({ duplicates })} />
    <${Amount} label="Answer every call" unit="s late" start=${1} max=${30} step=${0.1} button="Set" onRun=${(slow) => fault({ slow })} />
    <div class="fault-row"><${Do} onRun=${() => fault({ drop: true })}>Drop the app's sockets<//><${Do}
        onRun=${() => fault({ silence: true })}>Silence them<//><${Do}
        onRun=${() => fault({ disconnect: "refresh_requested" })}>Ask them to reconnect<//></div>
    <div class="fault-row"><${Do} danger onRun=${() => fault({ clear: true })}>End all faults<//></div></section>`;
}

function untilMonday(now) {
  const date = new Date(now * 1000);
  const days = ((8 - date.getUTCDay()) % 7) || 7;
  const monday = Date.UTC(date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate() + days, 8, 55) / 1000;
  return monday - now;
}

function ClockMoves() {
  const { actions } = useApp();
  const [zone, now] = useStore((state) => [meOf(state)?.tz, Math.floor(nowOf(state))]);
  const [, tick] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, []);
  const move = (seconds) => actions.moveClock(seconds);
  return html`<section><h3>Clock</h3><p>In the workspace it is <strong>${fullTime(now, zone)}</strong> <span class="faint">(${zone})</span></p>
    <div class="fault-row"><${Do} onRun=${() => move(60)}>+1 minute<//><${Do} onRun=${() => move(HOUR)}>+1 hour<//><${Do}
        onRun=${() => move(DAY)}>+1 day<//><${Do} onRun=${() => move(7 * DAY)}>+1 week<//>
      <${Do} onRun=${() => move(untilMonday(now))}>To Monday, 8:55 UTC<//></div>
    <p class="faint">The clock only moves forward. Schedules and expiries follow it.</p></section>`;
}

/** The panel; stays open beside the conversation until it is closed. */
export function TroublePanel({ onClose }) {
  const { actions } = useApp();
  const status = useStore((state) => state.status);
  useLayer(onClose);
  useEffect(() => {
    if (status === "open") actions.refreshTrouble();
  }, [status]);
  return html`<aside class="trouble" aria-label="Trouble" data-testid="trouble"><header class="head"><h2
      class="head-title">Trouble</h2><span class="head-about faint">simulated Slack only</span><span class="spring"></span>
      <button type="button" class="icon-button" aria-label="Close the trouble panel" onClick=${onClose}><${Icon} name="close" /></button></header>
    <div class="trouble-body"><${Violations} /><${Faults} /><${ClockMoves} /></div></aside>`;
}
