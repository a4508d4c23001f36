/**
 * Elements a person presses: buttons, confirm dialogs, overflow menus, feedback and icon buttons.
 */

import { html, classes, useApp, useRef, useState } from "../core/ui.js";
import { parsePermalink, safeUrl } from "../core/routes.js";
import { TextObject, wordsOf } from "../text/inline.js";
import { Icon } from "../parts/icons.js";
import { Dialog, Menu } from "../parts/layers.js";
import { useAct } from "./surface.js";

/** The question before an action that cannot be taken back. */
export function ConfirmDialog({ confirm, onYes, onClose }) {
  const yes = () => {
    onClose();
    onYes();
  };
  return html`<${Dialog} onClose=${onClose} label=${wordsOf(confirm.title)} class="dialog-small" data-testid="confirm">
    <header class="dialog-head"><h2><${TextObject} text=${confirm.title} /></h2>
      <button type="button" class="icon-button" aria-label="Close" onClick=${onClose}><${Icon} name="close" /></button></header>
    <div class="dialog-body"><${TextObject} text=${confirm.text} /></div>
    <footer class="dialog-foot">
      <button type="button" class="button" onClick=${onClose}><${TextObject} text=${confirm.deny ?? "Cancel"} /></button>
      <button type="button" class=${classes("button", confirm.style === "danger" ? "button-danger-full" : "button-primary")} autofocus onClick=${yes}>
        <${TextObject} text=${confirm.confirm ?? "Yes"} /></button>
    </footer>
  <//>`;
}

/** Ask before acting when the element has a confirm object; gives `[guard, dialog]`. */
export function useConfirm(confirm) {
  const [waiting, setWaiting] = useState(null);
  const guard = (action) => (confirm ? setWaiting(() => action) : action());
  const dialog = waiting && html`<${ConfirmDialog} confirm=${confirm} onYes=${waiting} onClose=${() => setWaiting(null)} />`;
  return [guard, dialog];
}

/** A button of an actions block, section or card. */
export function Button({ block, element }) {
  const { actions } = useApp();
  const [busy, act] = useAct(block, element);
  const [guard, dialog] = useConfirm(element.confirm);
  const look = classes("button", element.style === "primary" && "button-primary", element.style === "danger" && "button-danger", busy && "is-busy");
  const payload = { value: element.value };
  const label = element.accessibility_label;
  const place = element.url && parsePermalink(element.url);
  if (place) {
    // A message of this workspace opens here, as in Slack.
    const follow = () => { act(payload); actions.openMessage(place); };
    return html`<button type="button" class=${look} aria-label=${label} data-action=${element.action_id}
        onClick=${follow}><${TextObject} text=${element.text} /></button>`;
  }
  if (element.url && safeUrl(element.url)) {
    return html`<a class=${look} href=${safeUrl(element.url)} target="_blank" rel="noopener noreferrer" aria-label=${label}
        data-action=${element.action_id}
      onClick=${() => act(payload)}><${TextObject} text=${element.text} /><${Icon} name="window" size=${14} /></a>`;
  }
  return html`<button type="button" class=${look} aria-busy=${busy} aria-label=${label} data-action=${element.action_id} title=${longTitle(element)}
    onClick=${() => !busy && guard(() => act(payload))}><span class="button-text"><${TextObject} text=${element.text} /></span></button>${dialog}`;
}

const longTitle = (element) => (wordsOf(element.text).length > 30 ? wordsOf(element.text) : undefined);

/** A workflow button: drawn, but workflows are not simulated. */
export const WorkflowButton = ({ element }) => html`<button type="button" class="button" disabled
    title="Workflows are not part of the simulated Slack">
  <${TextObject} text=${element.text} /></button>`;

/** The "…" menu. */
export function Overflow({ block, element }) {
  const { actions } = useApp();
  const anchor = useRef(null);
  const [open, setOpen] = useState(false);
  const [busy, act] = useAct(block, element);
  const [guard, dialog] = useConfirm(element.confirm);
  const choose = (option) => {
    const place = option.url && parsePermalink(option.url);
    if (place) actions.openMessage(place);
    else if (option.url && safeUrl(option.url)) window.open(safeUrl(option.url), "_blank", "noopener");
    guard(() => act({ selected_option: option }));
  };
  const items = (element.options ?? []).map((option) => ({ label: html`<${TextObject} text=${option.text} />`, onSelect: () => choose(option) }));
  return html`<button ref=${anchor} type="button" class=${classes("button button-overflow", busy && "is-busy")} aria-label="More actions"
      aria-haspopup="menu"
    aria-expanded=${open} aria-busy=${busy} data-action=${element.action_id} onClick=${() => setOpen(!open)}><${Icon} name="dots"
    size=${16} /></button>
    ${open && html`<${Menu} anchor=${anchor} items=${items} label="More actions" align="end" onClose=${() => setOpen(false)} />`}${dialog}`;
}

/** Thumbs up and down under an answer; the pressed side stays marked until the other one is pressed. */
export function FeedbackButtons({ block, element }) {
  const [busy, act] = useAct(block, element);
  const [chosen, setChosen] = useState(null);
  const side = (button, icon, key) => html`<button type="button" class=${classes("feedback", chosen === key && "is-chosen")}
      aria-pressed=${chosen === key} aria-busy=${busy}
    aria-label=${button.accessibility_label ?? wordsOf(button.text)} title=${wordsOf(button.text)} data-action=${element.action_id}
    onClick=${() => { setChosen(key); act({ value: button.value, text: button.text }); }}><${Icon} name=${icon} /></button>`;
  return html`<span class="feedback-pair" role="group" aria-label="Feedback">
    ${side(element.positive_button, "up", "positive")}${side(element.negative_button, "down", "negative")}</span>`;
}

/** A small icon button of a context_actions block. */
export function IconButton({ block, element }) {
  const [busy, act] = useAct(block, element);
  const [guard, dialog] = useConfirm(element.confirm);
  return html`<button type="button" class="feedback" aria-busy=${busy} aria-label=${element.accessibility_label ?? wordsOf(element.text)}
      title=${wordsOf(element.text)}
    data-action=${element.action_id} onClick=${() => guard(() => act({ value: element.value }))}><${Icon}
    name=${element.icon === "trash" ? "trash" : "info"} /></button>${dialog}`;
}
