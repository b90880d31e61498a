#!/usr/bin/env bash
# psql through its cases: libpq's environment says where; each line it prints becomes `case: line`.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
psql=${PSQL:-psql}
echo "client: $("$psql" -X --version | sed -E 's/^psql \(PostgreSQL\) ([0-9.]+).*/psql \1/')"

me=$("$psql" -XAtc 'SELECT current_user')
# What psql prints, without the role's name and the process ids that differ from run to run.
said() {
    sed -E -e 's/ with PID [0-9]+//' -e "s/\"?\b$me\b\"?/OWNER/g" -e 's/^ERROR: /psql: &/' -e 's/^/'"$1"': /' -e 's/[[:space:]]+$//'
}

# One session for each file of cases/, in their order; the number in front of the name is not the case's.
for file in "$here"/cases/*.sql; do
    name=$(basename "$file" .sql)
    name=${name#*_}
    "$psql" -XqA -v VERBOSITY=verbose -v SHOW_CONTEXT=never -f - <"$file" 2>&1 | grep -vE '^LOCATION:|\(every [0-9.]+s\)$' | said "$name"
done

# Options of the command line.
"$psql" -XqAt -1 -v ON_ERROR_STOP=1 -c 'CREATE TABLE all_or_nothing (n int)' -c 'SELECT 1 / 0' 2>&1 | said single_transaction
"$psql" -XqAt -c "SELECT to_regclass('all_or_nothing') IS NULL" 2>&1 | said single_transaction
"$psql" -XqAt -1 -f "$here/cases/02_crud.sql" >/dev/null 2>&1; echo "exit_code: $?"
"$psql" -XqAt -v ON_ERROR_STOP=1 -c 'SELECT nothing' >/dev/null 2>&1; echo "exit_code: $?"
"$psql" -XAt -c 'SELECT 1' -c '\echo two' -c 'SELECT 3; SELECT 4' 2>&1 | said several_commands
"$psql" "${DATABASE_URL}" -XAt -c 'SELECT count(*) FROM todos' 2>&1 | said url
for wanted in read-write read-only primary standby; do
    "$psql" "$DATABASE_URL?target_session_attrs=$wanted" -XAtc "SELECT '$wanted'" 2>&1 | sed -E 's/port [0-9]+//' | said target_session
done
PGOPTIONS='-c default_transaction_read_only=on -cwork_mem=5MB --statement_timeout=5s' PGTZ=Asia/Tokyo PGDATESTYLE=german \
    PGCLIENTENCODING=latin1 PGAPPNAME='psql cases' "$psql" -XAt -c "SELECT '2026-01-02'::date, name, setting FROM pg_settings
    WHERE name IN ('work_mem', 'TimeZone', 'client_encoding', 'application_name', 'statement_timeout') ORDER BY 2" \
    -c 'RESET ALL' -c 'SHOW work_mem' -c 'DISCARD ALL' -c 'SHOW TimeZone' -c 'CREATE TABLE refused (n int)' 2>&1 | said start_up
"$psql" -Xlqt 2>/dev/null | awk -F'|' 'NF > 1 { exit } END { print (NR ? "databases: listed" : "databases: none") }'

# A query that runs is cancelled as Ctrl-C does it.
timeout --foreground --signal INT 1 "$psql" -XqAt -v VERBOSITY=sqlstate -c 'SELECT pg_sleep(30)' 2>&1 | said cancel
"$psql" -XqAt -c 'SELECT count(*) FROM todos' 2>&1 | said cancel
