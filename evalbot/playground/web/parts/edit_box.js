/**
 * Editing an own message in its place.
 */

import { html, useApp, useBusy, useLayoutEffect, useRef, useState, useStore } from "../core/ui.js";
import { unescapeText } from "../text/mrkdwn.js";
import { useLayer } from "./layers.js";

/** A message's text as it was typed: mentions by name, links as addresses. */
export function typedText(text, people, channels) {
  const named = text.replace(/<([@#])(\w+)(?:\|([^>]*))?>/g, (_, sign, id, label) => {
    const name = sign === "@" ? people[id]?.name : channels[id]?.name;
    return `${sign}${name ?? label ?? id}`;
  });
  return unescapeText(named.replace(/<!(here|channel|everyone)>/g, "@$1").replace(/<((?:https?:|mailto:)[^|>]+)(?:\|[^>]*)?>/g, "$1"));
}

/** A text area with Save and Cancel; Enter saves, Escape leaves. */
export function EditBox({ channel, message, onDone }) {
  const { actions } = useApp();
  const [people, channels] = useStore((state) => [state.people, state.channels]);
  const [text, setText] = useState(() => typedText(message.text ?? "", people, channels));
  const [busy, run] = useBusy();
  const box = useRef(null);
  useLayer(onDone);
  useLayoutEffect(() => {
    box.current.focus();
    box.current.setSelectionRange(text.length, text.length);
  }, []);
  const save = () => text.trim() && run(async () => {
    if (await actions.edit(channel, message.ts, text.trim())) onDone();
  });
  const onKeyDown = (event) => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    save();
  };
  return html`<div class="edit-box"><textarea ref=${box} class="field" rows=${Math.min(8, text.split("\n").length + 1)}
      aria-label="Edit message" value=${text} onInput=${(event) => setText(event.target.value)} onKeyDown=${onKeyDown}></textarea>
    <div class="actions"><button type="button" class="button" onClick=${onDone}>Cancel</button>
      <button type="button" class="button button-primary" aria-busy=${busy} disabled=${!text.trim()} onClick=${save}>Save</button></div></div>`;
}
