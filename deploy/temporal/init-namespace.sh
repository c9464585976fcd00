#!/bin/sh
# Creates the namespace of Dash and registers its search attributes. Safe to run again: what is there
# stays. Reads TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE, as every command of the temporal CLI does.
set -eu

: "${TEMPORAL_ADDRESS:?is missing: host:port of the Temporal server}"
: "${TEMPORAL_NAMESPACE:?is missing: the namespace of Dash}"
retention=${NAMESPACE_RETENTION:-30d}

# repeat DESCRIPTION COMMAND...: until it succeeds, at most a minute.
repeat() {
  what=$1
  shift
  tries=30
  until output=$("$@" 2>&1); do
    tries=$((tries - 1))
    if [ "$tries" -le 0 ]; then
      echo "$what did not succeed: $output" >&2
      exit 1
    fi
    sleep 2
  done
}

namespace_exists() {
  temporal operator namespace describe --namespace "$TEMPORAL_NAMESPACE"
}

create_namespace() {
  namespace_exists || temporal operator namespace create --namespace "$TEMPORAL_NAMESPACE" --retention "$retention"
}

register_attribute() {
  temporal operator search-attribute list | grep -q "^ *$1 " ||
    temporal operator search-attribute create --name "$1" --type Keyword
}

repeat "Waiting for Temporal at $TEMPORAL_ADDRESS" temporal operator cluster health
repeat "Creating the namespace $TEMPORAL_NAMESPACE" create_namespace
for attribute in DashTenant DashSwarm DashGateway; do
  repeat "Registering the search attribute $attribute" register_attribute "$attribute"
done
echo "The namespace $TEMPORAL_NAMESPACE is ready (closed workflows are kept for $retention)."
