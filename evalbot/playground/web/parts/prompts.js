/**
 * The prompts that an app suggests for a thread or a direct message: pressing one sends its words.
 */

import { html, useApp, useStore } from "../core/ui.js";
import { threadKey } from "../core/store.js";

/** The suggested prompts of a place, or nothing. */
export function SuggestedPrompts({ channel, threadTs }) {
  const { actions } = useApp();
  const spoken = useStore((state) => state.spoken[threadKey(channel, threadTs ?? "")]);
  if (!spoken?.prompts?.length) return null;
  return html`<div class="prompts" role="group" aria-label=${spoken.prompts_title || "Suggested prompts"} data-testid="prompts">
    ${spoken.prompts_title && html`<p class="faint">${spoken.prompts_title}</p>`}
    ${spoken.prompts.map((one) => html`<button key=${one.title} type="button" class="button prompt"
        onClick=${() => actions.send(channel, one.message, threadTs)}>${one.title}</button>`)}</div>`;
}
