# The demo application and its faulty provider, built of this checkout: `docker compose -f docker-compose.otel.yml
# --profile demo up --build`. What is left out of the build is in demo.Dockerfile.dockerignore.

FROM node:24.21.0-bookworm-slim@sha256:0e0ff40c39bc087845bfb27465a0df4ea419520094bc35842ff83dd8cbe6f9b6

WORKDIR /app

# First what changes least: the dependencies are installed again only where these files changed. The workspaces' own
# package.json are part of the lock file.
COPY package.json package-lock.json .npmrc ./
COPY test/openai/v4/package.json test/openai/v4/
COPY test/openai/v5/package.json test/openai/v5/
COPY test/openai/v7/package.json test/openai/v7/
# Nothing of what the demo needs is made by an install script.
RUN npm ci --ignore-scripts

COPY tsconfig.json tsdown.config.ts ./
COPY src ./src
# Built with the rest; the demo does not use it.
COPY examples/otel/grafana ./examples/otel/grafana
RUN npx tsdown --logLevel error

USER node

# Not by npm, which would not pass SIGTERM on: the last spans are sent on it.
ENTRYPOINT ["node", "dist/tools/demo.js"]
