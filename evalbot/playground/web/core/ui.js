/**
 * The page's one door to Preact and htm: `html` templates, hooks, a memo that compares props, and the app context.
 */
import { h, render, Component, Fragment, createContext, createRef } from "preact";
import {
  useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
} from "preact/hooks";
import htm from "htm";

export const html = htm.bind(h);
export {
  h, render, Component, Fragment, createContext, createRef,
  useCallback, useContext, useEffect, useId, useLayoutEffect, useMemo, useReducer, useRef, useState,
};

/** Context that carries `{store, connection, actions}` to every component. */
export const AppContext = createContext(null);

/** The app bag of the surrounding page. */
export const useApp = () => useContext(AppContext);

/** Two values are alike when equal, or when they are arrays or plain objects with identical entries. */
export function shallowEqual(left, right) {
  if (Object.is(left, right)) return true;
  if (typeof left !== "object" || typeof right !== "object" || !left || !right) return false;
  const keys = Object.keys(left);
  return keys.length === Object.keys(right).length && keys.every((key) => Object.is(left[key], right[key]));
}

/** Wrap a function component so that it is drawn again only when a prop changed. */
export function memo(Inner) {
  return class extends Component {
    shouldComponentUpdate(next) {
      return !shallowEqual(this.props, next);
    }

    render(props) {
      return h(Inner, props);
    }
  };
}

/** Read a slice of the store and draw again when that slice changes. */
export function useStore(select) {
  const { store } = useApp();
  const [, redraw] = useReducer((count) => count + 1, 0);
  const latest = useRef(null);
  const value = select(store.state);
  latest.current = { select, value };
  useLayoutEffect(() => {
    const check = () => {
      if (!shallowEqual(latest.current.select(store.state), latest.current.value)) redraw();
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return value;
}

/** A busy flag and a runner that keeps it up while a promise works, at least long enough to be seen. */
export function useBusy(leastMs = 250) {
  const [busy, setBusy] = useState(false);
  const alive = useRef(true);
  useEffect(() => () => { alive.current = false; }, []);
  const run = useCallback(async (work) => {
    setBusy(true);
    const seen = new Promise((done) => setTimeout(done, leastMs));
    try {
      return await work();
    } finally {
      seen.then(() => alive.current && setBusy(false));
    }
  }, [leastMs]);
  return [busy, run];
}

/** Shows `instead` when something inside cannot be drawn, so that one broken message never takes the page away. */
export class Guard extends Component {
  static getDerivedStateFromError(error) {
    return { error };
  }

  componentDidCatch(error) {
    console.error(error);
  }

  componentDidUpdate(before) {
    if (this.state.error && before.watch !== this.props.watch) this.setState({ error: null });
  }

  render({ children, instead }) {
    return this.state.error ? instead ?? html`<p class="unknown" role="alert">This part cannot be drawn.</p>` : children;
  }
}

/** Join class names, leaving out the false ones. */
export const classes = (...names) => names.filter(Boolean).join(" ");
