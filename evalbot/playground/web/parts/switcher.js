/**
 * Ctrl+K: jump to a conversation, a person, an app's Home, or run a global shortcut.
 */

import { html, useApp, useEffect, useMemo, useRef, useState, useStore } from "../core/ui.js";
import { ChannelSign, channelTitle, isDirect } from "./channel.js";
import { Icon } from "./icons.js";
import { Dialog } from "./layers.js";
import { Avatar } from "./people.js";

function destinations(state, actions) {
  const { channels, people, apps, shortcuts, me } = state;
  const all = Object.values(channels);
  const known = new Set(all.filter((one) => one.kind === "im").map((one) => one.with));
  const channelEntry = (one) => ({
    key: one.id, label: channelTitle(one, people, me), detail: isDirect(one) ? people[one.with]?.title : one.topic, unread: one.unread, also: people[one.with]?.name,
    face: isDirect(one) ? html`<${Avatar} person=${people[one.with]} size="small" />` : html`<${ChannelSign}
        channel=${one} />`, go: () => actions.openChannel(one.id),
  });
  return [
    ...all.sort((a, b) => (b.unread ?? 0) - (a.unread ?? 0)).map(channelEntry),
    ...apps.filter((one) => one.has_home).map((one) => ({ key: `home-${one.id}`, label: `${one.name} · Home`, face: html`<${Icon}
        name="home" />`, go: () => actions.openHome(one.id) })),
    ...Object.values(people).filter((one) => one.id !== me && !known.has(one.id)).map((one) => ({
      key: one.id, label: one.real_name, also: one.name, detail: "Start a direct message", face: html`<${Avatar} person=${one} size="small" />`, 
      go: () => actions.openPerson(one.id),
    })),
    ...shortcuts.filter((one) => one.type === "global").map((one) => ({
      key: one.callback_id, label: one.name, detail: "Shortcut", face: html`<${Icon} name="bolt" />`,
      go: () => actions.shortcut(one.callback_id),
    })),
  ];
}

function matching(list, query) {
  const words = query.toLowerCase().trim().split(/\s+/);
  const fits = (one) => words.every((word) => `${one.label} ${one.also ?? ""}`.toLowerCase().includes(word));
  const starts = (one) => (one.label.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return query.trim() ? list.filter(fits).sort((a, b) => starts(a) - starts(b)) : list;
}

/** The switcher dialog. */
export function Switcher({ onClose }) {
  const { actions } = useApp();
  const state = useStore((one) => one);
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef(null);
  const found = useMemo(() => matching(destinations(state, actions), query).slice(0, 40), [state.channels, state.people, query]);
  useEffect(() => setAt(0), [query]);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at]);
  const choose = (one) => {
    onClose();
    one.go();
  };
  const onKeyDown = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && found.length) setAt((at + step + found.length) % found.length);
    else if (event.key === "Enter" && found[at]) choose(found[at]);
    else return;
    event.preventDefault();
  };
  return html`<${Dialog} onClose=${onClose} label="Jump to a conversation" class="switcher" data-testid="switcher">
    <input class="switcher-search" type="text" autofocus role="combobox" aria-expanded="true" aria-controls="switcher-list"
        aria-activedescendant=${found.length ? `switcher-${at}` : undefined} aria-label="Jump to"
      placeholder="Jump to a channel, person or app…" value=${query} onInput=${(event) => setQuery(event.target.value)} onKeyDown=${onKeyDown} />
    <div ref=${list} id="switcher-list" role="listbox" aria-label="Conversations"
        class="switcher-list">${found.map((one, index) => html`<div key=${one.key} id=${`switcher-${index}`} role="option"
        aria-selected=${index === at} class="completion" onPointerEnter=${() => setAt(index)} onClick=${() => choose(one)}>
      <span class="switcher-face">${one.face}</span><strong>${one.label}</strong><span
          class="completion-detail faint">${one.detail}</span>${one.unread ? html`<span
          class="count count-loud">${one.unread}</span>` : null}</div>`)}
      ${!found.length && html`<div class="option-none">Nothing is called that.</div>`}</div>
    <footer class="faint">↑ ↓ to move · Enter to open · Escape to leave</footer>
  <//>`;
}
