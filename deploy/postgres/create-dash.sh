#!/bin/sh
# Runs once, when the PostgreSQL volume is empty: a database for Dash, owned by a role that may do
# nothing else. Temporal's databases are made by its own schema service.
set -eu

: "${DASH_POSTGRES_PASSWORD:?is missing: run deploy/make-env.sh first}"

psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
  --set=password="$DASH_POSTGRES_PASSWORD" <<'SQL'
create role dash login password :'password';
create database dash owner dash;
revoke connect on database dash from public;
SQL
