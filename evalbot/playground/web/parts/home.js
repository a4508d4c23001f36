/**
 * The Home tab of an app.
 */

import { Guard, html, useApp, useEffect, useMemo, useStore } from "../core/ui.js";
import { Blocks } from "../blocks/blocks.js";
import { SurfaceContext } from "../blocks/surface.js";
import { AppTabs } from "./channel.js";
import { Icon } from "./icons.js";
import { Avatar, Badges } from "./people.js";

/** The Home of one app for this person. */
export function HomeView({ app: id, onMenu }) {
  const { actions } = useApp();
  const [app, home, people, ready] = useStore((state) => [state.apps.find((one) => one.id === id), state.homes[id], state.people, state.ready]);
  const view = home?.view;
  const surface = useMemo(() => ({ kind: "home", form: `home:${id}`, place: { view_id: view?.id }, blocks: view?.blocks ?? [], errors: {} }), [view]);
  useEffect(() => {
    if (ready && !home?.asked && !home?.loading) actions.openHome(id);
  }, [id, ready, Boolean(home?.asked)]);
  if (!app) return html`<div class="main-empty"><h1>Not here</h1><p>There is no such app. Choose a conversation on the left.</p></div>`;
  const bot = people[app.bot_user];
  return html`<header class="head"><button type="button" class="icon-button menu-button" aria-label="Open the sidebar"
      onClick=${onMenu}><${Icon} name="menu" /></button>
      <${Avatar} person=${bot} size="small" /><h1 class="head-title">${app.name}<${Badges} person=${bot} app /></h1><${AppTabs} app=${app}
          current="home" /></header>
    <div class="home" data-testid="home" role="region" aria-label=${`${app.name} Home`}><div class="home-inner">
      ${view ? html`<${SurfaceContext.Provider} value=${surface}><${Guard} watch=${view}><${Blocks} blocks=${view.blocks} /><//><//>`
        : html`<div class="main-empty"><p>${home?.loading ? `Asking ${app.name} for your Home…`
          : `${app.name} has not drawn your Home yet. It appears here as soon as the app answers.`}</p></div>`}
    </div></div>`;
}
