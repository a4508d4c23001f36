/**
 * Who this window acts as, and the way to become somebody else here or in another window.
 */

import { html, useApp, useRef, useState, useStore } from "../core/ui.js";
import { addressAs } from "../core/routes.js";
import { meOf } from "../core/store.js";
import { Icon } from "./icons.js";
import { moveFocus, Popover } from "./layers.js";
import { Avatar, Badges, LocalTime } from "./people.js";

/** The card at the bottom of the sidebar with the list of people. */
export function PersonSwitcher() {
  const { actions } = useApp();
  const [me, people, elsewhere] = useStore((state) => [meOf(state), state.people, state.elsewhere]);
  const anchor = useRef(null);
  const [open, setOpen] = useState(false);
  if (!me) return null;
  const choose = (person) => {
    setOpen(false);
    if (person.id !== me.id) actions.becomePerson(person);
  };
  return html`<button ref=${anchor} type="button" class="whoami" aria-haspopup="dialog" aria-expanded=${open}
      aria-label=${`You are ${me.real_name}. Act as somebody else`} onClick=${() => setOpen(!open)} data-testid="person-switcher">
      <${Avatar} person=${me} /><span
          class="whoami-text"><span>You are <strong>${me.real_name}</strong></span><small>${[me.title, me.tz].filter(Boolean).join(" · ")}</small></span>
      <${Icon} name="chevron" size=${16} /></button>
    ${open && html`<${Popover} anchor=${anchor} side="top" class="people-list" role="dialog" aria-label="Act as somebody else"
        onClose=${() => setOpen(false)} onKeyDown=${(event) => moveFocus(event, ".person-choice")}>
      <p class="faint">This window acts as one person. Open another window to be two people at once.</p>
      ${[...Object.values(people).filter((one) => !one.is_bot), ...elsewhere.flatMap(({ name, people: others }) => [name, ...others])].map((one) => (
        typeof one === "string" ? html`<p key=${one} class="person-place">In the workspace ${one}</p>` : html`<div key=${one.id} class="person-row">
        <button type="button" class="person-choice" data-first=${one.id === me.id || undefined}
            aria-current=${one.id === me.id ? "true" : undefined} onClick=${() => choose(one)}
            data-testid=${`act-as-${one.name}`}><${Avatar} person=${one} />
          <span><span><strong>${one.real_name}</strong> <${Badges} person=${one} /></span><small class="faint">${one.title}</small><small
              class="faint"><${LocalTime} person=${one} /></small></span>${one.id === me.id && html`<${Icon} name="check" />`}</button>
        <a class="icon-button" href=${addressAs(one.name)} target="_blank" aria-label=${`Open a window as ${one.real_name}`}
            title="Open in another window"><${Icon} name="window" /></a></div>`))}
    <//>`}`;
}
