/**
 * The thread on the right: the first message, its replies and a composer of its own.
 */

import { html, useApp, useEffect, useMemo, useStore } from "../core/ui.js";
import { threadKey } from "../core/store.js";
import { Composer } from "./composer.js";
import { Icon } from "./icons.js";
import { MessageList } from "./message_list.js";
import { channelTitle, editOwnLast, isMember } from "./channel.js";

const EMPTY = { messages: [], loaded: false };

/** The thread pane of a message. */
export function ThreadPane({ channel: id, ts }) {
  const { actions } = useApp();
  const [channel, thread, allPending, people, me, apps] = useStore((state) => [
    state.channels[id], state.threads[threadKey(id, ts)] ?? EMPTY, state.pending, state.people, state.me, state.apps,
  ]);
  const pending = useMemo(() => allPending.filter((one) => one.channel === id && one.thread_ts === ts), [allPending, id, ts]);
  useEffect(() => {
    if (channel && !thread.loaded) actions.loadThread(id, ts);
  }, [id, ts, Boolean(channel)]);
  if (!channel) return null;
  const title = channelTitle(channel, people);
  const placeholder = { label: "Reply in thread", text: "Reply…", tryThis: apps[0] ? `@${people[apps[0].bot_user]?.name ?? apps[0].name} help` : null };
  return html`<aside class="thread" aria-label="Thread" data-testid="thread">
    <header class="head"><h2 class="head-title">Thread</h2>
      <button type="button" class="head-about faint head-link"
          onClick=${() => actions.openMessage({ channel: id, ts })}>${channel.kind === "im" ? title : `# ${title}`}</button><span
          class="spring"></span>
      <button type="button" class="icon-button" aria-label="Close the thread" onClick=${actions.closeThread}><${Icon}
          name="close" /></button></header>
    <${MessageList} key=${`${id}:${ts}`} channel=${id} messages=${thread.messages} pending=${pending} inThread loading=${!thread.loaded}
        label="Thread" />
    ${isMember(channel, me) && html`<${Composer} channel=${id} threadTs=${ts} placeholder=${placeholder}
        onEditLast=${() => editOwnLast(thread.messages, me)} />`}
  </aside>`;
}
