#!/bin/sh
# Creates Temporal's two databases if they are not there and brings their schema to the version of
# this image. Safe to run again: what is there stays. Connection: SQL_HOST, SQL_PORT, SQL_USER,
# SQL_PASSWORD, SQL_PLUGIN, read by temporal-sql-tool itself.
set -eu

: "${SQL_HOST:?is missing: the host of PostgreSQL}"
: "${SQL_PASSWORD:?is missing: the password of PostgreSQL}"

prepare() {
  database=$1
  schema=$2
  echo "$database: creating the database if it is missing"
  temporal-sql-tool --database "$database" create-database
  echo "$database: bringing the schema up to date"
  temporal-sql-tool --database "$database" setup-schema --version 0.0
  temporal-sql-tool --database "$database" update-schema --schema-name "$schema"
}

prepare temporal postgresql/v12/temporal
prepare temporal_visibility postgresql/v12/visibility
echo 'The databases of Temporal are ready.'
