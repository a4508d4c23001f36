/**
 * Fields a person fills in: texts, numbers, dates, choices, files.
 */

import { html, classes, useEffect, useRef, useState } from "../core/ui.js";
import { TextObject, wordsOf } from "../text/inline.js";
import { Icon } from "../parts/icons.js";
import { useConfirm } from "./buttons.js";
import { useField } from "./surface.js";

const TEXTS = {
  plain_text_input: { type: "text" },
  email_text_input: { type: "email", inputmode: "email", autocomplete: "off" },
  url_text_input: { type: "url", inputmode: "url", autocomplete: "off" },
  number_input: { type: "text", inputmode: "decimal", autocomplete: "off" },
};

/** Whether an element is one of the fields of this module. */
export const isInput = (element) => element.type in TEXTS || element.type in FIELDS;

/** Draw a field by its type. */
export function Input(props) {
  if (props.element.type in TEXTS) return html`<${TextInput} ...${props} />`;
  const Field = FIELDS[props.element.type];
  return html`<${Field} ...${props} />`;
}

const triggers = (block, element) => (block.dispatch_action ? element.dispatch_action_config?.trigger_actions_on ?? ["on_enter_pressed"] : []);

function TextInput({ block, element, labelId, hintId, invalid }) {
  const { state, set, act } = useField(block, element);
  const when = triggers(block, element);
  const text = state.value ?? "";
  const onInput = (event) => set({ value: event.target.value || null }, { quiet: !when.includes("on_character_entered") });
  const onKeyDown = (event) => {
    if (event.key === "Enter" && !event.shiftKey && when.includes("on_enter_pressed")) {
      event.preventDefault();
      act({ value: text });
    } else if (event.key === "Enter" && (event.metaKey || event.ctrlKey)) {
      event.preventDefault();
      event.target.form?.requestSubmit();
    }
  };
  const shared = {
    class: classes("field", invalid && "is-invalid"), value: text, placeholder: wordsOf(element.placeholder), "aria-labelledby": labelId,
    "aria-describedby": hintId, "aria-invalid": invalid || undefined, autofocus: element.focus_on_load, "data-action": element.action_id, onInput, onKeyDown,
  };
  const most = element.max_length;
  const count = most && text.length > most * 0.8 ? html`<span
      class=${classes("field-count", text.length > most && "is-over")}>${most - text.length}</span>` : null;
  if (element.multiline) return html`<div class="field-wrap"><${GrowingArea} ...${shared} />${count}</div>`;
  return html`<div class="field-wrap"><input ...${TEXTS[element.type]} ...${shared} />${count}</div>`;
}

/** A text area that grows with its text up to twelve lines. */
function GrowingArea(props) {
  const box = useRef(null);
  useEffect(() => {
    box.current.style.height = "auto";
    box.current.style.height = `${Math.min(280, box.current.scrollHeight + 2)}px`;
  }, [props.value]);
  return html`<textarea ref=${box} rows="3" ...${props}></textarea>`;
}

/** Rich text is entered as plain text and sent as one rich_text section per line. */
function RichTextInput({ block, element, labelId, hintId, invalid }) {
  const { state, set } = useField(block, element);
  const text = (state.rich_text_value?.elements ?? []).map((part) => (part.elements ?? []).map((one) => one.text ?? "").join("")).join("\n");
  const onInput = (event) => {
    const lines = event.target.value.split("\n").map((line) => ({ type: "rich_text_section", elements: [{ type: "text", text: line || " " }] }));
    set({ rich_text_value: event.target.value ? { type: "rich_text", elements: lines } : null });
  };
  return html`<${GrowingArea} class=${classes("field", invalid && "is-invalid")} value=${text} placeholder=${wordsOf(element.placeholder)}
      aria-labelledby=${labelId}
    aria-describedby=${hintId} aria-invalid=${invalid || undefined} data-action=${element.action_id} onInput=${onInput} />`;
}

function Choice({ block, element, labelId, hintId, many }) {
  const { state, set, busy } = useField(block, element);
  const [guard, dialog] = useConfirm(element.confirm);
  const name = `${block.block_id}-${element.action_id}`;
  const chosen = many ? state.selected_options ?? [] : state.selected_option ? [state.selected_option] : [];
  const has = (one) => chosen.some((each) => each.value === one.value);
  const toggle = (one) => guard(() => (many
    ? set({ selected_options: element.options.filter((each) => (each.value === one.value ? !has(one) : has(each))) })
    : set({ selected_option: one })));
  return html`<div class="choices" role=${many ? "group" : "radiogroup"} aria-labelledby=${labelId} aria-describedby=${hintId}
      aria-busy=${busy} data-action=${element.action_id}>
    ${element.options.map((one) => html`<label class="choice" key=${one.value}>
      <input type=${many ? "checkbox" : "radio"} name=${name} value=${one.value} checked=${has(one)} onChange=${() => toggle(one)} />
      <span><${TextObject} text=${one.text} />${one.description && html`<small><${TextObject} text=${one.description} /></small>`}</span></label>`)}
    ${dialog}</div>`;
}

function Native({ block, element, labelId, hintId, invalid, type, stateKey, read, write }) {
  const { state, set, busy } = useField(block, element);
  const [guard, dialog] = useConfirm(element.confirm);
  return html`<span class="native"><input type=${type} class=${classes("field field-native", busy && "is-busy", invalid && "is-invalid")}
      value=${read(state[stateKey])} aria-labelledby=${labelId}
    aria-label=${labelId ? undefined : wordsOf(element.placeholder) || type} aria-describedby=${hintId} aria-invalid=${invalid || undefined}
    data-action=${element.action_id}
    onChange=${(event) => guard(() => set({ [stateKey]: write(event.target.value) }))} />${dialog}</span>`;
}

const same = (value) => value ?? "";
const orNull = (value) => value || null;
const DatePicker = (props) => html`<${Native} ...${props} type="date" stateKey="selected_date" read=${same} write=${orNull} />`;
const TimePicker = (props) => html`<${Native} ...${props} type="time" stateKey="selected_time" read=${same} write=${orNull} />`;

const localStamp = (seconds) => {
  if (!seconds) return "";
  const date = new Date(seconds * 1000);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 16);
};
const DateTimePicker = (props) => html`<${Native} ...${props} type="datetime-local" stateKey="selected_date_time" read=${localStamp}
  write=${(value) => (value ? Math.round(new Date(value).getTime() / 1000) : null)} />`;

const readBase64 = (file) => new Promise((resolve, reject) => {
  const reader = new FileReader();
  reader.onload = () => resolve(String(reader.result).split(",")[1] ?? "");
  reader.onerror = () => reject(reader.error);
  reader.readAsDataURL(file);
});

/** "34 kB". */
export const sizeText = (bytes) => (bytes < 1000 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1000)} kB` : `${(bytes / 1e6).toFixed(1)} MB`);

/** Files of a modal travel with its values: name, type, size and content in base64. */
function FileInput({ block, element, labelId, hintId, invalid }) {
  const { state, set } = useField(block, element);
  const [problem, setProblem] = useState("");
  const most = element.max_files ?? 10;
  const allowed = element.filetypes?.map((one) => `.${one}`).join(",");
  const take = async (list) => {
    const wanted = [...list].slice(0, most - state.files.length);
    setProblem(list.length > wanted.length ? `At most ${most} file${most === 1 ? "" : "s"}.` : "");
    const read = await Promise.all(wanted.map(async (file) => ({
      name: file.name, mimetype: file.type, filetype: file.name.split(".").pop(), size: file.size, content_base64: await readBase64(file),
    })));
    set({ files: [...state.files, ...read] });
  };
  const onDrop = (event) => {
    event.preventDefault();
    take(event.dataTransfer.files);
  };
  return html`<div class=${classes("file-input", invalid && "is-invalid")} onDragOver=${(event) => event.preventDefault()} onDrop=${onDrop}>
    <label class="button"><input class="sr-only" type="file" multiple=${most > 1} accept=${allowed} aria-labelledby=${labelId}
        aria-describedby=${hintId} data-action=${element.action_id}
      onChange=${(event) => { take(event.target.files); event.target.value = ""; }} />Choose ${most === 1 ? "a file" : "files"}</label>
    <span class="faint">or drop ${most === 1 ? "it" : "them"} here</span>
    ${state.files.map((file, at) => html`<div class="file-row" key=${file.name + at}><${Icon} name="file" /> ${file.name} <span
        class="faint">${sizeText(file.size)}</span>
      <button type="button" class="icon-button" aria-label=${`Remove ${file.name}`}
          onClick=${() => set({ files: state.files.filter((_, index) => index !== at) })}><${Icon} name="close" size=${14} /></button></div>`)}
    ${problem && html`<div class="field-error">${problem}</div>`}
  </div>`;
}

const FIELDS = {
  rich_text_input: RichTextInput,
  radio_buttons: (props) => html`<${Choice} ...${props} />`,
  checkboxes: (props) => html`<${Choice} ...${props} many />`,
  datepicker: DatePicker, timepicker: TimePicker, datetimepicker: DateTimePicker, file_input: FileInput,
};
