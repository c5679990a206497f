/** Name and version of this package: its instrumentation scope. A test holds the version against `package.json`. */
export const PACKAGE_NAME = 'opentelemetry-instrumentation-llm-stream';
export const PACKAGE_VERSION = '0.1.0';
