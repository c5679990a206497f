/** The files that are written out of this folder, as they are to be. Paths are from the checkout's top, and it is run there. */
import { readFileSync } from 'node:fs';
import { renderDashboard } from './dashboard.js';
import { renderQuestions } from './questions.js';
import { renderAlerting, renderRules } from './rule-files.js';
import { RUNBOOK } from './runbook-address.js';

export interface GeneratedFile {
  readonly path: string;
  readonly content: string;
}

/** @param runbook - what links to the runbook begin with */
export function generatedFiles(runbook = RUNBOOK): readonly GeneratedFile[] {
  return [
    { path: 'examples/otel/grafana/dashboards/llm-streams.json', content: renderDashboard() },
    { path: 'examples/otel/prometheus/rules.yaml', content: renderRules(runbook) },
    ...RULE_TESTS.map((path) => ({ path, content: withLinks(readFileSync(path, 'utf8'), runbook) })),
    { path: 'examples/otel/grafana/provisioning/alerting/llm-streams.yaml', content: renderAlerting(runbook) },
    { path: 'docs/queries.md', content: renderQuestions() },
  ];
}

const RULE_TESTS = ['rules', 'rules-silent', 'rules-spans'].map((name) => `examples/otel/prometheus/${name}.test.yaml`);

/** Written by hand but for the links: promtool compares each annotation whole. */
function withLinks(tests: string, runbook: string): string {
  return tests.replace(/^( *runbook_url: ).*(#[a-z]+)$/gm, (_, key: string, anchor: string) => key + runbook + anchor);
}
