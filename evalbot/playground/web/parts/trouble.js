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

function Deliveries() {
  const { actions } = useApp();
  const [count, setCount] = useState(3);
  const [kind, setKind] = useState("reorder");
  const [seconds, setSeconds] = useState(60);
  const number = (set) => (event) => set(Number(event.target.value));
  const set = () => actions.fault({ duplicates: { duplicates: count, copies: 1 }, late: { late: count, delay: seconds }, reorder: { reorder: count } }[kind]);
  return html`<div class="fault-row fault-call"><label>The next <input class="field" type="number" min="1" max="99" value=${count}
      aria-label="How many deliveries" onInput=${number(setCount)} /> deliveries come</label>
    <select class="field" aria-label="How deliveries come" value=${kind} onChange=${(event) => setKind(event.target.value)}>
      <option value="reorder">in reverse order (events)</option><option value="duplicates">twice</option><option value="late">late (events)</option></select>
    ${kind === "late" && html`<label>by <input class="field" type="number" min="1" value=${seconds} aria-label="Seconds late"
        onInput=${number(setSeconds)} /> s</label>`}
    <${Do} onRun=${set} label="Set how deliveries come">Set<//></div>`;
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
    faults.duplicates > 0 && `The next ${faults.duplicates} deliveries come ${faults.copies + 1} times`,
    faults.late > 0 && `The next ${faults.late} events come ${faults.delay} s late`,
    faults.reordered > 0 && `The next ${faults.reordered} events come in reverse order`,
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
    <${Deliveries} />
    <${Amount} label="Answer every call" unit="s late" start=${1} max=${30} step=${0.1} button="Set" onRun=${(slow) => fault({ slow })} />
    <div class="fault-row"><${Do} onRun=${() => fault({ drop_sockets: true })}>Drop the app's sockets<//><${Do}
        onRun=${() => fault({ silence_sockets: true })}>Silence them<//><${Do}
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

const LOOK_AGAIN_MS = 2000;

/** What the server knows to be unfinished: not acknowledged, scheduled, half uploaded, still streaming. */
function Waiting() {
  const { actions } = useApp();
  const [status, zone] = useStore((state) => [state.status, meOf(state)?.tz]);
  const [rows, setRows] = useState([]);
  useEffect(() => {
    if (status !== "open") return undefined;
    const look = async () => setRows((await actions.waiting()) ?? []);
    look();
    const timer = setInterval(look, LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, [status]);
  const when = ({ since, due }) => html`<time class="faint" title=${fullTime(due ?? since, zone)}>${due ? "for" : "since"} ${clockTime(due ?? since, zone)}</time>`;
  return html`<section data-testid="waiting"><h3>Unfinished <span class="count">${rows.length}</span></h3>
    <p class="faint">What this simulated Slack still has to do, or waits for.</p>
    ${rows.length ? html`<ol class="violations">${rows.map((one, at) => html`<li key=${at}><code>${one.what}</code> ${when(one)}<div>${one.state}</div></li>`)}</ol>`
      : html`<p class="all-well"><${Icon} name="check" size=${16} /> Nothing.</p>`}</section>`;
}

function SecondWorkspace() {
  const { actions } = useApp();
  const elsewhere = useStore((state) => state.elsewhere);
  return html`<section><h3>Second workspace</h3>${elsewhere.length ? html`<p class="all-well"><${Icon} name="check" size=${16} />
      ${elsewhere.map((one) => one.name).join(", ")} has the app. Its people are in the person switcher.</p>`
    : html`<p class="faint">Another company that installs the same app: its events come with another team id.</p>
      <div class="fault-row"><${Do} onRun=${() => actions.installElsewhere()}>Install the app there too<//></div>`}</section>`;
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
    <div class="trouble-body"><${Violations} /><${Waiting} /><${Faults} /><${ClockMoves} /><${SecondWorkspace} /></div></aside>`;
}
