/**
 * node run.mjs [case…]: whole client processes, interleaved, each round in the opposite order of the last one; prints
 * one table. Environment: BENCH_NODE (the client's node), BENCH_ROUNDS, BENCH_BUILD (another build than `dist/`),
 * BENCH_PROFILE (a folder: writes CPU profiles of the mode `ours` and prints nothing else).
 */
import { execFileSync, fork } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { CASES } from './cases.mjs';
import { difference, plain, ratio } from './statistics.mjs';

const COMPARE = { difference, plain, ratio };
const CLIENT_LIMIT_MS = 120_000;
const DEFAULT_ROUNDS = 5;

const node = process.env.BENCH_NODE ?? process.execPath;
const build = resolve(process.env.BENCH_BUILD ?? fileURLToPath(new URL('../dist/index.js', import.meta.url)));
const profile = process.env.BENCH_PROFILE;
const names = process.argv.length > 2 ? process.argv.slice(2) : Object.keys(CASES);

const unknown = names.filter((name) => !(name in CASES));
if (unknown.length > 0) fail(`no case \`${unknown[0]}\`; there are ${Object.keys(CASES).join(', ')}`);
if (!existsSync(build)) fail(`no build at ${build}; run \`npx tsdown\`, or say where it is with BENCH_BUILD`);

const provider = fork(here('provider.mjs'));
const url = await new Promise((done) => provider.once('message', (message) => done(message.url)));
const version = execFileSync(node, ['-p', 'process.version'], { encoding: 'utf8' }).trim();
const major = Number(/\d+/.exec(version)?.[0]);
try {
  if (!profile) console.log(`Node ${version}; median of the rounds, [min – max]\n`);
  for (const name of names) {
    const rounds = await runCase(CASES[name], profile ? { rounds: 1, modes: ['ours'] } : {});
    if (!profile) printCase(name, CASES[name], rounds);
  }
} finally {
  provider.disconnect();
}

async function runCase(one, { rounds: limit, modes = one.modes }) {
  const rounds = [];
  const count = limit ?? Number(process.env.BENCH_ROUNDS ?? one.rounds ?? DEFAULT_ROUNDS);
  for (let i = 0; i < count; i++) {
    const round = {};
    for (const mode of i % 2 === 0 ? modes : modes.toReversed()) round[mode] = await runClient(one, mode);
    rounds.push(round);
  }
  return rounds;
}

function runClient({ workload, options, gc }, mode) {
  const task = { mode: mode === 'control again' ? 'control' : mode, build: pathToFileURL(build).href, workload };
  const execArgv = [
    ...(gc ? ['--expose-gc'] : []),
    ...(profile ? ['--cpu-prof', '--cpu-prof-interval=200', `--cpu-prof-dir=${resolve(profile)}`] : []),
  ];
  const child = fork(here('client.mjs'), [JSON.stringify({ ...task, options: { ...options, url } })], {
    execPath: node,
    execArgv,
    timeout: CLIENT_LIMIT_MS,
  });
  return new Promise((done, failed) => {
    let numbers;
    let saidAt;
    child.once('message', (message) => {
      numbers = message;
      saidAt = performance.now();
    });
    child.once('exit', (code, signal) => {
      if (numbers) done({ ...numbers, exitMs: performance.now() - saidAt });
      else failed(new Error(`${workload} in mode ${mode} ended with ${signal ?? code}`));
    });
  });
}

function printCase(name, { says, rows }, rounds) {
  console.log(`${name}: ${says}; ${rounds.length} ${rounds.length === 1 ? 'round' : 'rounds'}`);
  for (const row of rows) {
    const { median, min, max } = COMPARE[row.by](rounds, row.number, row.mode, row.against);
    const limit = typeof row.limit === 'object' ? row.limit[major] : row.limit;
    const verdict = limit === undefined ? '' : `   ≤ ${show(limit, row)} ${median <= limit ? 'held' : 'MISSED'}`;
    const range = rounds.length === 1 ? '' : `[${show(min, row)} – ${show(max, row)}]`;
    console.log(`  ${row.says.padEnd(52)} ${show(median, row).padStart(12)}  ${range.padEnd(24)}${verdict}`);
  }
  console.log('');
}

function show(value, { by, unit }) {
  if (by === 'ratio') return `${value.toFixed(2)}×`;
  if (unit === '%') return `${(value * 100).toFixed(2)} %`;
  const digits = Math.abs(value) < 10 ? 2 : 0;
  return `${by === 'difference' && value > 0 ? '+' : ''}${value.toFixed(digits)} ${unit}`;
}

function here(file) {
  return fileURLToPath(new URL(file, import.meta.url));
}

function fail(message) {
  console.error(message);
  process.exit(1);
}
