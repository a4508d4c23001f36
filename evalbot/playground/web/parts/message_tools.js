/**
 * The small bar over a message: react, reply in thread, and the menu with the app's shortcuts, edit and delete.
 */

import { html, useApp, useRef, useStore } from "../core/ui.js";
import { ConfirmDialog } from "../blocks/buttons.js";
import { EmojiPicker } from "./emoji_picker.js";
import { Icon } from "./icons.js";
import { Menu } from "./layers.js";

const QUICK = ["+1", "eyes", "white_check_mark"];

/** The tools of one message. `tool` is the open one: "react", "more", "delete" or null. */
export function MessageTools({ channel, message, mine, inThread, tool, setTool, onThread, onEdit }) {
  const { actions } = useApp();
  const react = useRef(null);
  const more = useRef(null);
  const items = useMenuItems({ channel, message, mine, onEdit, setTool });
  if (message.ephemeral) return null;
  const question = {
    title: "Delete this message?", text: "It goes away for everybody. This cannot be taken back.", confirm: "Delete", deny: "Keep it", style: "danger",
  };
  return html`<div class="message-tools" role="toolbar" aria-label="Message actions">
    <button ref=${react} type="button" class="icon-button" aria-label="Add a reaction" title="Add a reaction (R)"
        aria-expanded=${tool === "react"} onClick=${() => setTool(tool === "react" ? null : "react")}><${Icon} name="smile" /></button>
    ${!inThread && html`<button type="button" class="icon-button" aria-label="Reply in thread" title="Reply in thread (T)"
        onClick=${onThread}><${Icon} name="thread" /></button>`}
    <button ref=${more} type="button" class="icon-button" aria-label="More actions for this message" title="More (M)" aria-haspopup="menu"
        aria-expanded=${tool === "more"} onClick=${() => setTool(tool === "more" ? null : "more")}><${Icon} name="dots" /></button>
    ${tool === "react" && html`<${EmojiPicker} anchor=${react} align="end" first=${QUICK} onClose=${() => setTool(null)}
        onPick=${(name) => actions.react(channel, message, name)} />`}
    ${tool === "more" && html`<${Menu} anchor=${more} align="end" label="Message actions" items=${items} onClose=${() => setTool(null)} />`}
    ${tool === "delete" && html`<${ConfirmDialog} confirm=${question} onYes=${() => actions.remove(channel, message.ts)}
        onClose=${() => setTool(null)} />`}
  </div>`;
}

/** The address of a message in the form of Slack's permalinks. */
function permalinkOf(channel, { ts, thread_ts: thread }) {
  const address = `${location.origin}/archives/${channel}/p${ts.replace(".", "")}`;
  return thread && thread !== ts ? `${address}?thread_ts=${thread}&cid=${channel}` : address;
}

function useMenuItems({ channel, message, mine, onEdit, setTool }) {
  const { actions } = useApp();
  const [shortcuts, apps] = useStore((state) => [state.shortcuts, state.apps]);
  const link = permalinkOf(channel, message);
  const copy = (text, what) => navigator.clipboard?.writeText(text)
    .then(() => actions.tell(`${what} copied.`), () => actions.tell(`The ${what.toLowerCase()} could not be copied.`, "error"));
  const own = shortcuts.filter((one) => one.type === "message").map((one) => ({
    label: one.name, hint: apps[0]?.name, onSelect: () => actions.shortcut(one.callback_id, { channel, ts: message.ts }),
  }));
  return [
    ...own, ...(own.length ? ["-"] : []),
    { label: "Copy link", onSelect: () => copy(link, "Link") },
    { label: "Copy text", onSelect: () => copy(message.text ?? "", "Text") },
    ...(mine ? ["-", { label: "Edit message", hint: "E", onSelect: onEdit }] : []),
    ...(mine ? [{ label: "Delete message…", hint: "Del", danger: true, onSelect: () => setTool("delete") }] : []),
  ];
}
