/**
 * One message: author, time, text or blocks, files, reactions, thread summary, and what can be done with it.
 */

import { html, classes, Guard, memo, useApp, useLayoutEffect, useMemo, useRef, useState, useStore } from "../core/ui.js";
import { clockTime, fullTime } from "../core/dates.js";
import { meOf } from "../core/store.js";
import { Attachments, Blocks } from "../blocks/blocks.js";
import { SurfaceContext } from "../blocks/surface.js";
import { Ago, Emoji, Mrkdwn } from "../text/inline.js";
import { FileView } from "./files.js";
import { Icon } from "./icons.js";
import { EmojiPicker } from "./emoji_picker.js";
import { Avatar, Badges } from "./people.js";
import { MessageTools } from "./message_tools.js";
import { EditBox } from "./edit_box.js";

/** Who wrote a message: a person of the workspace, or what the message says of its app. */
export function authorOf(state, message) {
  const person = state.people[message.user] ?? state.people[state.apps.find((one) => one.id === message.app_id)?.bot_user];
  if (!person) return { name: message.username ?? "app", real_name: message.username ?? "App", is_bot: Boolean(message.bot_id) };
  return message.username ? { ...person, name: message.username, real_name: message.username } : person;
}

/** The name of an author as it is drawn: bots by their handle, people by their full name. */
export const shownName = (person) => (person.is_bot ? person.name : person.real_name || person.name);

function MessageBody({ channel, message, still }) {
  const surface = useMemo(() => ({
    kind: "message", form: `${channel}:${message.ts}`, place: { channel, ts: message.ts }, blocks: message.blocks ?? [], errors: {}, still,
  }), [channel, message, still]);
  return html`<${SurfaceContext.Provider} value=${surface}>
    ${message.blocks?.length ? html`<${Blocks} blocks=${message.blocks} />` : message.text ? html`<div class="message-text"><${Mrkdwn}
        text=${message.text} /></div>` : null}
    ${message.attachments?.length ? html`<${Attachments} attachments=${message.attachments} />` : null}
    ${message.streaming_state && html`<${StreamNote} channel=${channel} message=${message} />`}
    ${message.files?.map((file) => html`<${FileView} key=${file.id} file=${file} />`)}
  <//>`;
}

const STREAM_WORDS = {
  interrupted: "This answer broke off: a stream ends after five minutes.", stopped: "You or somebody else stopped this answer.",
};

/** Under an answer that is being streamed: that it goes on, with a way to stop it, or why it did not end well. */
function StreamNote({ channel, message }) {
  const { actions } = useApp();
  if (message.streaming_state !== "in_progress") {
    return html`<div class="stream-note faint">${STREAM_WORDS[message.streaming_state] ?? message.streaming_state}</div>`;
  }
  return html`<div class="stream-note faint" role="status"><span class="dots" aria-hidden="true"><i></i><i></i><i></i></span> Writing…
    <button type="button" class="link-button" onClick=${() => actions.stopStream(channel, message.ts)}>Stop</button></div>`;
}

function Reactions({ channel, message }) {
  const { actions } = useApp();
  const [me, people] = useStore((state) => [state.me, state.people]);
  const anchor = useRef(null);
  const [picking, setPicking] = useState(false);
  if (!message.reactions?.length) return null;
  const who = (one) => (one.users ?? []).map((id) => (id === me ? "you" : people[id]?.real_name ?? "someone")).join(", ");
  return html`<div class="reactions" role="group" aria-label="Reactions">${message.reactions.map((one) => html`<button type="button"
      key=${one.name} class=${classes("reaction", one.users?.includes(me) && "is-mine")}
      aria-pressed=${Boolean(one.users?.includes(me))} aria-label=${`${one.name.replaceAll("_", " ")}, ${one.count}: ${who(one)}`}
      title=${`${who(one)} reacted with :${one.name}:`}
      onClick=${() => actions.react(channel, message, one.name)}><${Emoji} name=${one.name} /><span>${one.count}</span></button>`)}
    <button ref=${anchor} type="button" class="reaction reaction-add" aria-label="Add a reaction" aria-expanded=${picking}
        onClick=${() => setPicking(!picking)}><${Icon} name="smile" size=${16} /></button>
    ${picking && html`<${EmojiPicker} anchor=${anchor} onClose=${() => setPicking(false)}
        onPick=${(name) => actions.react(channel, message, name)} />`}</div>`;
}

function ThreadSummary({ channel, message }) {
  const { actions } = useApp();
  const people = useStore((state) => state.people);
  const count = message.reply_count;
  if (!count) return null;
  return html`<button type="button" class="thread-summary" onClick=${() => actions.openThread(channel, message.ts)} data-testid="thread-summary">
    <span class="thread-faces">${(message.reply_users ?? []).slice(0, 4).map((id) => html`<${Avatar} key=${id}
        person=${people[id] ?? { name: "?" }} size="small" />`)}</span>
    <strong>${count} ${count === 1 ? "reply" : "replies"}</strong>
    ${message.latest_reply && html`<span class="faint thread-last">Last reply <${Ago} ts=${message.latest_reply} /></span>`}<span
        class="thread-open faint">View thread</span></button>`;
}

/** A line of the workspace itself, such as somebody joining. */
const QUIET = new Set(["channel_join", "group_join", "channel_leave", "channel_topic", "channel_name", "channel_archive", "pinned_item"]);

function Head({ author, message, zone, onDismiss }) {
  return html`<div class="message-head"><strong class="message-author">${shownName(author)}</strong><${Badges} person=${author}
      app=${message.bot_id && !author.is_bot} />
    <time class="message-time" title=${fullTime(message.ts, zone)}>${clockTime(message.ts, zone)}${message.edited && html`<span
        title=${`Edited ${fullTime(message.edited.ts, zone)}`}> · edited</span>`}</time>
    ${message.ephemeral && html`<span class="ephemeral-note"><${Icon} name="eye" size=${14} /> Only visible to you · <button type="button"
        class="link-button" onClick=${onDismiss}>Dismiss</button></span>`}</div>`;
}

/** One row of a conversation. `compact` leaves out name and avatar, `inThread` hides the thread summary. */
export const MessageRow = memo(({ channel, message, compact, inThread, flash, focusable }) => {
  const { actions } = useApp();
  const [author, zone, mine] = useStore((state) => [authorOf(state, message), meOf(state)?.tz, message.user === state.me && !message.bot_id]);
  const row = useRef(null);
  const [active, setActive] = useState(false);
  const [editing, setEditing] = useState(false);
  const [tool, setTool] = useState(null);
  const gone = message.subtype === "tombstone";
  const openThread = () => !message.ephemeral && actions.openThread(channel, message.thread_ts ?? message.ts);
  const onKeyDown = (event) => {
    if (event.target !== row.current || event.metaKey || event.ctrlKey || event.altKey || gone) return;
    const own = mine ? { e: () => setEditing(true), Delete: () => setTool("delete") } : {};
    const keys = { Enter: openThread, t: openThread, r: () => setTool("react"), m: () => setTool("more"), ...own };
    if (!keys[event.key]) return;
    event.preventDefault();
    keys[event.key]();
  };
  const look = classes("message", compact && "is-compact", message.ephemeral && "is-ephemeral", flash && "is-flashed", editing && "is-editing",
    QUIET.has(message.subtype) && "is-quiet");
  const held = useRef(null);
  const enter = (event) => {
    held.current = event.target.dataset?.action ?? "";
    setActive(true);
  };
  const leave = (event) => {
    if (!row.current || row.current.contains(event.relatedTarget)) return;
    if (row.current.contains(event.target)) held.current = null;
    setActive(false);
  };
  // An app that redraws its message takes the pressed button away: the one in its place gets the focus.
  useLayoutEffect(() => {
    if (held.current === null || document.activeElement !== document.body) return;
    const successor = held.current && row.current.querySelector(`[data-action="${CSS.escape(held.current)}"]`);
    (successor || row.current).focus({ preventScroll: true });
  }, [message]);
  return html`<article ref=${row}
      class=${look}
    data-testid="message" data-ts=${message.ts} data-channel=${channel} tabindex=${focusable ? 0 : -1}
    aria-label=${`${shownName(author)}, ${clockTime(message.ts, zone)}`}
    onPointerEnter=${() => setActive(true)} onPointerLeave=${() => setActive(false)} onFocusIn=${enter} onFocusOut=${leave}
    onKeyDown=${onKeyDown}>
    <div class="message-side">${compact ? html`<time class="message-when">${clockTime(message.ts, zone)}</time>` : html`<${Avatar}
        person=${author} />`}</div>
    <div class="message-main">
      ${!compact && html`<${Head} author=${author} message=${message} zone=${zone} onDismiss=${() => actions.hideEphemeral(channel, message.ts)} />`}
      ${message.subtype === "thread_broadcast" && !inThread && html`<div class="faint replied">replied to a thread</div>`}
      ${gone ? html`<div class="faint">This message was deleted.</div>` : editing ? html`<${EditBox} channel=${channel} message=${message}
          onDone=${() => { setEditing(false); row.current?.focus(); }} />`
        : html`<${Guard} watch=${message} instead=${html`<p class="message-text plain">${message.text}</p>`}>
          <${MessageBody} channel=${channel} message=${message} /><//>`}
      <${Reactions} channel=${channel} message=${message} />
      ${!inThread && html`<${ThreadSummary} channel=${channel} message=${message} />`}
    </div>
    ${(active || tool) && !gone && !editing && html`<${MessageTools} channel=${channel} message=${message} mine=${mine} inThread=${inThread}
        tool=${tool} setTool=${setTool} onThread=${openThread} onEdit=${() => setEditing(true)} />`}
  </article>`;
});

/** A text on its way: grey until the server has it, with a way out when it failed. */
export function PendingRow({ item }) {
  const { actions } = useApp();
  const me = useStore(meOf);
  return html`<article class=${classes("message is-pending", item.error && "is-failed")} data-testid="pending"
      aria-label=${item.error ? "Message not sent" : "Message on its way"}>
    <div class="message-side"><${Avatar} person=${me} /></div>
    <div class="message-main"><div class="message-head"><strong class="message-author">${me?.real_name}</strong><span
        class="message-time">${item.error ? "" : item.command ? "running…" : "sending…"}</span></div>
      <div class="message-text plain">${item.text}</div>
      ${item.error && html`<div class="pending-error" role="alert"><${Icon} name="warning" size=${14} /> ${item.error}
        <button type="button" class="link-button" onClick=${() => actions.retry(item)}>Try again</button><button type="button"
            class="link-button" onClick=${() => actions.discard(item)}>Discard</button></div>`}
    </div></article>`;
}
