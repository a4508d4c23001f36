/**
 * Select menus as searchable combo boxes: fixed options, people, channels, conversations, options asked from the app; one or several.
 */

import { html, classes, useApp, useEffect, useId, useMemo, useRef, useState, useStore } from "../core/ui.js";
import { TextObject, wordsOf } from "../text/inline.js";
import { Icon } from "../parts/icons.js";
import { Popover } from "../parts/layers.js";
import { Avatar } from "../parts/people.js";
import { useConfirm } from "./buttons.js";
import { useField, useSurface } from "./surface.js";

const option = (text, value, more = {}) => ({ text: { type: "plain_text", text }, value, ...more });

/** How each kind of select keeps its choice: key of the state, and how a choice is told from an option. */
const KINDS = {
  static_select: { key: "selected_option", whole: true }, external_select: { key: "selected_option", whole: true },
  multi_static_select: { key: "selected_options", whole: true, many: true }, multi_external_select: { key: "selected_options", whole: true, many: true },
  users_select: { key: "selected_user" }, multi_users_select: { key: "selected_users", many: true },
  channels_select: { key: "selected_channel" }, multi_channels_select: { key: "selected_channels", many: true },
  conversations_select: { key: "selected_conversation" }, multi_conversations_select: { key: "selected_conversations", many: true },
};

/** Whether an element is one of the select menus. */
export const isSelect = (element) => element.type in KINDS;

const personOption = (one) => option(one.real_name || one.name, one.id, { person: one });
const channelOption = (one, people) => {
  const direct = one.kind === "im" || one.kind === "mpim";
  const names = () => people[one.with]?.real_name ?? (one.members ?? []).map((id) => people[id]?.name).filter(Boolean).join(", ");
  return option(direct ? names() || "Direct message" : `# ${one.name}`, one.id);
};

/** The options an element offers, as groups `{label, options}`; lists of people and channels come from the workspace. */
function useGroups(element) {
  const [people, channels] = useStore((state) => [state.people, state.channels]);
  return useMemo(() => {
    const type = element.type.replace("multi_", "");
    if (type === "users_select") return [{ options: Object.values(people).map(personOption) }];
    const all = Object.values(channels);
    if (type === "channels_select") return [{ options: all.filter((one) => one.kind === "channel").map((one) => channelOption(one, people)) }];
    if (type === "conversations_select") return [{ options: all.map((one) => channelOption(one, people)) }];
    return element.option_groups?.length ? element.option_groups : [{ options: element.options ?? [] }];
  }, [element, people, channels]);
}

/** Options of an external select, asked from the app while the person types. */
function useSuggestions(block, element, query, active) {
  const { actions } = useApp();
  const surface = useSurface();
  const [groups, setGroups] = useState(null);
  const external = element.type.includes("external");
  useEffect(() => {
    if (!external || !active) return undefined;
    if (query.length < (element.min_query_length ?? 3)) return setGroups(null);
    let stale = false;
    const timer = setTimeout(async () => {
      try {
        const answer = await actions.suggest({ ...surface.place, block_id: block.block_id, action_id: element.action_id, value: query });
        if (!stale) setGroups(answer.option_groups?.length ? answer.option_groups : [{ options: answer.options ?? [] }]);
      } catch (error) {
        if (!stale) setGroups([{ label: error.message, options: [] }]);
      }
    }, 200);
    return () => { stale = true; clearTimeout(timer); };
  }, [external, active, query]);
  return groups;
}

const matches = (one, query) => !query || wordsOf(one.text).toLowerCase().includes(query.toLowerCase()) || one.person?.name.includes(query.toLowerCase());

/** A select menu of any kind. */
export function Select({ block, element, labelId, invalid }) {
  const kind = KINDS[element.type];
  const { state, set, busy } = useField(block, element);
  const [open, setOpen] = useState(false);
  const [guard, dialog] = useConfirm(element.confirm);
  const anchor = useRef(null);
  const groups = useGroups(element);
  const all = groups.flatMap((group) => group.options);
  const raw = state[kind.key];
  const chosen = kind.many ? raw ?? [] : raw ? [raw] : [];
  const asOption = (one) => (kind.whole ? one : all.find((each) => each.value === one) ?? option(one, one));
  const bare = (one) => (kind.whole ? withoutExtras(one) : one.value);
  const commit = (list) => guard(() => set({ [kind.key]: kind.many ? list.map(bare) : list[0] ? bare(list[0]) : null }));
  const options = chosen.map(asOption);
  const pick = (one) => {
    if (!kind.many) {
      setOpen(false);
      return commit([one]);
    }
    const has = options.some((each) => each.value === one.value);
    if (!has && options.length >= (element.max_selected_items ?? Infinity)) return null;
    return commit(has ? options.filter((each) => each.value !== one.value) : [...options, one]);
  };
  const placeholder = wordsOf(element.placeholder) || (kind.many ? "Choose…" : "Choose an option");
  const onKey = (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      setOpen(true);
    }
  };
  return html`<div class="select">
    <button ref=${anchor} type="button" class=${classes("select-face", busy && "is-busy", invalid && "is-invalid")} role="combobox"
        aria-haspopup="listbox" aria-expanded=${open} aria-invalid=${invalid || undefined}
      aria-labelledby=${labelId} aria-label=${labelId ? undefined : placeholder} aria-busy=${busy} data-action=${element.action_id}
      onClick=${() => setOpen(!open)} onKeyDown=${onKey}>
      ${kind.many ? html`<span class="select-chips">${options.length ? options.map((one) => html`<span class="chip"
          key=${one.value}><${OptionFace} option=${one} /></span>`) : html`<span class="faint">${placeholder}</span>`}</span>`
        : options[0] ? html`<span class="select-text"><${OptionFace} option=${options[0]} /></span>` : html`<span
            class="select-text faint">${placeholder}</span>`}
      <${Icon} name="chevron" size=${16} />
    </button>
    ${open && html`<${OptionList} anchor=${anchor} block=${block} element=${element} groups=${groups} chosen=${options} many=${kind.many}
        label=${placeholder} onPick=${pick}
      onClear=${options.length && block.type === "input" && (kind.many || block.optional) ? () => { commit([]); setOpen(false); } : null}
      onClose=${() => setOpen(false)} />`}
    ${dialog}
  </div>`;
}

const withoutExtras = ({ person, ...one }) => one;

const OptionFace = ({ option: one }) => html`${one.person && html`<${Avatar} person=${one.person} size="tiny" />`}<${TextObject} text=${one.text} />`;

function OptionList({ anchor, block, element, groups, chosen, many, label, onPick, onClear, onClose }) {
  const id = useId();
  const [query, setQuery] = useState("");
  const [at, setAt] = useState(0);
  const list = useRef(null);
  const external = element.type.includes("external");
  const suggested = useSuggestions(block, element, query, external);
  const shown = (external ? suggested ?? [] : groups)
    .map((group) => ({ ...group, options: external ? group.options : group.options.filter((one) => matches(one, query)) }));
  const flat = shown.flatMap((group) => group.options);
  const least = element.min_query_length ?? 3;
  useEffect(() => {
    const first = flat.findIndex((one) => chosen[0]?.value === one.value);
    setAt(query ? 0 : Math.max(0, first));
  }, [query]);
  useEffect(() => list.current?.querySelector("[data-active=true]")?.scrollIntoView({ block: "nearest" }), [at, flat.length]);
  const onKey = (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step && flat.length) {
      event.preventDefault();
      setAt((at + step + flat.length) % flat.length);
    } else if (event.key === "Enter" && flat[at]) {
      event.preventDefault();
      event.stopPropagation();
      onPick(flat[at]);
    } else if (event.key === "Tab") onClose();
  };
  const waits = external && !suggested ? "Asking the app…" : "Nothing fits.";
  const nothing = external && query.length < least ? `Type at least ${least} letters.` : waits;
  let index = -1;
  const row = (one) => {
    index += 1;
    const mine = index;
    const selected = chosen.some((each) => each.value === one.value);
    return html`<div key=${one.value} id=${`${id}-${mine}`} role="option" aria-selected=${selected} data-active=${mine === at}
        class="option" onPointerEnter=${() => setAt(mine)}
      onClick=${() => onPick(one)}><span class="option-tick">${selected && html`<${Icon} name="check" size=${14} />`}</span>
      <span><${OptionFace} option=${one} />${one.description && html`<small><${TextObject} text=${one.description} /></small>`}</span></div>`;
  };
  return html`<${Popover} anchor=${anchor} onClose=${onClose} matchWidth class="option-box">
    <input class="option-search" type="text" autofocus placeholder=${external ? `Type ${least} or more letters` : "Search"}
        aria-label=${`Search: ${label}`} role="combobox" aria-expanded="true"
      aria-controls=${`${id}-list`} aria-activedescendant=${flat.length ? `${id}-${at}` : undefined} value=${query}
      onInput=${(event) => setQuery(event.target.value)} onKeyDown=${onKey} />
    <div ref=${list} id=${`${id}-list`} role="listbox" aria-multiselectable=${many ? "true" : undefined} aria-label=${label} class="option-list">
      ${shown.map((group) => html`${group.label && (group.options.length || external) ? html`<div class="option-group"><${TextObject}
          text=${group.label} /></div>` : null}${group.options.map(row)}`)}
      ${!flat.length && html`<div class="option-none">${nothing}</div>`}
    </div>
    ${onClear && html`<button type="button" class="option-clear" onClick=${onClear}>Clear the choice</button>`}
  <//>`;
}
