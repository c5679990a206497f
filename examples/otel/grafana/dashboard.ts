/** Rows become Grafana's dashboard: the classic JSON, which file provisioning and every importer takes. */
import * as bargauge from '@grafana/grafana-foundation-sdk/bargauge';
import type { Builder, Dataquery } from '@grafana/grafana-foundation-sdk/cog';
import * as common from '@grafana/grafana-foundation-sdk/common';
import * as dashboard from '@grafana/grafana-foundation-sdk/dashboard';
import * as prometheus from '@grafana/grafana-foundation-sdk/prometheus';
import * as stat from '@grafana/grafana-foundation-sdk/stat';
import * as timeseries from '@grafana/grafana-foundation-sdk/timeseries';
import {
  ATTR_GEN_AI_PROVIDER_NAME,
  ATTR_GEN_AI_REQUEST_MODEL,
  ATTR_LLM_STREAM_FEATURE,
  ATTR_LLM_STREAM_ROUTE,
} from '../../../src/telemetry/semconv.js';
import { JOB, label, OUTCOMES, SPAN_CALLS } from './metrics.js';
import type { Panel, Query } from './panel.js';
import { DASHBOARD, Promql } from './promql.js';
import { ROWS } from './rows.js';
import { jaegerLinks, tempoLink, tempoSeriesLink } from './traces.js';

export const DASHBOARD_UID = 'llm-streams';
/** The data source's uid in `provisioning/datasources`. */
export const PROMETHEUS = { type: 'prometheus', uid: 'prometheus' } as const;

export function renderDashboard(): string {
  return `${JSON.stringify(build(), null, 2)}\n`;
}

function build(): dashboard.Dashboard {
  const builder = new dashboard.DashboardBuilder('LLM streams')
    .uid(DASHBOARD_UID)
    .description(
      'Where, why and how streaming LLM calls fail. Generated: examples/otel/grafana, npm run otel:generate.',
    )
    .tags(['llm', 'opentelemetry'])
    .editable()
    .timezone('browser')
    .time({ from: 'now-30m', to: 'now' })
    .refresh('10s')
    .tooltip(dashboard.DashboardCursorSync.Crosshair)
    .variables([...VARIABLES.map(variable), tracedService()]);
  for (const [index, { question, panels }] of ROWS.entries()) {
    builder.withRow(new dashboard.RowBuilder(question).id(ROW_IDS + index));
    for (const panel of panels) builder.withPanel(BUILDS[panel.kind](panel));
  }
  return builder.build();
}

/** Beyond the ids of panels. */
const ROW_IDS = 1000;
const HEIGHT = { stat: 5, lines: 8, stacked: 8, ranking: 8 } as const;
/** Beside numbers, what is drawn is as low as they are. */
const FIRST_LINE_HEIGHT = HEIGHT.stat;

interface Variable {
  readonly name: string;
  readonly label: string;
  readonly description: string;
  readonly of: string;
  /** What of a value is shown, and asked for. */
  readonly regex?: string;
}

/** A job may begin with a namespace; traces have the name alone. */
const NAME_OF_JOB = '/([^/]+)$/';

const VARIABLES: readonly Variable[] = [
  { name: 'service', label: 'Service', description: '`service.name`', of: JOB, regex: NAME_OF_JOB },
  {
    name: 'provider',
    label: 'Provider',
    description: `\`${ATTR_GEN_AI_PROVIDER_NAME}\``,
    of: label(ATTR_GEN_AI_PROVIDER_NAME),
  },
  {
    name: 'model',
    label: 'Model',
    description: `\`${ATTR_GEN_AI_REQUEST_MODEL}\`: the model that was asked for`,
    of: label(ATTR_GEN_AI_REQUEST_MODEL),
  },
  {
    name: 'route',
    label: 'Route',
    description: optional(ATTR_LLM_STREAM_ROUTE),
    of: label(ATTR_LLM_STREAM_ROUTE),
  },
  {
    name: 'feature',
    label: 'Feature',
    description: optional(ATTR_LLM_STREAM_FEATURE),
    of: label(ATTR_LLM_STREAM_FEATURE),
  },
];

/** Spans have it in any case, so that there is something to choose. */
function optional(attribute: string): string {
  return `\`${attribute}\`: spans have it, metrics of an application with the option \`metricDimensions\`; without, times, gaps, tokens and attempts of one alone are not known`;
}

function variable({ name, label: title, description, of, regex }: Variable): dashboard.QueryVariableBuilder {
  const builder = new dashboard.QueryVariableBuilder(name)
    .label(title)
    .description(description)
    .datasource(PROMETHEUS)
    .query(labelValues(of))
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc)
    .multi(true)
    .includeAll(true)
    // A label that is not there is matched, too: calls without a route are among all routes.
    .allValue('.*')
    .current({ text: 'All', value: '$__all' });
  return regex === undefined ? builder : builder.regex(regex);
}

/** Jaeger searches one service at a time: the first of those that are chosen. */
function tracedService(): dashboard.QueryVariableBuilder {
  return new dashboard.QueryVariableBuilder('traced_service')
    .hide(dashboard.VariableHide.HideVariable)
    .datasource(PROMETHEUS)
    .query(labelValues(JOB, `${JOB}${DASHBOARD.filters[JOB]}`))
    .regex(NAME_OF_JOB)
    .refresh(dashboard.VariableRefresh.OnTimeRangeChanged)
    .sort(dashboard.VariableSort.AlphabeticalAsc);
}

/** Who counts its calls, and whose calls the collector counts. */
const COUNTED = `__name__=~"${OUTCOMES.name}|${SPAN_CALLS.name}"`;

function labelValues(of: string, ...matchers: readonly string[]): { query: string; qryType: number; refId: string } {
  // 1: values of a label.
  return { query: `label_values({${[COUNTED, ...matchers].join(', ')}}, ${of})`, qryType: 1, refId: 'values' };
}

const BUILDS: Readonly<Record<Panel['kind'], (panel: Panel) => Builder<dashboard.Panel>>> = {
  stat: (panel) =>
    described(new stat.PanelBuilder(), panel)
      .targets(targets(panel, 'instant'))
      .colorMode(panel.limits ? common.BigValueColorMode.Background : common.BigValueColorMode.Value)
      .graphMode(common.BigValueGraphMode.None),
  lines: (panel) => drawn(panel).fillOpacity(5),
  stacked: (panel) =>
    drawn(panel).fillOpacity(40).stacking(new common.StackingConfigBuilder().mode(common.StackingMode.Normal)),
  ranking: (panel) =>
    described(new bargauge.PanelBuilder(), panel)
      .targets(targets(panel, 'instant'))
      .orientation(common.VizOrientation.Horizontal)
      .displayMode(common.BarGaugeDisplayMode.Basic)
      .min(0),
};

function drawn(panel: Panel): timeseries.PanelBuilder {
  return (
    described(new timeseries.PanelBuilder(), panel)
      .targets(targets(panel, 'range'))
      .min(0)
      .lineWidth(1)
      .showPoints(common.VisibilityMode.Auto)
      // One scrape that is missing is no gap.
      .spanNulls(60_000)
      .thresholdsStyle(
        new common.GraphThresholdsStyleConfigBuilder().mode(
          panel.limits ? common.GraphThresholdsStyleMode.Dashed : common.GraphThresholdsStyleMode.Off,
        ),
      )
      .tooltip(
        new common.VizTooltipOptionsBuilder().mode(common.TooltipDisplayMode.Multi).sort(common.SortOrder.Descending),
      )
  );
}

/** What all kinds have. */
function described<B extends stat.PanelBuilder | bargauge.PanelBuilder | timeseries.PanelBuilder>(
  builder: B,
  { id, title, description, unit, kind, width, limits, queries, traces, seriesBy }: Panel,
): B {
  builder
    .id(id)
    .title(title)
    .description(description)
    .datasource(PROMETHEUS)
    .unit(unit.name)
    .span(width)
    .height(width === 8 && kind === 'stacked' ? FIRST_LINE_HEIGHT : HEIGHT[kind])
    // Nothing happened, or nothing arrived: no zero, which would be a claim.
    .noValue('none')
    .thresholds(
      new dashboard.ThresholdsConfigBuilder().mode(dashboard.ThresholdsMode.Absolute).steps([
        // Grafana's own way to say "from the lowest value on".
        { color: 'green', value: null },
        ...(limits
          ? [
              { color: 'orange', value: limits[0] },
              { color: 'red', value: limits[1] },
            ]
          : []),
      ]),
    )
    .links([
      link('Traces in Tempo', tempoLink(traces)),
      ...jaegerLinks(traces).map((each) => link(each.title, each.url)),
    ]);
  if (unit.decimals !== undefined) builder.decimals(unit.decimals);
  if (seriesBy) builder.dataLinks([link(OF_SERIES, tempoSeriesLink(traces.where, seriesBy))]);
  for (const { refId, where } of queries) {
    if (where === undefined) continue;
    const url = tempoSeriesLink(where, seriesBy ?? []);
    builder.overrideByQuery(refId, [{ id: 'links', value: [link(OF_SERIES, url).build()] }]);
  }
  return builder;
}

const OF_SERIES = 'Its traces in Tempo';

function link(title: string, url: string): dashboard.DashboardLinkBuilder {
  return new dashboard.DashboardLinkBuilder(title).type(dashboard.DashboardLinkType.Link).url(url).targetBlank(true);
}

function targets({ queries }: Panel, how: 'instant' | 'range'): Builder<Dataquery>[] {
  const at = new Promql(DASHBOARD);
  return queries.map((query) => target(query, at, how));
}

function target(
  { refId, expr, legend, exemplars }: Query,
  at: Promql,
  how: 'instant' | 'range',
): prometheus.DataqueryBuilder {
  const query = new prometheus.DataqueryBuilder()
    .refId(refId)
    .datasource(PROMETHEUS)
    .editorMode(prometheus.QueryEditorMode.Code)
    .expr(expr(at))
    .legendFormat(legend);
  if (how === 'instant') return query.instant();
  return query.range().exemplar(exemplars === true);
}
