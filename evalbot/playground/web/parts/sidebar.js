/**
 * The left side: workspace, channels, direct messages, apps, and who this window is.
 */

import { html, classes, useApp, useStore } from "../core/ui.js";
import { ChannelSign, channelTitle, isDirect, isMember } from "./channel.js";
import { Icon } from "./icons.js";
import { moveFocus } from "./layers.js";
import { PersonSwitcher } from "./person_switcher.js";
import { ThemeButton } from "./theme.js";
import { Avatar } from "./people.js";

const byName = (a, b) => a.name.localeCompare(b.name);

function Entry({ current, unread, loud, label, onOpen, testid, children }) {
  return html`<button type="button" class=${classes("entry", unread && "is-unread", current && "is-current")}
      aria-current=${current ? "page" : undefined}
    aria-label=${unread ? `${label}, ${unread} unread` : label} data-testid=${testid} onClick=${onOpen}>
    <span class="entry-name">${children}</span>${unread ? html`<span
        class=${classes("count", loud && "count-loud")}>${unread > 99 ? "99+" : unread}</span>` : null}</button>`;
}

function ChannelEntry({ channel, onOpen }) {
  const [current, people, me] = useStore((state) => [state.route.channel === channel.id, state.people, state.me]);
  const title = channelTitle(channel, people, me);
  const isIm = isDirect(channel);
  const face = channel.kind === "mpim" ? { name: String(channel.members.length - 1), is_bot: true } : people[channel.with];
  const loud = channel.mentions > 0 || isIm;
  return html`<${Entry} current=${current} unread=${channel.unread} loud=${loud} label=${isIm ? title : `Channel ${title}`}
      testid=${isIm ? `dm-${people[channel.with]?.name ?? channel.id}` : `channel-${channel.name}`} onOpen=${() => onOpen(channel.id)}>
    ${isIm ? html`<${Avatar} person=${face} size="tiny" />` : html`<${ChannelSign} channel=${channel} size=${14} />`}
    <span class="ellipsis">${isIm && people[channel.with]?.is_bot ? people[channel.with].name : title}</span>${channel.shared ? html`<small
        class="shared">(shared)</small>` : null}<//>`;
}

const Group = ({ title, children }) => html`<section class="group" aria-label=${title}><h3>${title}</h3>${children}</section>`;

/** The sidebar. `onSwitcher` opens the Ctrl+K switcher, `onTrouble` the trouble panel, `onDone` closes the drawer on a phone. */
export function Sidebar({ onSwitcher, onTrouble, onDone }) {
  const { actions } = useApp();
  const [workspace, channels, people, apps, me, home, violations] = useStore((state) => [
    state.workspace, state.channels, state.people, state.apps, state.me, state.route.home, state.violations.count,
  ]);
  const all = Object.values(channels);
  const joined = all.filter((one) => !isDirect(one) && isMember(one, me)).sort(byName);
  const others = all.filter((one) => one.kind === "channel" && !isMember(one, me)).sort(byName);
  const bot = (one) => (people[one.with]?.is_bot ? 0 : 1);
  const titled = (one) => channelTitle(one, people, me);
  const messages = all.filter(isDirect).sort((a, b) => bot(a) - bot(b) || titled(a).localeCompare(titled(b)));
  const open = (id) => { actions.openChannel(id); onDone(); };
  const entry = (one) => html`<${ChannelEntry} key=${one.id} channel=${one} onOpen=${open} />`;
  return html`<nav class="sidebar" aria-label="Workspace"
      onKeyDown=${(event) => event.target.classList?.contains("entry") && moveFocus(event, ".entry")}>
    <div class="workspace"><strong>${workspace.name || "…"}</strong>
      <button type="button" class="icon-button" aria-label="Jump to a conversation (Ctrl+K)" title="Jump to… (Ctrl+K)" onClick=${onSwitcher}
          data-testid="switcher-button"><${Icon} name="search" /></button></div>
    <div class="simulated">Local playground · simulated Slack</div>
    <div class="entries">
      <${Group} title="Channels">${joined.map(entry)}<//>
      <${Group} title="Direct messages">${messages.map(entry)}<//>
      ${apps.length > 0 && html`<${Group} title="Apps">${apps.filter((one) => one.has_home).map((one) => html`<${Entry} key=${one.id}
          current=${home === one.id} label=${`${one.name} Home`} testid=${`home-${one.name}`}
          onOpen=${() => { actions.openHome(one.id); onDone(); }}><${Icon} name="home" size=${15} /> <span>${one.name} · Home</span><//>`)}<//>`}
      ${others.length > 0 && html`<${Group} title="Channels to join">${others.map(entry)}<//>`}
    </div>
    <div class="sidebar-foot"><div class="foot-tools">
        <button type="button" class=${classes("foot-button", violations && "has-violations")} onClick=${onTrouble}
            data-testid="trouble-button"><${Icon} name="warning" size=${16} /> Trouble${violations ? html`<span class="count count-loud"
            aria-label=${`${violations} violations`}>${violations}</span>` : null}</button>
        <${ThemeButton} /></div>
      <${PersonSwitcher} /></div>
  </nav>`;
}
