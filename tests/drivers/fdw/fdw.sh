#!/usr/bin/env bash
# postgres_fdw in a database of the service's own, HOME_URL, with two users' databases as its foreign servers.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
echo "client: postgres_fdw $(psql "$HOME_URL" -XAtc "SELECT current_setting('server_version')" | sed 's/ .*//')"

# Each file of cases/ in a session of its own; the number in front of the name is not the case's.
for file in "$here"/cases/*.sql; do
    name=$(basename "$file" .sql)
    psql "$HOME_URL" -XqAt -v VERBOSITY=verbose -v SHOW_CONTEXT=never \
        -v host="$PGHOST" -v port="$PGPORT" -v database="$PGDATABASE" -v user="$PGUSER" -v secret="$PGPASSWORD" \
        -v other_port="$OTHER_PGPORT" -v other_database="$OTHER_PGDATABASE" -v other_user="$OTHER_PGUSER" \
        -v other_secret="$OTHER_PGPASSWORD" -v url="$DATABASE_URL" -v other_url="$OTHER_DATABASE_URL" \
        -f - <"$file" 2>&1 | grep -v '^LOCATION:' | sed -E -e 's/^ERROR: /psql: &/' -e "s/^/${name#*_}: /" -e 's/[[:space:]]+$//'
done
