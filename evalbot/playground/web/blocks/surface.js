/**
 * Where blocks stand: a message, a modal or Home. It tells elements how to act and where their state is kept.
 */

import { createContext, useApp, useBusy, useCallback, useContext, useStore } from "../core/ui.js";
import { choiceOf, formValues, initialState } from "./form.js";

/** `{kind, form, place: {channel, ts} | {view_id}, blocks, errors, still}`; `still` blocks show but cannot be pressed; `onEntry(block_id)` hears of entries. */
export const SurfaceContext = createContext({ kind: "message", form: "", place: {}, blocks: [], errors: {}, still: true });

export const useSurface = () => useContext(SurfaceContext);

/** Send what happened to an element; gives a busy flag and the sender. */
export function useAct(block, element) {
  const { actions, store } = useApp();
  const surface = useSurface();
  const [busy, run] = useBusy();
  const act = useCallback((payload) => {
    if (surface.still) return null;
    const values = formValues(surface.blocks, store.state.forms[surface.form]);
    return run(() => actions.click({
      ...surface.place, block_id: block.block_id, action_id: element.action_id, type: element.type, ...payload, values,
    }));
  }, [surface, block, element]);
  return [busy, act];
}

/** The state of a field, a setter, and whether its action is under way. Outside input blocks a new choice is sent at once. */
export function useField(block, element) {
  const { actions } = useApp();
  const surface = useSurface();
  const [busy, act] = useAct(block, element);
  const kept = useStore((state) => state.forms[surface.form]?.[block.block_id]?.[element.action_id]);
  const state = kept ?? initialState(element);
  const set = useCallback((choice, { quiet = block.type === "input" && !block.dispatch_action } = {}) => {
    const next = { type: element.type, ...choice };
    actions.setForm(surface.form, (form) => ({ ...form, [block.block_id]: { ...form[block.block_id], [element.action_id]: next } }));
    surface.onEntry?.(block.block_id);
    if (!quiet) act(choiceOf(next));
  }, [surface, block, element, act]);
  return { state, set, busy, act };
}
