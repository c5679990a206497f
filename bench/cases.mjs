/**
 * The cases as data: what a client does, in which modes, and which rows of the table come of it.
 * A row compares `mode` with `against` by one number; a limit may differ by Node version.
 */

const AA = 'control again';
// Ten streams make the code warm: until then each process pays for compiling it.
const FLOOD = { chunks: 20_000, warm: 10, streams: 4 };
const PACED = { chunks: 20_000, warm: 2, streams: 1, pace: 'yes' };
const SHORT = { chunks: 20, warm: 3_000, calls: 1_000 };
const CPU_MODES = ['control', 'ours', 'otel', 'ours-exported', AA];

function cpuRows(ratioLimit, perChunkLimit) {
  return [
    { says: 'CPU, ours / no OTel', by: 'ratio', number: 'cpuUs', mode: 'ours', against: 'control', limit: ratioLimit },
    {
      says: 'CPU, ours / SDK alone, both exported',
      by: 'ratio',
      number: 'cpuUs',
      mode: 'ours-exported',
      against: 'otel',
      limit: ratioLimit,
    },
    {
      says: 'CPU a chunk, ours − no OTel',
      by: 'difference',
      number: 'cpuUsPerChunk',
      mode: 'ours',
      against: 'control',
      unit: 'µs',
      limit: perChunkLimit,
    },
    { says: 'wall, ours / no OTel', by: 'ratio', number: 'wallUs', mode: 'ours', against: 'control' },
    { says: 'CPU, SDK alone / no OTel', by: 'ratio', number: 'cpuUs', mode: 'otel', against: 'control' },
    { says: 'CPU, A/A', by: 'ratio', number: 'cpuUs', mode: AA, against: 'control' },
    { says: 'CPU a chunk, no OTel', by: 'plain', number: 'cpuUsPerChunk', mode: 'control', unit: 'µs' },
  ];
}

export const CASES = {
  'raw-tools': {
    says: 'raw fetch, 20,000 chunks flat out, 10 % tool fragments',
    workload: 'raw',
    options: { ...FLOOD, tools: 'yes' },
    modes: CPU_MODES,
    rows: cpuRows(1.25, 0.6),
  },
  'raw-text': {
    says: 'raw fetch, 20,000 chunks flat out, text alone',
    workload: 'raw',
    options: { ...FLOOD, tools: 'no' },
    modes: CPU_MODES,
    rows: cpuRows(1.25, 0.6),
  },
  'raw-paced': {
    says: 'raw fetch, 20,000 chunks, one write each',
    workload: 'raw',
    options: { ...PACED, tools: 'yes' },
    rounds: 3,
    modes: CPU_MODES,
    rows: cpuRows(1.25, 0.6),
  },
  sdk: {
    says: 'OpenAI SDK, 20,000 chunks flat out',
    workload: 'sdk',
    options: { ...FLOOD, tools: 'yes' },
    modes: CPU_MODES,
    rows: cpuRows(1.1),
  },
  'sdk-paced': {
    says: 'OpenAI SDK, 20,000 chunks, one write each',
    workload: 'sdk',
    options: { ...PACED, tools: 'yes' },
    rounds: 3,
    modes: CPU_MODES,
    rows: cpuRows(1.1),
  },
  short: {
    says: 'raw fetch, 1,000 calls of 20 chunks, one after the other',
    workload: 'short',
    options: SHORT,
    modes: CPU_MODES,
    rows: shortRows(),
  },
  'short-paced': {
    says: 'the same, one write a chunk',
    workload: 'short',
    options: { ...SHORT, pace: 'yes' },
    rounds: 3,
    modes: CPU_MODES,
    rows: shortRows(),
  },
  'sdk-short': {
    says: 'OpenAI SDK, 1,000 calls of 20 chunks, beside a peer',
    workload: 'sdk-short',
    options: SHORT,
    modes: ['control', 'ours', 'peer', AA],
    rounds: 3,
    rows: [
      shortRow('CPU a call, ours − no OTel', 'ours', 'control'),
      shortRow('CPU a call, instrumentation-openai − no OTel', 'peer', 'control'),
      shortRow('A/A', AA, 'control'),
      { says: 'CPU a call, no OTel', by: 'plain', number: 'cpuUsPerCall', mode: 'control', unit: 'µs' },
    ],
  },
  'open-streams': {
    says: 'heap per open stream, 1,000 of them, 40 chunks each read, between messages',
    workload: 'open-streams',
    options: { chunks: 100, hold: 40, streams: 1_000 },
    modes: ['control', 'ours', 'spans'],
    gc: true,
    rounds: 3,
    rows: [
      {
        says: 'ours − no OTel, span and span events included',
        by: 'difference',
        number: 'bytesPerStream',
        mode: 'ours',
        against: 'control',
        unit: 'B',
        limit: 3_000,
      },
      {
        says: 'ours − an application that opens bare spans',
        by: 'difference',
        number: 'bytesPerStream',
        mode: 'ours',
        against: 'spans',
        unit: 'B',
      },
      { says: 'no OTel', by: 'plain', number: 'bytesPerStream', mode: 'control', unit: 'B' },
    ],
  },
  retained: {
    says: 'heap retained after 20,000 streams of 20 chunks, 20 at a time',
    workload: 'retained',
    options: { chunks: 20, streams: 20_000, side: 20 },
    modes: ['control', 'ours'],
    gc: true,
    rounds: 1,
    rows: [
      { says: 'ours', by: 'plain', number: 'bytes', mode: 'ours', unit: 'B' },
      { says: 'no OTel', by: 'plain', number: 'bytes', mode: 'control', unit: 'B' },
    ],
  },
  parses: {
    says: 'JSON.parse calls of ours, as a share of 20,000 payloads',
    workload: 'parses',
    options: { chunks: 20_000, tools: 'yes' },
    modes: ['ours'],
    rounds: 1,
    rows: [{ says: 'ours', by: 'plain', number: 'share', mode: 'ours', unit: '%', limit: 0.05 }],
  },
  register: {
    says: 'a script that does nothing, with /register and without',
    workload: 'nothing',
    options: {},
    modes: ['control', 'registered', AA],
    rounds: 21,
    rows: [
      {
        says: 'start, registered − without',
        by: 'difference',
        number: 'readyMs',
        mode: 'registered',
        against: 'control',
        unit: 'ms',
        limit: 110,
      },
      { says: 'start, A/A', by: 'difference', number: 'readyMs', mode: AA, against: 'control', unit: 'ms' },
      { says: 'end, registered / without', by: 'ratio', number: 'exitMs', mode: 'registered', against: 'control' },
      { says: 'end, A/A', by: 'ratio', number: 'exitMs', mode: AA, against: 'control' },
      { says: 'end, without', by: 'plain', number: 'exitMs', mode: 'control', unit: 'ms' },
    ],
  },
  large: {
    says: '200 MB to a slow consumer: peaks',
    workload: 'large',
    options: { megabytes: 200 },
    modes: ['control', 'ours'],
    rounds: 3,
    rows: [
      { says: 'bytes in array buffers, ours', by: 'plain', number: 'buffersMb', mode: 'ours', unit: 'MB' },
      { says: 'bytes in array buffers, no OTel', by: 'plain', number: 'buffersMb', mode: 'control', unit: 'MB' },
      { says: 'RSS, ours', by: 'plain', number: 'rssMb', mode: 'ours', unit: 'MB' },
      { says: 'RSS, no OTel', by: 'plain', number: 'rssMb', mode: 'control', unit: 'MB' },
    ],
  },
  'first-chunk': {
    says: 'from fetch() to the first chunk, p50 of 600 calls',
    workload: 'first-chunk',
    options: { warm: 1_500, calls: 600 },
    rounds: 5,
    modes: ['control', 'ours', AA],
    rows: [
      {
        says: 'ours − no OTel',
        by: 'difference',
        number: 'p50Us',
        mode: 'ours',
        against: 'control',
        unit: 'µs',
        limit: 40,
      },
      { says: 'A/A', by: 'difference', number: 'p50Us', mode: AA, against: 'control', unit: 'µs' },
      { says: 'no OTel', by: 'plain', number: 'p50Us', mode: 'control', unit: 'µs' },
    ],
  },
};

function shortRow(says, mode, against, limit) {
  return { says, by: 'difference', number: 'cpuUsPerCall', mode, against, unit: 'µs', limit };
}

function shortRows() {
  // Targets exist for these two lines of Node.
  const limit = { 20: 150, 24: 70 };
  return [
    shortRow('CPU a call, ours − no OTel', 'ours', 'control', limit),
    shortRow('CPU a call, ours − SDK alone, both exported', 'ours-exported', 'otel', limit),
    { says: 'CPU, ours / no OTel', by: 'ratio', number: 'cpuUsPerCall', mode: 'ours', against: 'control' },
    shortRow('A/A', AA, 'control'),
    { says: 'CPU a call, no OTel', by: 'plain', number: 'cpuUsPerCall', mode: 'control', unit: 'µs' },
  ];
}
