#!/usr/bin/env bash
# Every test in .NET, with the application's connections going through a PgBouncer in transaction mode, one assembly after
# the other; or those that are named: tests/pooler.sh Store Sessions. Needs pgbouncer (Debian: apt-get install pgbouncer).
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

export MODULAR_TEST_POOLER=1 MSBUILDDISABLENODEREUSE=1
command -v pgbouncer >/dev/null || [ -x /usr/sbin/pgbouncer ] || { echo "pgbouncer is missing: apt-get install pgbouncer"; exit 2; }
status=0
if [ $# -eq 0 ]; then
  set -- Architecture Audit.Tests Host.Tests Identity.Tests Kernel.Tests Messaging.Tests Profiles.Tests Sessions.Tests Store.Tests
fi
for name in "$@"; do
  project=tests/$name
  [ -d "$project" ] || project=tests/$name.Tests
  dotnet test "$project" ${MODULAR_TEST_OPTIONS:-} || status=1
done
exit $status
