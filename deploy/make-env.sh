#!/bin/sh
# Writes .env for docker-compose.yml with fresh secrets, readable by its owner only. An existing one
# is never touched: the passwords are in the databases, the key has sealed tokens.
set -eu
cd "$(dirname "$0")/.."

if [ -e .env ]; then
  echo '.env exists already and was left as it is.'
  exit 0
fi

# Letters and digits only: these go into connection URLs as they are.
password() {
  LC_ALL=C tr -dc 'A-Za-z0-9' </dev/urandom | head -c 32
}

umask 077
cat >.env.part <<ENV
# Secrets of this installation. Back this file up: without DASH_SECRET_KEY the stored gateway tokens
# cannot be opened, and the passwords are set in PostgreSQL when its volume is made.
POSTGRES_PASSWORD=$(password)
DASH_POSTGRES_PASSWORD=$(password)
DASH_SECRET_KEY=$(head -c 32 /dev/urandom | base64)
ENV
mv .env.part .env
echo 'Wrote .env. Next: docker compose up -d --build --wait'
