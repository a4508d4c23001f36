/**
 * Modals that the app opens: the topmost of a stack of up to three, with its fields, errors and buttons.
 */

import { Guard, html, useApp, useBusy, useEffect, useMemo, useRef, useState, useStore } from "../core/ui.js";
import { Blocks } from "../blocks/blocks.js";
import { formErrors, formValues } from "../blocks/form.js";
import { SurfaceContext } from "../blocks/surface.js";
import { TextObject, wordsOf } from "../text/inline.js";
import { Icon } from "./icons.js";
import { Dialog } from "./layers.js";
import { Avatar } from "./people.js";

/** The modal on top, if any. */
export function Modals() {
  const { actions } = useApp();
  const [view, depth] = useStore((state) => [state.views[state.stack[state.stack.length - 1]], state.stack.length]);
  if (!view) return null;
  return html`<${Dialog} key="modal" onClose=${() => actions.closeView(view.id)} backdropCloses=${false} label=${wordsOf(view.title)}
      class="modal" data-testid="modal">
    <${ModalForm} key=${view.id} view=${view} depth=${depth} /><//>`;
}

function ModalForm({ view, depth }) {
  const { actions, store } = useApp();
  const [errors, setErrors] = useState({});
  const [refusals, setRefusals] = useState(0);
  const [busy, run] = useBusy();
  const form = useRef(null);
  const bot = useStore((state) => state.people[state.apps.find((one) => one.id === view.app_id)?.bot_user ?? state.apps[0]?.bot_user]);
  const forgive = (blockId) => setErrors((now) => Object.fromEntries(Object.entries(now).filter(([key]) => key && key !== blockId)));
  const surface = useMemo(() => ({ kind: "modal", form: view.id, place: { view_id: view.id }, blocks: view.blocks, errors, onEntry: forgive }), [view, errors]);
  useEffect(() => {
    const body = form.current.querySelector(".dialog-body");
    (body.querySelector("[autofocus]") ?? body.querySelector(":is(input, textarea, button.select-face):not([disabled])"))?.focus();
  }, []);
  useEffect(() => {
    if (refusals) form.current.querySelector(".has-error :is(input, textarea, button)")?.focus();
  }, [refusals]);
  const close = () => actions.closeView(view.id);
  const closeAll = () => actions.closeView(view.id, true);
  const submit = (event) => {
    event.preventDefault();
    if (busy || !view.submit) return null;
    const entered = store.state.forms[view.id];
    const refuse = (found) => {
      setErrors(found);
      setRefusals((count) => count + 1);
    };
    const found = formErrors(view.blocks, entered);
    if (Object.keys(found).length) return refuse(found);
    setErrors({});
    return run(async () => {
      const refused = await actions.submitView(view, formValues(view.blocks, entered));
      if (refused) refuse(refused);
    });
  };
  return html`<form ref=${form} class="modal-form" onSubmit=${submit} noValidate>
    <header class="dialog-head">${depth > 1 ? html`<button type="button" class="icon-button" aria-label="Back" onClick=${close}><${Icon}
        name="back" /></button>` : html`<${Avatar} person=${bot} size="small" />`}
      <h2><${TextObject} text=${view.title} /></h2><button type="button" class="icon-button" aria-label="Close" onClick=${closeAll}><${Icon}
          name="close" /></button></header>
    <div class="dialog-body"><${SurfaceContext.Provider} value=${surface}><${Guard} watch=${view}><${Blocks} blocks=${view.blocks} /><//><//>
      ${errors[""] && html`<div class="alert alert-error" role="alert"><${Icon} name="warning" /><div>${errors[""]}</div></div>`}</div>
    <footer class="dialog-foot"><button type="button" class="button" onClick=${close}><${TextObject}
        text=${view.close ?? (view.submit ? "Cancel" : "Close")} /></button>
      ${view.submit && html`<button type="submit" class=${busy ? "button button-primary is-busy" : "button button-primary"}
          aria-busy=${busy}><span class="button-text"><${TextObject} text=${view.submit} /></span></button>`}</footer>
  </form>`;
}
