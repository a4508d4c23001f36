/**
 * The state of fields: what a fresh element holds, what a form sends, and which entries a person must correct first.
 * A field's state has the form of Slack's `state.values[block_id][action_id]`.
 */

const INITIAL = {
  plain_text_input: (one) => ({ value: one.initial_value || null }),
  number_input: (one) => ({ value: one.initial_value || null }),
  email_text_input: (one) => ({ value: one.initial_value || null }),
  url_text_input: (one) => ({ value: one.initial_value || null }),
  rich_text_input: (one) => ({ rich_text_value: one.initial_value ?? null }),
  static_select: (one) => ({ selected_option: one.initial_option ?? null }),
  external_select: (one) => ({ selected_option: one.initial_option ?? null }),
  multi_static_select: (one) => ({ selected_options: one.initial_options ?? [] }),
  multi_external_select: (one) => ({ selected_options: one.initial_options ?? [] }),
  users_select: (one) => ({ selected_user: one.initial_user ?? null }),
  multi_users_select: (one) => ({ selected_users: one.initial_users ?? [] }),
  channels_select: (one) => ({ selected_channel: one.initial_channel ?? null }),
  multi_channels_select: (one) => ({ selected_channels: one.initial_channels ?? [] }),
  conversations_select: (one) => ({ selected_conversation: one.initial_conversation ?? null }),
  multi_conversations_select: (one) => ({ selected_conversations: one.initial_conversations ?? [] }),
  radio_buttons: (one) => ({ selected_option: one.initial_option ?? null }),
  checkboxes: (one) => ({ selected_options: one.initial_options ?? [] }),
  datepicker: (one) => ({ selected_date: one.initial_date ?? null }),
  timepicker: (one) => ({ selected_time: one.initial_time ?? null }),
  datetimepicker: (one) => ({ selected_date_time: one.initial_date_time ?? null }),
  file_input: () => ({ files: [] }),
};

/** Whether an element keeps a state that forms send. */
export const isStateful = (element) => Boolean(element && INITIAL[element.type]);

/** What a fresh element holds. */
export const initialState = (element) => ({ type: element.type, ...INITIAL[element.type](element) });

/** The part of a state that an action carries (everything but the type). */
export function choiceOf({ type, ...choice }) {
  return choice;
}

const NESTED = ["element", "accessory"];

/** Every stateful element of some blocks with its block. */
export function* fieldsOf(blocks) {
  for (const block of blocks ?? []) {
    for (const key of NESTED) if (isStateful(block[key])) yield { block, element: block[key] };
    for (const element of block.type === "actions" ? block.elements ?? [] : []) if (isStateful(element)) yield { block, element };
    if (block.child_blocks) yield* fieldsOf(block.child_blocks);
  }
}

/** All values of a form: what was entered, else what the elements start with. */
export function formValues(blocks, form) {
  const values = {};
  for (const { block, element } of fieldsOf(blocks)) {
    values[block.block_id] ??= {};
    values[block.block_id][element.action_id] = form?.[block.block_id]?.[element.action_id] ?? initialState(element);
  }
  return values;
}

const isNothing = (value) => value === null || value === undefined || value === "" || (Array.isArray(value) && !value.length);
const isEmpty = (state) => Object.values(choiceOf(state)).every(isNothing);

/** What a person must correct before a modal can be handed in, by block id. Same rules and order as Slack's own client. */
export function formErrors(blocks, form) {
  const errors = {};
  const values = formValues(blocks, form);
  for (const block of blocks ?? []) {
    if (block.type !== "input" || !isStateful(block.element)) continue;
    const state = values[block.block_id][block.element.action_id];
    const problem = isEmpty(state) ? !block.optional && "Please complete this required field." : fieldError(block.element, state);
    if (problem) errors[block.block_id] = problem;
  }
  return errors;
}

function fieldError(element, state) {
  if (element.type === "plain_text_input") return lengthError(element, state.value);
  if (element.type === "number_input") return numberError(element, state.value);
  if (element.type === "email_text_input" && !/^\S+@\S+\.\S+$/.test(state.value)) return "Please enter an email address such as ada@example.com.";
  if (element.type === "url_text_input" && !/^https?:\/\/\S+$/.test(state.value)) return "Please enter a link that starts with http:// or https://.";
  const chosen = Object.values(choiceOf(state))[0];
  if (element.max_selected_items && Array.isArray(chosen) && chosen.length > element.max_selected_items) {
    return `Please choose at most ${element.max_selected_items}.`;
  }
  return null;
}

function lengthError({ min_length: least, max_length: most }, text) {
  if (least && text.length < least) return `Please enter at least ${least} characters (${text.length} so far).`;
  if (text.length > (most ?? 3000)) return `Please enter at most ${most ?? 3000} characters (${text.length} now).`;
  return null;
}

function numberError({ is_decimal_allowed: decimal, min_value: least, max_value: most }, text) {
  const number = Number(text);
  if (!Number.isFinite(number)) return "Please enter a number.";
  if (!decimal && !Number.isInteger(number)) return "Please enter a whole number.";
  if (least !== undefined && number < Number(least)) return `Please enter a number of at least ${least}.`;
  if (most !== undefined && number > Number(most)) return `Please enter a number of at most ${most}.`;
  return null;
}
