#!/usr/bin/env bash
# A service that acts on rows: it follows the instances of driver `record`, does what they say (here it
# prints it), and says back which generation it has carried out. It reads views, never tables.
#
#   DATABASE_URL=postgres://service@db/pintle examples/follow-rows/follow.sh [--once]
#
# The user needs the role pintle_service and nothing else: GRANT pintle_service TO service;
set -euo pipefail

sql() { psql "$DATABASE_URL" --no-psqlrc --quiet --tuples-only --no-align --field-separator='|' --set=ON_ERROR_STOP=1 "$@"; }

# Everything that is not carried out yet. Doing it twice must do no harm: a crash between doing and
# saying leads here again.
carry_out() {
  sql -c "SELECT uid, name, generation, coalesce(spec #>> '{resources,memory}', 'default'), tombstoned_at IS NOT NULL FROM pintle_api.instances_v1
          WHERE generation > coalesce(observed_generation, 0) ORDER BY name" |
  while IFS='|' read -r uid name generation memory going; do
    if [ "$going" = t ]; then echo "stop $name"; else echo "run $name with $memory"; fi
    sql -c "SELECT pintle_api.observe_v1('$uid', $generation, '{\"ready\": true}')" > /dev/null
  done
}

position=""
while :; do
  # The feed is a doorbell that says how far it has rung: what was missed is told the next time.
  changes=$(sql -c "SELECT kind, name, position FROM pintle_api.changes_v1(nullif('$position', ''))")
  position=$(echo "$changes" | tail -n 1 | cut -d '|' -f 3)
  if echo "$changes" | grep -qE '^(Instance)?\|'; then carry_out; fi
  [ "${1:-}" = --once ] && break
  sleep 1
done
