/**
 * The thread on the right: the first message, its replies and a composer of its own.
 */

import { html, useApp, useEffect, useMemo, useRef, useState, useStore } from "../core/ui.js";
import { threadKey } from "../core/store.js";
import { Composer } from "./composer.js";
import { Icon } from "./icons.js";
import { MessageList } from "./message_list.js";
import { SuggestedPrompts } from "./prompts.js";
import { channelTitle, editOwnLast, isDirect, isMember } from "./channel.js";

const EMPTY = { messages: [], loaded: false };
const SESSION_WORDS = { active: "active", processing: "working", suspended: "paused", closed: "closed" };
const NEXT_LOADING_MS = 2500;

/** Threads that were opened in this window: the first time a thread is read from its beginning, later from its end. */
const opened = new Set();

/** "evalbot is thinking…" under a thread, with the app's loading messages one after the other. */
function Status({ spoken, name }) {
  const [turn, setTurn] = useState(0);
  const words = spoken.loading_messages ?? [];
  useEffect(() => {
    if (words.length < 2) return undefined;
    const timer = setInterval(() => setTurn((count) => count + 1), NEXT_LOADING_MS);
    return () => clearInterval(timer);
  }, [words.length]);
  return html`<div class="assistant-status" role="status" data-testid="assistant-status"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span>
    <strong>${name}</strong> ${spoken.status}${words.length ? html` <span class="faint">${words[turn % words.length]}</span>` : null}</div>`;
}

/** The thread pane of a message. */
export function ThreadPane({ channel: id, ts }) {
  const { actions } = useApp();
  const [channel, thread, allPending, people, me, apps, spoken, focus] = useStore((state) => [
    state.channels[id], state.threads[threadKey(id, ts)] ?? EMPTY, state.pending, state.people, state.me, state.apps,
    state.spoken[threadKey(id, ts)], state.route.focus,
  ]);
  const key = `${me}:${id}:${ts}`;
  const isNew = useRef(!opened.has(key) && !focus);
  useEffect(() => { opened.add(key); }, [key]);
  const pending = useMemo(() => allPending.filter((one) => one.channel === id && one.thread_ts === ts), [allPending, id, ts]);
  useEffect(() => {
    if (channel && !thread.loaded) actions.loadThread(id, ts);
  }, [id, ts, Boolean(channel)]);
  if (!channel) return null;
  const title = channelTitle(channel, people, me);
  const placeholder = { label: "Reply in thread", text: "Reply…", tryThis: apps[0] ? `@${people[apps[0].bot_user]?.name ?? apps[0].name} help` : null };
  return html`<aside class="thread" aria-label="Thread" data-testid="thread">
    <header class="head"><h2 class="head-title">${spoken?.title || "Thread"}</h2>${spoken?.state && html`<span
        class="badge">${SESSION_WORDS[spoken.state] ?? spoken.state}</span>`}
      <button type="button" class="head-about faint head-link"
          onClick=${() => actions.openMessage({ channel: id, ts })}>${isDirect(channel) ? title : `# ${title}`}</button><span
          class="spring"></span>
      <button type="button" class="icon-button" aria-label="Close the thread" onClick=${actions.closeThread}><${Icon}
          name="close" /></button></header>
    <${MessageList} key=${`${id}:${ts}`} channel=${id} messages=${thread.messages} pending=${pending} inThread loading=${!thread.loaded}
        fromTop=${isNew.current && thread.loaded} label="Thread" />
    ${spoken?.status && html`<${Status} spoken=${spoken} name=${apps[0]?.name ?? "The app"} />`}
    ${isMember(channel, me) && html`<${SuggestedPrompts} channel=${id} threadTs=${ts} />`}
    ${isMember(channel, me) && html`<${Composer} channel=${id} threadTs=${ts} placeholder=${placeholder}
        onEditLast=${() => editOwnLast(thread.messages, me)} />`}
  </aside>`;
}
