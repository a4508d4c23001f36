/**
 * Everything the page knows, as one immutable state, and what each server event changes in it.
 */

import { dropMessage, mergePage, putMessage } from "./timelines.js";

/** The key of a thread in `state.threads`. */
export const threadKey = (channel, ts) => `${channel}:${ts}`;

const EMPTY = {
  status: "connecting", retryAt: 0, tries: 0, ready: false,
  me: "", workspace: { id: "", name: "" }, people: {}, channels: {}, commands: [], apps: [], shortcuts: [], clockOffset: 0,
  timelines: {}, threads: {}, pending: [], newFrom: {},
  views: {}, stack: [], forms: {}, homes: {}, spoken: {}, elsewhere: [],
  notices: [], violations: { count: 0, list: [] }, faults: null,
};

/** Seconds since the epoch as the simulated clock shows them. */
export const nowOf = (state) => Date.now() / 1000 + state.clockOffset;

/** The person this window acts as. */
export const meOf = (state) => state.people[state.me];

/** Holds the state; `apply` takes server events, `change` takes a function from state to the changed keys. */
export class Store {
  constructor(route) {
    this.state = { ...EMPTY, route };
    this.listeners = new Set();
    this.nextKey = 1;
  }

  /** Be told after every change; returns the way to stop. */
  subscribe(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Merge the keys that `compute(state)` returns into the state. */
  change(compute) {
    const changes = typeof compute === "function" ? compute(this.state) : compute;
    if (!changes) return;
    this.state = { ...this.state, ...changes };
    for (const listener of [...this.listeners]) listener();
  }

  /** A number that no earlier call returned. */
  freshKey() {
    return this.nextKey++;
  }

  /** Forget what belongs to the former person. */
  forgetPerson() {
    this.change(({ route }) => ({ ...EMPTY, route }));
  }

  /** Take in one server event. */
  apply(event) {
    const handler = EVENTS[event.event];
    if (handler) this.change((state) => handler(state, event, this));
  }
}

const byId = (list) => Object.fromEntries((list ?? []).map((one) => [one.id, one]));

const EVENTS = {
  hello: (state, event) => ({
    ready: true, me: event.me, workspace: event.workspace, people: byId(event.people), channels: byId(event.channels),
    commands: event.commands ?? [], apps: event.apps ?? [], shortcuts: event.shortcuts ?? [],
    clockOffset: offsetOf(event.now), faults: faultsOf(event.faults, state), homes: {}, elsewhere: event.elsewhere ?? [],
    spoken: Object.fromEntries((event.threads ?? []).map((one) => [threadKey(one.channel, one.thread_ts), one])),
    views: byId(event.views), stack: (event.views ?? []).map((view) => view.id),
    violations: event.violations ? violationsOf(state, event.violations) : state.violations,
  }),
  message: receiveMessage,
  ephemeral: (state, event) => receiveMessage(state, { ...event, message: { ...event.message, ephemeral: true } }),
  deleted: receiveDeletion,
  channel: receiveChannel,
  people: (state, { people }) => ({ people: byId(people) }),
  elsewhere: (state, { elsewhere }) => ({ elsewhere }),
  view: receiveView,
  home: (state, { app, view }) => ({ homes: { ...state.homes, [app]: { view, loading: false, asked: true } } }),
  notice: (state, { text, kind }, store) => ({ notices: addNotice(state, { text, kind, key: store.freshKey() }) }),
  assistant_thread: (state, { thread }) => ({ spoken: { ...state.spoken, [threadKey(thread.channel, thread.thread_ts)]: thread } }),
  violations: (state, event) => ({ violations: violationsOf(state, event) }),
  faults: (state, event) => ({ faults: faultsOf(event.faults, state) }),
  clock: (state, { now }) => ({ clockOffset: offsetOf(now) }),
};

/** The faults that are on, with the moment of this browser's clock at which an outage ends. */
const faultsOf = (faults, state) => (faults ? { ...state.faults, ...faults, outageEnd: Date.now() + (faults.outage ?? 0) * 1000 } : state.faults);

const offsetOf = (now) => (now ? Number(now) - Date.now() / 1000 : 0);

/** Keep the last few notices, the newest last, never two of the same words. */
export const addNotice = (state, notice) => [...state.notices.filter((one) => one.text !== notice.text), notice].slice(-4);

function violationsOf(state, event) {
  const listed = event.violations ?? event.list;
  const latest = event.latest ? [].concat(event.latest) : [];
  const list = listed ?? [...state.violations.list, ...latest];
  return { count: event.count ?? list.length, list };
}

/** A direct message that comes while the person looks elsewhere is told, with a way to it. */
function receiveChannel(state, { channel }, store) {
  const before = state.channels[channel.id];
  const changes = { channels: { ...state.channels, [channel.id]: { ...before, ...channel } } };
  const isNews = channel.kind === "im" && channel.unread > (before?.unread ?? 0) && state.route.channel !== channel.id;
  if (!isNews) return changes;
  const from = state.people[channel.with];
  const text = `New message from ${from?.is_bot ? from.name : from?.real_name ?? "somebody"}`;
  return { ...changes, notices: addNotice(state, { text, kind: "info", place: channel.id, key: store.freshKey() }) };
}

function receiveMessage(state, { channel, message }) {
  const changes = {};
  const isReply = message.thread_ts && message.thread_ts !== message.ts;
  const key = threadKey(channel, isReply ? message.thread_ts : message.ts);
  const thread = state.threads[key];
  if (thread) changes.threads = { ...state.threads, [key]: { ...thread, messages: putMessage(thread.messages, message) } };
  const timeline = state.timelines[channel];
  if (timeline?.loaded && (!isReply || message.subtype === "thread_broadcast")) {
    const oldest = timeline.messages[0]?.ts;
    if (!timeline.more || !oldest || message.ts >= oldest) {
      changes.timelines = { ...state.timelines, [channel]: { ...timeline, messages: putMessage(timeline.messages, message) } };
    }
  }
  const pending = withoutConfirmed(state, channel, message);
  if (pending !== state.pending) changes.pending = pending;
  return changes;
}

/** The first waiting text of this conversation is confirmed by the person's own new message. */
function withoutConfirmed(state, channel, message) {
  if (message.user !== state.me || message.bot_id || message.ephemeral || message.edited) return state.pending;
  const place = message.thread_ts && message.thread_ts !== message.ts ? message.thread_ts : null;
  const at = state.pending.findIndex((one) => one.channel === channel && (one.thread_ts ?? null) === place && !one.error && !one.command);
  return at < 0 || Number(message.ts) < state.pending[at].since - 2 ? state.pending : state.pending.filter((_, index) => index !== at);
}

function receiveDeletion(state, { channel, ts }) {
  const threads = { ...state.threads };
  for (const key of Object.keys(threads)) {
    if (key.startsWith(`${channel}:`)) threads[key] = { ...threads[key], messages: dropMessage(threads[key].messages, ts) };
  }
  const timeline = state.timelines[channel];
  if (!timeline) return { threads };
  return { threads, timelines: { ...state.timelines, [channel]: { ...timeline, messages: dropMessage(timeline.messages, ts) } } };
}

function receiveView(state, { view, mode, stack }) {
  if (mode === "close") {
    const left = stack ?? state.stack.filter((id) => id !== view?.id);
    return { stack: left, views: pick(state.views, left), forms: keptForms(state, left) };
  }
  if (view.type === "home") return { homes: { ...state.homes, [view.app_id]: { view, loading: false, asked: true } } };
  const order = stack ?? (mode === "push" ? [...state.stack, view.id] : mode === "open" ? [view.id] : state.stack);
  return { stack: order, views: pick({ ...state.views, [view.id]: view }, order), forms: keptForms(state, order) };
}

/** What was typed into modals that are gone is forgotten; the fields of messages and Home stay. */
const keptForms = (state, order) => Object.fromEntries(Object.entries(state.forms).filter(([key]) => order.includes(key) || !state.stack.includes(key)));

const pick = (table, ids) => Object.fromEntries(ids.filter((id) => id in table).map((id) => [id, table[id]]));

/** Put a page of history into a timeline; `before` is set when the page continues upwards. */
export function withHistory(state, channel, page, before) {
  const timeline = state.timelines[channel] ?? { messages: [] };
  const merged = mergePage(timeline, page, before);
  return { timelines: { ...state.timelines, [channel]: { ...merged, loaded: true, loading: false, failed: false } } };
}
