/**
 * How each real program is had: the module it is built of, or the name it goes by where somebody installed it. A recipe
 * is `sh` in an empty folder; what it leaves in `out/` is kept. Its text is its key: another text is another build.
 */

export type ProgramName = 'otelcol' | 'jaeger' | 'prometheus' | 'promtool' | 'alertmanager' | 'compose-load';

export interface Program {
  /** Says where one is, before all else; it is taken as it is. */
  readonly variable: string;
  /** Absent where nobody installs it. */
  readonly installed?: Installed;
  readonly recipe: Recipe;
}

export interface Installed {
  /** As packages name it. */
  readonly command: string;
  /** Make it print its version. */
  readonly versionArgs: readonly string[];
  /** The first version whose configuration is that of `examples/otel`; what is older on the PATH is passed over. */
  readonly atLeast: string;
}

export interface Recipe {
  readonly name: string;
  readonly version: string;
  /** Files to begin with. */
  readonly files?: Readonly<Record<string, string>>;
  readonly script: string;
  /** Takes longest on two cores from an empty module cache; for whoever waits. */
  readonly minutes: number;
}

/** Newer ones lack a part that Go's module proxy serves. */
const COLLECTOR = '0.159.0';
/** The collector's own parts that are stable count on their own. */
const COLLECTOR_STABLE = '1.65.0';
const core = (part: string, version = COLLECTOR): string =>
  `  - gomod: go.opentelemetry.io/collector/${part} v${version}`;
const contrib = (part: string): string =>
  `  - gomod: github.com/open-telemetry/opentelemetry-collector-contrib/${part} v${COLLECTOR}`;

const OTELCOL: Recipe = {
  name: 'otelcol',
  version: COLLECTOR,
  files: {
    'builder.yaml': [
      'dist: {name: otelcol, output_path: ./made, module: local/otelcol}',
      'extensions:',
      contrib('extension/healthcheckextension'),
      contrib('extension/storage/filestorage'),
      'receivers:',
      core('receiver/otlpreceiver'),
      'processors:',
      core('processor/batchprocessor'),
      core('processor/memorylimiterprocessor'),
      contrib('processor/tailsamplingprocessor'),
      contrib('processor/transformprocessor'),
      contrib('processor/filterprocessor'),
      contrib('processor/deltatocumulativeprocessor'),
      'connectors:',
      core('connector/forwardconnector'),
      contrib('connector/spanmetricsconnector'),
      'exporters:',
      core('exporter/debugexporter'),
      core('exporter/otlpexporter'),
      core('exporter/otlphttpexporter'),
      contrib('exporter/loadbalancingexporter'),
      contrib('exporter/prometheusexporter'),
      'providers:',
      core('confmap/provider/envprovider', COLLECTOR_STABLE),
      core('confmap/provider/fileprovider', COLLECTOR_STABLE),
      core('confmap/provider/yamlprovider', COLLECTOR_STABLE),
      '',
    ].join('\n'),
  },
  script: `
    GOBIN="$PWD/bin" go install go.opentelemetry.io/collector/cmd/builder@v${COLLECTOR}
    # Tidying stops at what only the tests of a part need, where that is not served; -e goes on.
    ./bin/builder --config builder.yaml --skip-compilation || test -f made/go.mod
    cd made
    go mod tidy -e
    go build -mod=mod -trimpath -ldflags='-s -w' -o ../out/otelcol .`,
  minutes: 5,
};

const JAEGER_VERSION = '1.76.0';

/** Of the main module alone `replace` lines count, so the program is the tool of a small module with the same ones. */
const JAEGER: Recipe = {
  name: 'jaeger',
  version: JAEGER_VERSION,
  script: `
    module=github.com/jaegertracing/jaeger@v${JAEGER_VERSION}
    go mod init local/jaeger
    # Its own checksums: the public database lacks one of them.
    cp "$(go mod download -json "$module" | sed -n 's/.*"Dir": "\\(.*\\)".*/\\1/p')/go.sum" .
    chmod u+w go.sum
    go mod edit -require="$module" -replace=github.com/Shopify/sarama=github.com/Shopify/sarama@v1.33.0
    go get -tool github.com/jaegertracing/jaeger/cmd/jaeger@v${JAEGER_VERSION}
    go build -mod=mod -o out/jaeger github.com/jaegertracing/jaeger/cmd/jaeger`,
  minutes: 5,
};

const PROMETHEUS_VERSION = '0.314.0';

const PROMETHEUS: Recipe = {
  name: 'prometheus',
  version: PROMETHEUS_VERSION,
  script: `
    go mod init local/prometheus
    commands=github.com/prometheus/prometheus/cmd
    go get -tool $commands/prometheus@v${PROMETHEUS_VERSION} $commands/promtool@v${PROMETHEUS_VERSION}
    go build -mod=mod -o out/ $commands/prometheus $commands/promtool`,
  minutes: 5,
};

/** The last one whose web pages are not looked for by the build; a module has none. */
const ALERTMANAGER_VERSION = '0.28.1';

const ALERTMANAGER: Recipe = {
  name: 'alertmanager',
  version: ALERTMANAGER_VERSION,
  script: `
    go mod init local/alertmanager
    command=github.com/prometheus/alertmanager/cmd/alertmanager
    go get -tool $command@v${ALERTMANAGER_VERSION}
    go build -mod=mod -o out/ $command`,
  minutes: 2,
};

const COMPOSE_VERSION = '2.16.2';

/** What Docker Compose loads a file with, in a program of its own: all of Compose takes six times as long to build. */
const COMPOSE: Recipe = {
  name: 'compose-load',
  version: COMPOSE_VERSION,
  files: {
    'main.go': `package main

import (
	"context"
	"fmt"
	"os"

	"github.com/compose-spec/compose-go/v2/cli"
)

// Prints the project that the files make, with the services of every profile.
func main() {
	options, err := cli.NewProjectOptions(os.Args[1:], cli.WithOsEnv, cli.WithProfiles([]string{"*"}))
	demand(err)
	project, err := options.LoadProject(context.Background())
	demand(err)
	text, err := project.MarshalJSON()
	demand(err)
	fmt.Println(string(text))
}

func demand(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
`,
  },
  script: `
    go mod init local/compose
    go get github.com/compose-spec/compose-go/v2@v${COMPOSE_VERSION}
    go build -mod=mod -o out/compose-load .`,
  minutes: 1,
};

export const PROGRAMS: Readonly<Record<ProgramName, Program>> = {
  otelcol: {
    variable: 'OTELCOL_BIN',
    installed: { command: 'otelcol-contrib', versionArgs: ['--version'], atLeast: '0.159.0' },
    recipe: OTELCOL,
  },
  jaeger: {
    variable: 'JAEGER_BIN',
    installed: { command: 'jaeger', versionArgs: ['version'], atLeast: '2.13.0' },
    recipe: JAEGER,
  },
  // Modules count 0.314 for what is released as 3.14.
  prometheus: {
    variable: 'PROMETHEUS_BIN',
    installed: { command: 'prometheus', versionArgs: ['--version'], atLeast: '3.14.0' },
    recipe: PROMETHEUS,
  },
  promtool: {
    variable: 'PROMTOOL_BIN',
    installed: { command: 'promtool', versionArgs: ['--version'], atLeast: '3.14.0' },
    recipe: PROMETHEUS,
  },
  alertmanager: {
    variable: 'ALERTMANAGER_BIN',
    installed: { command: 'alertmanager', versionArgs: ['--version'], atLeast: '0.25.0' },
    recipe: ALERTMANAGER,
  },
  'compose-load': { variable: 'COMPOSE_LOAD_BIN', recipe: COMPOSE },
};
