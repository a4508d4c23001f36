/**
 * A small searchable grid of emoji.
 */

import { html, useState } from "../core/ui.js";
import { EMOJI, findEmoji } from "../core/emoji.js";
import { Emoji, isShowable } from "../text/inline.js";
import { moveFocus, Popover } from "./layers.js";

const COLUMNS = 8;
const FAVOURITES = ["+1", "-1", "eyes", "white_check_mark", "tada", "thinking_face", "heart", "x"];

/** The picker; `onPick(name)` gets the shortcode. */
export function EmojiPicker({ anchor, onPick, onClose, align = "start", side = "bottom" }) {
  const [query, setQuery] = useState("");
  const found = query ? findEmoji(query) : [...FAVOURITES.map((name) => EMOJI.find((one) => one.names.includes(name))), ...EMOJI].filter(isShowable);
  const choose = (name) => {
    onClose();
    onPick(name);
  };
  const onKeyDown = (event) => {
    const typing = event.target.tagName === "INPUT";
    if (typing && event.key === "Enter" && found[0]) choose(found[0].name);
    else if (!typing || event.key === "ArrowDown") moveFocus(event, ".emoji-cell", COLUMNS);
  };
  return html`<${Popover} anchor=${anchor} onClose=${onClose} align=${align} side=${side} class="emoji-picker" role="dialog"
      aria-label="Choose an emoji" onKeyDown=${onKeyDown}>
    <input class="option-search" type="text" autofocus placeholder="Search emoji" aria-label="Search emoji" value=${query}
        onInput=${(event) => setQuery(event.target.value)} />
    <div class="emoji-grid">${found.slice(0, 240).map((one, at) => html`<button type="button" key=${one.name + at} class="emoji-cell"
        title=${`:${one.name}:`} aria-label=${one.name.replaceAll("_", " ")} onClick=${() => choose(one.name)}><${Emoji}
        name=${one.name} /></button>`)}
      ${!found.length && html`<div class="option-none">No emoji is called that.</div>`}</div>
  <//>`;
}
