// Holds the public API against its reviewed report, one per entry. `npm run check:api -- --update` rewrites the reports.
import { readFileSync } from 'node:fs';
import { Extractor, ExtractorConfig } from '@microsoft/api-extractor';

const update = process.argv.includes('--update');
const root = new URL('../../', import.meta.url).pathname;
const { exports } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));

let failed = false;
for (const [entry, target] of Object.entries(exports)) {
  if (typeof target === 'string') continue;
  const name = entry === '.' ? 'index' : entry.slice(2);
  const config = ExtractorConfig.prepare({
    configObject: {
      projectFolder: root,
      mainEntryPointFilePath: target.import.types.replace('./', root),
      compiler: { tsconfigFilePath: `${root}tsconfig.json`, skipLibCheck: true },
      apiReport: {
        enabled: true,
        reportFileName: `${name}.api.md`,
        reportFolder: `${root}docs/api`,
        reportTempFolder: `${root}temp`,
      },
      docModel: { enabled: false },
      dtsRollup: { enabled: false },
      messages: {
        extractorMessageReporting: {
          default: { logLevel: 'warning' },
          'ae-missing-release-tag': { logLevel: 'none' },
          // Members whose name says all.
          'ae-undocumented': { logLevel: 'none' },
        },
      },
    },
    configObjectFullPath: undefined,
    packageJsonFullPath: `${root}package.json`,
  });
  const { succeeded, apiReportChanged } = Extractor.invoke(config, { localBuild: update, showVerboseMessages: false });
  if (!succeeded) {
    failed = true;
    console.error(
      `docs/api/${name}.api.md: the public API changed, or has a warning; review it, then run with --update`,
    );
  } else if (apiReportChanged) console.log(`docs/api/${name}.api.md: rewritten`);
}
process.exit(failed ? 1 : 0);
