/** The cells of the matrix, as data: which Node, which line of the OpenTelemetry SDK, which of the tests. openai is in all of them. */

/** As `test/nodes/package.json` names the binaries. The first one is the oldest that is supported. */
const NODES = ['node-20', 'node-22', 'node-24', 'node-26'];

/** What touches an SDK: the rest does not know which one there is. */
const WITH_SDK = [
  'test/app/',
  'test/by-hand.test.ts',
  'test/endings/',
  'test/hook/',
  'test/instrumentation.test.ts',
  'test/intercept/transparency.test.ts',
  'test/openai/',
  'test/register/exit.test.ts',
  'test/register/register.test.ts',
  'test/register/sending.test.ts',
  'test/scenarios/',
  'test/telemetry/',
  'test/matrix/',
];

const SDKS = [
  { sdk: 'sdk-2', nodes: NODES, tests: ['test/'] },
  // It needs Node 22.15.
  { sdk: 'sdk-3', nodes: NODES.slice(1), tests: WITH_SDK },
];

/** `{ name, node, sdk, tests }`: `tests` are paths that a test file's path contains one of. */
export const CELLS = SDKS.flatMap(({ sdk, nodes, tests }) =>
  nodes.map((node) => ({ name: `${node} ${sdk}`, node, sdk, tests })),
);
