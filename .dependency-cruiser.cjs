// The import table of docs/design.md §3 as rules, by resolved path. Imports point at src/stream/.

/** What a room may import beside itself; `types` are allowed as `import type` only. */
const TABLE = {
  'src/stream/': { values: [] },
  'src/protocol/': {
    values: ['node_modules/eventsource-parser/'],
    types: ['src/stream/(signal|outcome|call-description)\\.ts$'],
  },
  'src/intercept/': {
    values: ['src/guard\\.ts$', 'src/process-state\\.ts$'],
  },
  'src/telemetry/': { values: ['src/stream/', 'node_modules/@opentelemetry/(api|api-logs|semantic-conventions)/'] },
  'src/testing/': { values: [] },
  'src/app/': {
    values: [
      'src/(guard|process-state)\\.ts$',
      'src/telemetry/span-attributes\\.ts$',
      'src/intercept/(fetch|response)\\.ts$',
      'node_modules/@opentelemetry/api/',
    ],
    types: ['src/stream/(aftermath|call-description|outcome)\\.ts$', 'src/intercept/call-hooks\\.ts$'],
  },
  'src/call/': {
    values: ['src/protocol/', 'src/stream/', 'src/(guard|process-state)\\.ts$', 'node_modules/@opentelemetry/api/'],
    types: ['src/intercept/call-hooks\\.ts$'],
  },
  'src/register/': {
    values: [
      'src/(guard|process-state|runtime|version)\\.ts$',
      'src/call/end-open-calls\\.ts$',
      'src/intercept/property\\.ts$',
      'node_modules/@opentelemetry/api/',
    ],
    types: ['src/intercept/call-hooks\\.ts$'],
  },
  'src/no-op/': {
    values: ['src/app/', 'src/version\\.ts$', 'src/testing/scripts/'],
    types: [
      'src/(index|config|budgets)\\.ts$',
      'src/testing/index\\.ts$',
      'node_modules/@opentelemetry/instrumentation/',
    ],
  },
  'src/guard.ts': { values: ['node_modules/@opentelemetry/api/'] },
  'src/runtime.ts': { values: ['src/version\\.ts$', 'node_modules/@opentelemetry/api/'] },
  'src/hook.ts': { values: ['src/runtime\\.ts$', 'node_modules/@opentelemetry/api/'] },
  'src/process-state.ts': {
    values: [],
    types: ['src/stream/(aftermath|call-description|milestone|outcome)\\.ts$', 'src/intercept/call-hooks\\.ts$'],
  },
  'src/config.ts': {
    values: ['node_modules/@opentelemetry/api/'],
    types: [
      'src/protocol/(dialects/|request\\.ts$)',
      'src/app/call-outcome\\.ts$',
      'node_modules/@opentelemetry/instrumentation/',
    ],
  },
};

/** `node:` built-ins are open to all but these. */
const PURE = new Set(['src/stream/', 'src/protocol/']);

const literally = (path) => path.replaceAll('.', '\\.');

const rooms = Object.entries(TABLE).flatMap(([room, { values, types = [] }]) => {
  const self = `^${literally(room)}`;
  const node = !PURE.has(room);
  const allowed = [self, ...values];
  const to = (paths) => ({ pathNot: paths.join('|'), ...(node ? { dependencyTypesNot: ['core'] } : {}) });
  const rule = (name, condition) => ({
    name: `${room} ${name}`,
    comment: 'See docs/design.md §3: what each room may import.',
    severity: 'error',
    from: { path: self },
    to: condition,
  });
  if (types.length === 0) return [rule('imports', to(allowed))];
  return [
    rule('imports', to([...allowed, ...types])),
    { ...rule('imports types of', {}), to: { path: types.join('|'), dependencyTypesNot: ['type-only'] } },
  ];
});

module.exports = {
  forbidden: [
    {
      name: 'no cycles',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'the library loads no SDK and no wrapped package',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/tools/' },
      to: {
        path: 'node_modules/(openai|undici|@opentelemetry/(sdk|exporter)[^/]*)/',
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'tools stand outside: testing/ and the public entries',
      severity: 'error',
      from: { path: '^src/tools/' },
      to: { path: '^src/', pathNot: '^src/(tools|testing)/|^src/(index|budgets)\\.ts$|^src/telemetry/semconv\\.ts$' },
    },
    ...rooms,
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'types', 'default'] },
  },
};
