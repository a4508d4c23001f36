/**
 * The page: connects, keeps address and store in step, and lays out sidebar, conversation, thread and what floats above.
 */

import { AppContext, html, classes, render, useEffect, useRef, useState, useStore } from "./core/ui.js";
import { makeActions } from "./core/actions.js";
import { Connection } from "./core/connection.js";
import { addressAs, hashOf, parsePermalink, personInAddress, readRoute } from "./core/routes.js";
import { nowOf, Store } from "./core/store.js";
import { ChannelView, channelTitle, isDirect, isMember } from "./parts/channel.js";
import { HomeView } from "./parts/home.js";
import { anythingOpen } from "./parts/layers.js";
import { authorOf, shownName } from "./parts/message.js";
import { Modals } from "./parts/modals.js";
import { ConnectionBanner, Notices } from "./parts/notices.js";
import { Sidebar } from "./parts/sidebar.js";
import { Switcher } from "./parts/switcher.js";
import { applyTheme } from "./parts/theme.js";
import { ThreadPane } from "./parts/thread.js";
import { TroublePanel } from "./parts/trouble.js";

/** How often "5 minutes ago" is drawn anew. */
const TICK_MS = 30000;

const socketAddress = (person) =>
  `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/page${person ? `?person=${encodeURIComponent(person)}` : ""}`;

/** Build store, connection and actions, and tie them together. */
function start() {
  const permalink = parsePermalink(location.href);
  if (permalink) history.replaceState(null, "", `/${location.search.replace(/[?&](thread_ts|cid)=[^&]*/g, "").replace(/^&/, "?")}`);
  const store = new Store(permalink ? { channel: permalink.channel, home: null, thread: permalink.thread } : readRoute());
  let wanted = personInAddress();
  const connection = new Connection({
    address: socketAddress,
    onStatus: (status) => {
      store.change({ status: status.status, retryAt: status.retryAt ?? 0, tries: status.tries ?? 0 });
      if (!status.nobody) return;
      wanted = "";
      connection.open("");
    },
    onEvent: (event) => {
      if (event.event === "hello" && isSomebodyElse(event)) return;
      store.apply(event);
      if (event.event === "hello") arrive();
    },
  });
  const actions = makeActions(store, connection);

  /** The address names a person by name and the server chose another one: connect again with the id. */
  function isSomebodyElse({ me, people }) {
    if (!wanted) return false;
    const name = wanted.toLowerCase();
    const person = people.find((one) => one.id === wanted || one.name.toLowerCase() === name || one.real_name.toLowerCase() === name);
    if (!person) actions.tell(`Nobody here is called “${wanted}”, so you are somebody else.`, "warning");
    wanted = "";
    if (!person || person.id === me) return false;
    connection.open(person.id);
    return true;
  }

  /** After each hello: read again what is on the screen, as events may have been missed. */
  function arrive() {
    const { me, people, route, channels } = store.state;
    connection.person = me;
    if (people[me] && personInAddress() !== people[me].name) history.replaceState(null, "", addressAs(people[me].name) + hashOf(route));
    const stale = Object.keys(store.state.timelines).filter((id) => id !== route.channel);
    store.change(({ timelines }) => ({ timelines: Object.fromEntries(Object.entries(timelines).filter(([id]) => !stale.includes(id))), threads: {} }));
    if (route.home) actions.openHome(route.home);
    else if (route.channel && channels[route.channel]) actions.loadHistory(route.channel);
    else openFirst();
    if (route.thread && channels[route.channel]) actions.loadThread(route.channel, route.thread);
    if (permalink?.ts && route.channel === permalink.channel) actions.openMessage(permalink);
  }

  function openFirst() {
    const { channels, me } = store.state;
    const mine = Object.values(channels).filter((one) => !isDirect(one) && isMember(one, me));
    const first = mine.find((one) => one.name === "general") ?? mine[0] ?? Object.values(channels)[0];
    if (first) actions.openChannel(first.id);
  }

  actions.becomePerson = (person) => {
    history.pushState(null, "", addressAs(person.name) + hashOf(store.state.route));
    store.forgetPerson();
    connection.open(person.id);
  };
  window.addEventListener("popstate", () => {
    const { people, me, route } = store.state;
    const next = readRoute();
    if (people[me] && personInAddress() && personInAddress() !== people[me].name) {
      wanted = personInAddress();
      store.forgetPerson();
      connection.open(wanted);
    }
    if (hashOf(next) === hashOf(route)) return;
    if (next.home) actions.openHome(next.home);
    else if (next.channel) actions.openChannel(next.channel, { thread: next.thread });
  });
  setInterval(() => store.change({ ticked: Date.now() }), TICK_MS);
  connection.open(wanted);
  return { store, connection, actions };
}

/** Ctrl+K, and F6 to go round the parts of the page. */
function useKeys(openSwitcher) {
  useEffect(() => {
    const onKeyDown = (event) => {
      if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === "k") {
        event.preventDefault();
        openSwitcher();
      } else if (event.key === "F6" && !anythingOpen()) {
        event.preventDefault();
        nextRegion(event.shiftKey ? -1 : 1);
      }
    };
    document.addEventListener("keydown", onKeyDown);
    return () => document.removeEventListener("keydown", onKeyDown);
  }, []);
}

const REGIONS = [
  ".sidebar .entry.is-current, .sidebar .entry", ".main .message[tabindex='0']", ".main textarea", ".thread .message[tabindex='0']", ".thread textarea",
];

function nextRegion(step) {
  const stops = REGIONS.map((selector) => document.querySelector(selector)).filter((one) => one?.offsetParent);
  const scopes = stops.map((one) => one.closest(".sidebar, .thread .composer, .thread, .main .composer, .main"));
  const at = scopes.findLastIndex((scope) => scope.contains(document.activeElement));
  stops[(at + step + stops.length) % stops.length]?.focus();
}

/** The window's title: unread count, place, workspace. */
function useTitle() {
  const title = useStore((state) => {
    const unread = Object.values(state.channels).reduce((sum, one) => sum + ((isDirect(one) ? one.unread : one.mentions) || 0), 0);
    const channel = state.channels[state.route.channel];
    const place = channel ? `${isDirect(channel) ? "" : "#"}${channelTitle(channel, state.people, state.me)}` : state.route.home ? "Home" : "";
    return `${unread ? `(${unread}) ` : ""}${[place, `${state.workspace.name || "Slack"} playground`].filter(Boolean).join(" · ")}`;
  });
  useEffect(() => { document.title = title; }, [title]);
}

/** Tells screen readers of a new message in the open conversation; who wrote it, not the words, which stand in the list. */
function Announcer() {
  const words = useStore((state) => {
    const newest = state.timelines[state.route.channel]?.messages.at(-1);
    if (!newest || newest.user === state.me || nowOf(state) - Number(newest.ts) > 15) return "";
    return `New message from ${shownName(authorOf(state, newest))}`;
  });
  return html`<div class="sr-only" aria-live="polite">${words}</div>`;
}

function Page() {
  const [route, ready, status, tries] = useStore((state) => [state.route, state.ready, state.status, state.tries]);
  const [drawer, setDrawer] = useState(false);
  const [switcher, setSwitcher] = useState(false);
  const [trouble, setTrouble] = useState(false);
  const main = useRef(null);
  useKeys(() => setSwitcher(true));
  useTitle();
  const openDrawer = () => setDrawer(true);
  if (!ready) return html`<div class="starting"
      role="status"><strong>Local playground · simulated Slack</strong><p>${status === "lost" || tries > 1
    ? "The playground does not answer. Is it still running? This page tries again by itself." : "Connecting…"}</p></div>`;
  return html`<div class=${classes("page", route.thread && route.channel && "has-thread", drawer && "has-drawer", trouble && "has-trouble")}>
    <${ConnectionBanner} />
    <${Sidebar} onSwitcher=${() => setSwitcher(true)} onTrouble=${() => { setTrouble(!trouble); setDrawer(false); }}
        onDone=${() => setDrawer(false)} />
    ${drawer && html`<button type="button" class="drawer-shade" aria-label="Close the sidebar" onClick=${() => setDrawer(false)}></button>`}
    <main ref=${main} class="main" data-testid="main">${route.home ? html`<${HomeView} app=${route.home}
        onMenu=${openDrawer} />` : html`<${ChannelView} id=${route.channel} onMenu=${openDrawer} />`}</main>
    ${route.thread && route.channel && html`<${ThreadPane} key=${`${route.channel}:${route.thread}`} channel=${route.channel} ts=${route.thread} />`}
    ${trouble && html`<${TroublePanel} onClose=${() => setTrouble(false)} />`}
    <${Modals} />${switcher && html`<${Switcher} onClose=${() => setSwitcher(false)} />`}<${Notices} /><${Announcer} />
  </div>`;
}

applyTheme();
const app = start();
render(html`<${AppContext.Provider} value=${app}><${Page} /><//>`, document.getElementById("page"));
