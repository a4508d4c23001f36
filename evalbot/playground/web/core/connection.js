/**
 * The page's websocket: numbered calls with answers, events, and reconnecting by itself.
 */

const FIRST_DELAY_MS = 300;
const LONGEST_DELAY_MS = 5000;
/** The close code for a person that the workspace does not know. */
const NOBODY = 4004;
const CALL_TIMEOUT_MS = 20000;

/** An answer `ok: false`; `message` is the server's sentence, `reply` the whole answer. */
export class CallError extends Error {
  constructor(reply) {
    super(typeof reply.error === "string" && reply.error ? reply.error : "The playground refused this.");
    this.reply = reply;
  }
}

/** The socket closed before the answer came. */
export class ConnectionLost extends Error {
  constructor() {
    super("The connection to the playground was lost before the answer came.");
  }
}

/** One page socket for one person. `onEvent(event)` and `onStatus(status)` are told what happens. */
export class Connection {
  /** @param {{address: (person: string) => string, onEvent: Function, onStatus: Function}} options */
  constructor({ address, onEvent, onStatus }) {
    this.address = address;
    this.onEvent = onEvent;
    this.onStatus = onStatus;
    this.person = "";
    this.waiting = new Map();
    this.nextId = 1;
    this.tries = 0;
    this.greeted = false;
    this.socket = null;
    this.timer = null;
    window.addEventListener("online", () => this.retryNow());
    document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && this.retryNow());
  }

  /** Connect as this person (a user id, a name, or "" for the server's choice), dropping any earlier socket. */
  open(person) {
    this.person = person;
    this.tries = 0;
    this.#drop();
    this.#connect();
  }

  /** Try again at once when the socket is down. */
  retryNow() {
    if (this.socket || !this.timer) return;
    clearTimeout(this.timer);
    this.#connect();
  }

  /** Ask the server to do a verb; resolves with its answer, rejects with CallError or ConnectionLost. */
  call(verb, args = {}) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return Promise.reject(new ConnectionLost());
    const id = this.nextId++;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        this.waiting.delete(id);
        reject(new Error("The playground did not answer within 20 seconds. Try again."));
      }, CALL_TIMEOUT_MS);
      this.waiting.set(id, { resolve, reject, timer });
      this.socket.send(JSON.stringify({ ...args, id, do: verb }));
    });
  }

  #drop() {
    clearTimeout(this.timer);
    this.timer = null;
    const old = this.socket;
    this.socket = null;
    if (old) {
      old.onopen = old.onmessage = old.onclose = old.onerror = null;
      old.close();
    }
    this.#rejectAll();
  }

  #connect() {
    this.timer = null;
    this.greeted = false;
    const socket = new WebSocket(this.address(this.person));
    this.socket = socket;
    this.onStatus({ status: "connecting", tries: this.tries });
    socket.onmessage = (frame) => this.#receive(JSON.parse(frame.data));
    socket.onclose = (closing) => this.#closed(closing);
  }

  #receive(data) {
    if (data.event) {
      if (data.event === "hello") {
        this.greeted = true;
        this.tries = 0;
        this.onStatus({ status: "open" });
      }
      this.onEvent(data);
      return;
    }
    const entry = this.waiting.get(data.re);
    if (!entry) return;
    this.waiting.delete(data.re);
    clearTimeout(entry.timer);
    if (data.ok === false) entry.reject(new CallError(data));
    else entry.resolve(data);
  }

  #closed(closing) {
    this.socket = null;
    this.#rejectAll();
    this.tries += 1;
    const delay = Math.min(LONGEST_DELAY_MS, FIRST_DELAY_MS * 2 ** (this.tries - 1)) * (0.75 + Math.random() / 2);
    this.onStatus({ status: "lost", tries: this.tries, retryAt: Date.now() + delay, greeted: this.greeted,
      nobody: closing.code === NOBODY });
    this.timer = setTimeout(() => this.#connect(), delay);
  }

  #rejectAll() {
    for (const { reject, timer } of this.waiting.values()) {
      clearTimeout(timer);
      reject(new ConnectionLost());
    }
    this.waiting.clear();
  }
}
