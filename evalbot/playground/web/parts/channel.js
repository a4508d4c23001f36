/**
 * The middle of the page: a channel or direct message with its header, messages and composer.
 */

import { html, classes, useApp, useBusy, useCallback, useEffect, useMemo, useStore } from "../core/ui.js";
import { meOf } from "../core/store.js";
import { Icon } from "./icons.js";
import { MessageList } from "./message_list.js";
import { Composer } from "./composer.js";
import { Avatar, Badges, LocalTime } from "./people.js";
import { SuggestedPrompts } from "./prompts.js";

const EMPTY = { messages: [], more: false, loaded: false };

/** Whether a conversation has people instead of a name: a direct message, or one of a few people. */
export const isDirect = (channel) => channel.kind === "im" || channel.kind === "mpim";

/** The name of a conversation as the person `me` reads it. */
export function channelTitle(channel, people, me) {
  if (channel.kind === "mpim") {
    return (channel.members ?? []).filter((id) => id !== me).map((id) => (people[id] ? shortName(people[id]) : "someone")).join(", ");
  }
  if (channel.kind !== "im") return channel.name;
  return people[channel.with]?.real_name || people[channel.with]?.name || "Direct message";
}

const shortName = (person) => (person.is_bot ? person.name : (person.real_name || person.name).split(" ")[0]);

/** The sign before a channel's name. */
export const ChannelSign = ({ channel, size = 16 }) => html`<span class="channel-sign"
    aria-hidden="true">${channel.kind === "private" ? html`<${Icon} name="lock" size=${size} />` : "#"}</span>`;

/** The tabs of an app: its Home and its direct message. */
export function AppTabs({ app, current }) {
  const { actions } = useApp();
  const tab = (name, label, go) => html`<button type="button" role="tab" class="tab" aria-selected=${current === name}
      onClick=${go}>${label}</button>`;
  return html`<div class="tabs" role="tablist"
      aria-label=${app.name}>${tab("home", "Home", () => actions.openHome(app.id))}
      ${tab("messages", "Messages", () => actions.openPerson(app.bot_user))}</div>`;
}

function Header({ channel, onMenu }) {
  const [people, apps, me] = useStore((state) => [state.people, state.apps, state.me]);
  const partner = channel.kind === "im" ? people[channel.with] : null;
  const app = partner?.is_bot && apps.find((one) => one.bot_user === partner.id);
  const count = channel.members?.length ?? 0;
  return html`<header class="head"><button type="button" class="icon-button menu-button" aria-label="Open the sidebar"
      onClick=${onMenu}><${Icon} name="menu" /></button>
    ${partner ? html`<${Avatar} person=${partner} size="small" />` : null}
    <h1 class="head-title">${isDirect(channel) ? channelTitle(channel, people, me) : html`<${ChannelSign}
        channel=${channel} /> ${channel.name}`}${partner && html`<${Badges} person=${partner} />`}</h1>
    <div class="head-about faint">${partner?.is_bot ? partner.title : partner ? html`${partner.title}${partner.title ? " · " : ""}<${LocalTime} person=${partner} />`
      : [count ? `${count} members` : "", channel.shared ? "shared with another organisation" : "", channel.topic].filter(Boolean).join(" · ")}</div>
    ${app && html`<${AppTabs} app=${app} current="messages" />`}</header>`;
}

function Beginning({ channel }) {
  const [people, me] = useStore((state) => [state.people, state.me]);
  const partner = people[channel.with];
  return html`<div class="beginning"><h2>${isDirect(channel) ? channelTitle(channel, people, me) : html`<${ChannelSign} channel=${channel}
      size=${20} /> ${channel.name}`}</h2>
    <p class="faint">${channel.kind === "im" ? `This is the start of your messages with ${partner?.real_name ?? "this person"}. Only the two of you see them.`
      : channel.kind === "mpim" ? "This is the start of your messages with these people. Nobody else sees them."
      : `This is the very beginning of #${channel.name}.${channel.topic ? ` ${channel.topic}` : ""}`}</p></div>`;
}

function Loading() {
  return html`<div class="skeleton" aria-label="Loading messages" role="status">${[1, 2, 3, 4, 5].map((one) => html`<div
      key=${one}><i></i><span><b></b><b></b></span></div>`)}</div>`;
}

function JoinBar({ channel }) {
  const { actions } = useApp();
  const [busy, run] = useBusy();
  return html`<div class="join-bar"><span>You are looking at <strong>#${channel.name}</strong>, which you have not joined.</span>
    <button type="button" class="button button-primary" aria-busy=${busy}
        onClick=${() => run(() => actions.join(channel.id))}>Join the channel</button></div>`;
}

/** Whether the person belongs to the conversation. */
export const isMember = (channel, me) => channel.kind === "im" || !channel.members || channel.members.includes(me);

/** The whole view of one conversation. */
export function ChannelView({ id, onMenu }) {
  const { actions, store } = useApp();
  const [channel, timeline, allPending, newFrom, me, people, command, unread] = useStore((state) => [
    state.channels[id], state.timelines[id] ?? EMPTY, state.pending, state.newFrom[id], state.me, state.people, state.commands[0], state.channels[id]?.unread,
  ]);
  const pending = useMemo(() => allPending.filter((one) => one.channel === id && !one.thread_ts), [allPending, id]);
  const seen = useCallback((ts) => {
    const latest = (store.state.timelines[id]?.messages ?? []).findLast((one) => !one.ephemeral);
    const isSeen = ts && latest && document.visibilityState === "visible";
    if (isSeen && store.state.channels[id]?.unread) actions.markRead(id, latest.ts);
  }, [id, unread]);
  const loadOlder = useCallback(() => actions.loadHistory(id, store.state.timelines[id]?.messages.find((one) => !one.ephemeral)?.ts), [id]);
  useEffect(() => {
    if (channel && !timeline.loaded && !timeline.loading && !timeline.failed) actions.loadHistory(id);
  }, [id, Boolean(channel), timeline.loaded]);
  if (!channel) return html`<div class="main-empty"><h1>Not here</h1><p>There is no such conversation for you. Choose one on the left.</p></div>`;
  const editLast = () => editOwnLast(timeline.messages, me);
  const title = channelTitle(channel, people, me);
  const words = `Message ${isDirect(channel) ? title : `#${title}`}`;
  const placeholder = { label: words, text: words, tryThis: command && `${command.command} help` };
  return html`<${Header} channel=${channel} onMenu=${onMenu} />
    ${timeline.failed && !timeline.loaded ? html`<div class="main-empty"><p>The messages could not be loaded.</p><button type="button"
        class="button" onClick=${() => actions.loadHistory(id)}>Try again</button></div>`
      : !timeline.loaded ? html`<${Loading} />`
        : html`<${MessageList} key=${id} channel=${id} messages=${timeline.messages} pending=${pending} more=${timeline.more}
            loading=${timeline.loading} loadOlder=${loadOlder} newFrom=${newFrom} onSeen=${seen} top=${html`<${Beginning}
            channel=${channel} />`} label=${`Messages in ${title}`} />`}
    ${isMember(channel, me) && html`<${SuggestedPrompts} channel=${id} />`}
    ${isMember(channel, me) ? html`<${Composer} channel=${id} placeholder=${placeholder} onEditLast=${editLast} />` : html`<${JoinBar}
        channel=${channel} />`}`;
}

/** Open the newest own message for editing, as if its E key had been pressed. */
export function editOwnLast(messages, me) {
  const last = messages.findLast((one) => one.user === me && !one.bot_id && !one.ephemeral);
  const row = last && document.querySelector(`.message[data-ts="${last.ts}"]`);
  if (!row) return false;
  row.focus();
  row.dispatchEvent(new KeyboardEvent("keydown", { key: "e", bubbles: true }));
  return true;
}
