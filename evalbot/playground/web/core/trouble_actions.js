/**
 * The verbs of the trouble panel.
 */

/** Faults, violations and clock of the simulated Slack. */
export function troubleActions(store, ask) {
  const takeFaults = (answer) => answer && store.apply({ event: "faults", faults: answer.faults });
  return {
    /** What is not finished yet, or null when the server does not answer. */
    async waiting() {
      return (await ask("waiting", {}))?.waiting ?? null;
    },
    installElsewhere: () => ask("install_elsewhere", {}),
    async refreshTrouble() {
      const [violations, faults] = await Promise.all([ask("violations", {}), ask("faults", {})]);
      if (violations) store.apply({ event: "violations", ...violations });
      takeFaults(faults);
    },
    async fault(settings) {
      takeFaults(await ask("faults", settings));
    },
    async violations(args) {
      const answer = await ask("violations", args);
      if (answer) store.apply({ event: "violations", ...answer });
    },
    async moveClock(seconds) {
      const answer = await ask("clock", { advance: seconds });
      if (answer?.now) store.apply({ event: "clock", now: answer.now });
    },
  };
}
