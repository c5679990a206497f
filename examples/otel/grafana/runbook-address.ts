/** Where `docs/runbook.md` is read: what links of alerts begin with. */

/**
 * This checkout has no address of its own, so it is the file's path. Write the page's address here, such as
 * `https://git.example.org/docs/runbook.md`, and run `npm run otel:generate`: rules, Grafana's alerts and promtool's tests
 * follow, and the checks with them.
 */
export const RUNBOOK = 'docs/runbook.md';
