/**
 * The box to write in: grows with the text, completes commands, people, channels and emoji, keeps a draft per conversation.
 */

import { html, classes, useApp, useEffect, useId, useLayoutEffect, useMemo, useRef, useState, useStore } from "../core/ui.js";
import { emojiSign, findEmoji } from "../core/emoji.js";
import { EmojiPicker } from "./emoji_picker.js";
import { Icon } from "./icons.js";
import { Menu, useLayer } from "./layers.js";
import { Avatar } from "./people.js";

const drafts = new Map();
const MOST = 8;

/** What is being completed at the caret: the trigger sign, the letters after it, and where they start. */
export function wordAtCaret(text, caret, inThread) {
  const before = text.slice(0, caret);
  const command = /^\/(\S*)$/.exec(before);
  if (command && !inThread) return { sign: "/", query: command[1], from: 0 };
  const match = /(^|[\s(])([@#:])([\p{L}\p{N}_+.-]*)$/u.exec(before);
  if (!match || (match[2] === ":" && match[3].length < 2)) return null;
  return { sign: match[2], query: match[3], from: caret - match[3].length - 1 };
}

function completionsFor(word, state, members) {
  if (!word) return [];
  const query = word.query.toLowerCase();
  const fits = (...texts) => texts.some((text) => ` ${text ?? ""}`.toLowerCase().includes(` ${query}`));
  if (word.sign === "/") {
    return state.commands.filter((one) => one.command.slice(1).startsWith(query))
      .map((one) => ({ key: one.command, insert: `${one.command} `, main: one.command, hint: one.usage_hint, detail: one.description }));
  }
  if (word.sign === "@") {
    const known = Object.values(state.people).filter((one) => fits(one.name, one.real_name));
    const inside = (one) => (members.includes(one.id) ? 0 : 1);
    return known.sort((a, b) => inside(a) - inside(b)).slice(0, MOST).map((one) => ({
      key: one.id, insert: `@${one.name} `, main: one.real_name, hint: `@${one.name}`, detail: inside(one) ? "not in this channel" : one.title, person: one,
    }));
  }
  if (word.sign === "#") {
    return Object.values(state.channels).filter((one) => one.kind !== "im" && one.kind !== "mpim" && fits(one.name)).slice(0, MOST)
      .map((one) => ({ key: one.id, insert: `#${one.name} `, main: `# ${one.name}`, detail: one.topic }));
  }
  return findEmoji(word.query).slice(0, MOST).map((one) => ({ key: one.name, insert: `${one.sign} `, main: `${emojiSign(one.name)}  :${one.name}:` }));
}

function Completions({ id, items, at, onPick, onHover }) {
  const list = useRef(null);
  useEffect(() => list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest" }), [at]);
  return html`<div ref=${list} class="completions" role="listbox" id=${id} aria-label="Suggestions">${items.map((one, index) => html`<div
      key=${one.key} id=${`${id}-${index}`} role="option" aria-selected=${index === at} class="completion"
    onPointerEnter=${() => onHover(index)} onPointerDown=${(event) => { event.preventDefault(); onPick(one); }}>
    ${one.person && html`<${Avatar} person=${one.person} size="small" />`}<strong>${one.main}</strong>${one.hint && html`<span
        class="faint">${one.hint}</span>`}<span class="completion-detail faint">${one.detail}</span></div>`)}</div>`;
}

/** The "+" menu: the apps' global shortcuts. */
function ShortcutMenu({ channel }) {
  const { actions } = useApp();
  const [shortcuts, apps] = useStore((state) => [state.shortcuts, state.apps]);
  const anchor = useRef(null);
  const [open, setOpen] = useState(false);
  const items = shortcuts.filter((one) => one.type === "global")
    .map((one) => ({ label: one.name, hint: apps[0]?.name, onSelect: () => actions.shortcut(one.callback_id, { channel }) }));
  if (!items.length) return null;
  return html`<button ref=${anchor} type="button" class="icon-button" aria-label="Shortcuts of apps" title="Shortcuts" aria-haspopup="menu"
      aria-expanded=${open} onClick=${() => setOpen(!open)}><${Icon} name="bolt" /></button>
    ${open && html`<${Menu} anchor=${anchor} side="top" label="Shortcuts of apps" items=${items} onClose=${() => setOpen(false)} />`}`;
}

/** The composer of a channel, or of a thread when `threadTs` is given. */
export function Composer({ channel, threadTs, placeholder, onEditLast }) {
  const { actions, store } = useApp();
  const id = useId();
  const place = `${channel}:${threadTs ?? ""}`;
  const box = useRef(null);
  const faces = useRef(null);
  const [text, setText] = useState(drafts.get(place) ?? "");
  const [caret, setCaret] = useState(0);
  const [at, setAt] = useState(0);
  const [closed, setClosed] = useState("");
  const [picking, setPicking] = useState(false);
  const [members, status] = useStore((state) => [state.channels[channel]?.members, state.status]);
  const word = wordAtCaret(text, caret, Boolean(threadTs));
  const token = word && `${word.sign}${word.from}`;
  const items = useMemo(() => (token && closed !== token ? completionsFor(word, store.state, members ?? []) : []), [token, word?.query, closed]);
  const open = items.length > 0;
  useLayer(() => setClosed(token), open);
  useEffect(() => { setText(drafts.get(place) ?? ""); setClosed(""); }, [place]);
  useEffect(() => { drafts.set(place, text); }, [text]);
  useEffect(() => setAt(0), [token, word?.query]);
  useLayoutEffect(() => {
    box.current.style.height = "auto";
    box.current.style.height = `${Math.min(220, box.current.scrollHeight)}px`;
  }, [text]);

  const insert = (from, to, piece) => {
    const next = text.slice(0, from) + piece + text.slice(to);
    const end = from + piece.length;
    // At once, not with the next frame: somebody who types fast would otherwise write in the wrong place.
    box.current.value = next;
    box.current.focus();
    box.current.setSelectionRange(end, end);
    setText(next);
    setCaret(end);
  };
  const pick = (one) => insert(word.from, caret, one.insert);
  const send = () => {
    const wanted = text.trim();
    if (!wanted) return;
    actions.send(channel, wanted, threadTs);
    setText("");
    setCaret(0);
  };
  const onKeyDown = (event) => {
    if (event.isComposing) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (open && step) setAt((at + step + items.length) % items.length);
    else if (open && (event.key === "Tab" || (event.key === "Enter" && !(word.sign === "/" && items[at].main === text)))) pick(items[at]);
    else if (event.key === "Enter" && !event.shiftKey) send();
    else if (event.key === "ArrowUp" && !text && onEditLast?.()) setClosed("");
    else return;
    event.preventDefault();
  };
  const moveCaret = (event) => setCaret(event.target.selectionStart);
  return html`<div class=${classes("composer", status !== "open" && "is-offline")} data-testid=${threadTs ? "thread-composer" : "composer"}>
    ${open && html`<${Completions} id=${`${id}-list`} items=${items} at=${at} onPick=${pick} onHover=${setAt} />`}
    <div class="composer-box"><div class="composer-text">
      <textarea ref=${box} rows="1" aria-label=${placeholder.label} value=${text} role="combobox" aria-expanded=${open}
          aria-autocomplete="list" aria-controls=${open ? `${id}-list` : undefined} aria-activedescendant=${open ? `${id}-list-${at}` : undefined}
        onInput=${(event) => { setText(event.target.value); moveCaret(event); }} onKeyUp=${moveCaret} onClick=${moveCaret}
        onKeyDown=${onKeyDown}></textarea>
      ${!text && html`<div class="composer-hint"
          aria-hidden="true">${placeholder.text}${placeholder.tryThis && html` · try <b>${placeholder.tryThis}</b>`}</div>`}</div>
      <div class="composer-tools"><${ShortcutMenu} channel=${channel} />
        <button ref=${faces} type="button" class="icon-button" aria-label="Insert an emoji" title="Emoji" aria-expanded=${picking}
            onClick=${() => setPicking(!picking)}><${Icon} name="smile" /></button>
        <button type="button" class="icon-button send" aria-label="Send" title="Send (Enter)" disabled=${!text.trim()}
            onClick=${send}><${Icon} name="send" /></button></div></div>
    ${picking && html`<${EmojiPicker} anchor=${faces} side="top" align="end" onClose=${() => setPicking(false)}
        onPick=${(name) => insert(box.current.selectionStart, box.current.selectionEnd, `${emojiSign(name)} `)} />`}
  </div>`;
}
