/**
 * What a person can do, as verbs on the store and the connection. Errors become notices; nothing here draws.
 */

import { addNotice, nowOf, threadKey, withHistory } from "./store.js";
import { hashOf } from "./routes.js";
import { ConnectionLost } from "./connection.js";
import { troubleActions } from "./trouble_actions.js";

const PAGE = 60;
const MOST_PAGES_TO_FIND = 40;

/** Build the actions of one page. */
export function makeActions(store, connection) {
  const tell = (text, kind = "info") => store.change((state) => ({ notices: addNotice(state, { text, kind, key: store.freshKey() }) }));

  /** Call a verb; a failure is told to the person and gives null. */
  const ask = async (verb, args) => {
    try {
      return await connection.call(verb, args);
    } catch (error) {
      tell(error.message, "error");
      return null;
    }
  };

  return {
    tell, ask, call: (verb, args) => connection.call(verb, args),
    dismissNotice: (key) => store.change(({ notices }) => ({ notices: notices.filter((one) => one.key !== key) })),
    ...placeActions(store, ask),
    ...messageActions(store, connection, ask),
    ...viewActions(store, connection, ask, tell),
    ...troubleActions(store, ask),
  };
}

function placeActions(store, ask) {
  const go = (route) => {
    const next = { home: null, channel: null, thread: null, focus: null, ...route };
    store.change({ route: next });
    if (location.hash !== hashOf(next)) history.pushState(null, "", location.search + hashOf(next));
  };

  const patch = (channel, changes) => store.change(({ timelines }) => ({
    timelines: { ...timelines, [channel]: { messages: [], more: false, loaded: false, ...timelines[channel], ...changes } },
  }));

  const loadHistory = async (channel, before) => {
    if (store.state.timelines[channel]?.loading) return false;
    patch(channel, { loading: true });
    const page = await ask("history", { channel, limit: PAGE, ...(before ? { before } : {}) });
    if (!page) {
      patch(channel, { loading: false, failed: true });
      return false;
    }
    if (!before) noteUnread(channel, page);
    store.change((state) => withHistory(state, channel, page, before));
    return page.more;
  };

  const noteUnread = (channel, page) => {
    const unread = store.state.channels[channel]?.unread ?? 0;
    const shown = page.messages.filter((one) => !one.ephemeral);
    const first = unread && shown[Math.max(0, shown.length - unread)];
    store.change(({ newFrom }) => ({ newFrom: { ...newFrom, [channel]: first ? first.ts : null } }));
  };

  const loadThread = async (channel, ts) => {
    const key = threadKey(channel, ts);
    const known = store.state.threads[key];
    const parent = store.state.timelines[channel]?.messages.find((one) => one.ts === ts);
    if (!known) store.change(({ threads }) => ({ threads: { ...threads, [key]: { messages: parent ? [parent] : [], loaded: false } } }));
    const answer = await ask("replies", { channel, thread_ts: ts });
    if (!answer) return;
    store.change(({ threads }) => ({ threads: { ...threads, [key]: { messages: answer.messages, loaded: true } } }));
  };

  const openChannel = (channel, more = {}) => {
    const seen = store.state.timelines[channel];
    if (seen?.loaded && store.state.route.channel !== channel) {
      store.change(({ newFrom }) => ({ newFrom: { ...newFrom, [channel]: firstUnread(store.state, channel) } }));
    }
    go({ channel, ...more });
    if (!seen?.loaded) loadHistory(channel);
    if (more.thread) loadThread(channel, more.thread);
  };

  return {
    openChannel, loadHistory, loadThread,
    openThread: (channel, thread, focus) => openChannel(channel, { thread, focus: focus ?? null }),
    closeThread: () => go({ ...store.state.route, thread: null, focus: null }),
    async openHome(app) {
      go({ home: app });
      store.change(({ homes }) => ({ homes: { ...homes, [app]: { ...homes[app], loading: true } } }));
      const answer = await ask("open_home", { app });
      store.change(({ homes }) => ({
        homes: { ...homes, [app]: { view: answer?.view ?? homes[app]?.view, loading: false, asked: Boolean(answer) } },
      }));
    },
    async openPerson(user) {
      const known = Object.values(store.state.channels).find((one) => one.kind === "im" && one.with === user);
      if (known) return openChannel(known.id);
      const answer = await ask("open_im", { user });
      const channel = answer?.channel;
      if (channel?.id) store.apply({ event: "channel", channel });
      return channel && openChannel(channel.id ?? channel);
    },
    async join(channel) {
      if (await ask("join", { channel })) await loadHistory(channel);
    },
    /** Go to one message, reading history until it is found. */
    async openMessage({ channel, ts, thread }) {
      const top = thread ?? ts;
      openChannel(channel, { thread: thread ?? null, focus: ts });
      for (let page = 0; top && page < MOST_PAGES_TO_FIND; page += 1) {
        const timeline = store.state.timelines[channel];
        if (timeline?.loading) await new Promise((done) => setTimeout(done, 60));
        else if (!timeline?.loaded || timeline.messages.some((one) => one.ts === top) || !timeline.more) break;
        else await loadHistory(channel, timeline.messages[0]?.ts);
      }
      store.change(({ route }) => ({ route: { ...route, focus: ts, focusKey: store.freshKey() } }));
    },
  };
}

function firstUnread(state, channel) {
  const unread = state.channels[channel]?.unread ?? 0;
  const shown = (state.timelines[channel]?.messages ?? []).filter((one) => !one.ephemeral && one.user !== state.me);
  return unread && shown.length >= unread ? shown[shown.length - unread].ts : null;
}

function messageActions(store, connection, ask) {
  const setPending = (key, changes) => store.change(({ pending }) => ({
    pending: changes ? pending.map((one) => (one.key === key ? { ...one, ...changes } : one)) : pending.filter((one) => one.key !== key),
  }));

  const deliver = async (item) => {
    try {
      await connection.call("send", { channel: item.channel, text: item.text, ...(item.thread_ts ? { thread_ts: item.thread_ts } : {}) });
      setTimeout(() => setPending(item.key, null), item.command ? 0 : 400);
    } catch (error) {
      store.change(({ notices }) => ({ notices: notices.filter((one) => one.text !== error.message) }));
      setPending(item.key, { error: error instanceof ConnectionLost ? "Not sent: the connection was lost." : error.message });
    }
  };

  return {
    send(channel, text, threadTs) {
      const { state } = store;
      const command = text.startsWith("/") && state.commands.some((one) => one.command === text.split(/\s/, 1)[0]);
      const item = { key: store.freshKey(), channel, text, thread_ts: threadTs ?? null, command, since: nowOf(state), error: null };
      store.change(({ pending }) => ({ pending: [...pending, item] }));
      return deliver(item);
    },
    retry(item) {
      setPending(item.key, { error: null, since: nowOf(store.state) });
      return deliver(item);
    },
    discard: (item) => setPending(item.key, null),
    edit: (channel, ts, text) => ask("edit", { channel, ts, text }),
    remove: (channel, ts) => ask("delete", { channel, ts }),
    hideEphemeral(channel, ts) {
      store.apply({ event: "deleted", channel, ts });
      return connection.call("delete", { channel, ts }).catch(() => null);
    },
    react(channel, message, name) {
      const mine = message.reactions?.some((one) => one.name === name && one.users?.includes(store.state.me));
      return ask("react", { channel, ts: message.ts, name, ...(mine ? { remove: true } : {}) });
    },
    shortcut: (callbackId, place = {}) => ask("shortcut", { callback_id: callbackId, ...place }),
    stopStream: (channel, ts) => ask("stop_stream", { channel, ts }),
    markRead: (channel, ts) => connection.call("mark_read", { channel, ts }).catch(() => null),
  };
}

function viewActions(store, connection, ask, tell) {
  const forgetView = (id, all) => store.change(({ stack }) => ({ stack: all ? [] : stack.filter((one) => one !== id) }));

  return {
    click: (args) => ask("click", args),
    suggest: (args) => connection.call("suggest", args),
    setForm: (form, change) => store.change(({ forms }) => ({ forms: { ...forms, [form]: change(forms[form] ?? {}) } })),
    /** Hand a modal in; gives null when it was taken, else the errors by block id (or under "" for the whole modal). */
    async submitView(view, values) {
      try {
        await connection.call("view_submit", { view_id: view.id, values });
        return null;
      } catch (error) {
        const errors = error.reply?.errors;
        return errors && Object.keys(errors).length ? errors : { "": error.message };
      }
    },
    async closeView(id, all = false) {
      forgetView(id, all);
      await connection.call("view_close", { view_id: id, ...(all ? { is_cleared: true } : {}) }).catch((error) => tell(error.message, "error"));
    },
  };
}
