#!/usr/bin/env bash
# pg_dump of a database, and its restoring into another user's: DATABASE_URL says whence, OTHER_DATABASE_URL whither.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
from=$DATABASE_URL to=$OTHER_DATABASE_URL
echo "client: $(pg_dump --version | sed -E 's/^pg_dump \(PostgreSQL\) ([0-9.]+).*/pg_dump \1/')"

# Each line of standard input, as seen in the case $1. Errors' first words are not a failed case's by themselves.
said() { sed -E -e 's/^ERROR/error/' -e 's/(theirs\.sql):[0-9]+/\1/' -e "s/^/$1: /" -e 's/[[:space:]]+$//'; }
# Runs a command; what it complains of is seen, and how it ended.
run() {
    local case=$1
    shift
    "$@" 2>complaints </dev/null >output
    local ended=$?
    said "$case" <complaints
    [ "$ended" = 0 ] && echo "$case: done" || echo "$case: ERROR none $(basename "$1") ended with $ended"
}
sql() { psql -XAt -F ' ' -v ON_ERROR_STOP=1 "$@" 2>&1; }

# A dump without comments, its random words and the names of roles.
owner=$(sql "$from" -c 'SELECT current_user')
read_dump() {
    grep -vE '^(--|$|\\(un)?restrict )' "$1" | sed -E -e "s/\b$owner\b/OWNER/g" -e "s/\br_[a-z0-9_]+_[0-9a-f]{8}\b/READER/g" \
        -e "s/\b(lo_\w+|LARGE OBJECT|oid)(\(')?( ?)[0-9]{4,}/\1\2\3OBJECT/g"
}
privileges='^(GRANT|REVOKE|ALTER DEFAULT PRIVILEGES|ALTER SCHEMA public OWNER) ?'
digest() { read_dump "$1" | grep -vE "$privileges" | sha256sum | cut -c1-16; }
# Empties the second database as one would by hand, so that a dump can be restored into it again.
empty() {
    sql "$to" -q -c "DO \$\$ DECLARE it text; BEGIN
        FOR it IN SELECT format('DROP %s IF EXISTS %I CASCADE', CASE relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, relname)
            FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p', 'v', 'm', 'S') ORDER BY relkind = 'S', oid LOOP EXECUTE it; END LOOP;
        FOR it IN SELECT format('DROP ROUTINE IF EXISTS %s CASCADE', oid::regprocedure) FROM pg_proc WHERE pronamespace = 'public'::regnamespace LOOP EXECUTE it; END LOOP;
        FOR it IN SELECT format('DROP TYPE IF EXISTS %I CASCADE', typname) FROM pg_type WHERE typnamespace = 'public'::regnamespace AND typtype IN ('e', 'd', 'c') LOOP EXECUTE it; END LOOP;
        END \$\$; SELECT lo_unlink(oid) FROM pg_largeobject_metadata WHERE lomowner = current_user::regrole" >/dev/null
}
contents() { sql "$to" -f "$here/contents.sql" | said "$1"; }

run create psql -XqAt -v ON_ERROR_STOP=1 "$from" -f "$here/schema.sql"

# What somebody else may have of it: not the owner, nor whom the owner lets in, nor what was there before.
theirs="--no-owner --no-privileges"
portable=--no-comments

run dump pg_dump "$from" -f plain.sql
read_dump plain.sql | grep -vE "$privileges" | said dump
read_dump plain.sql | grep -E "$privileges" | sort | said privileges
run dump_schema_only pg_dump --schema-only $portable "$from" -f schema.sql
echo "dump_schema_only: $(digest schema.sql)"
run dump_inserts pg_dump --inserts --rows-per-insert=50 $portable "$from" -f inserts.sql
echo "dump_inserts: $(digest inserts.sql)"
run dump_of_public pg_dump -n public --no-comments "$from" -f public.sql
echo "dump_of_public: $(digest public.sql)"
run dump_of_a_table pg_dump -t public.todos -t 'list*' --data-only --column-inserts "$from" -f table.sql
echo "dump_of_a_table: $(digest table.sql)"
run dump_custom pg_dump -Fc "$from" -f custom.dump
pg_restore -l custom.dump | sed -nE "s/^[0-9]+; [0-9]+ [0-9]+ //p" | sed -E -e "s/\b$owner\b/OWNER/g" -e 's/BLOB( METADATA|S?) - [0-9]+/BLOB\1/' | sort | grep -vE 'ACL|^SCHEMA - public' | said dump_custom

run restore_psql pg_dump $theirs $portable "$from" -f theirs.sql
run restore_psql psql -Xq -1 -v ON_ERROR_STOP=1 "$to" -f theirs.sql
contents restore_psql
run restored_again pg_dump $theirs $portable "$to" -f again.sql
# Reading the contents has moved the sequences on: all else is as it was.
diff <(read_dump theirs.sql) <(read_dump again.sql) | grep '^[<>]' | said restored_again
run restore_clean pg_dump -Fc $portable "$from" -f portable.dump
run restore_clean pg_restore --clean --if-exists $theirs -d "$to" portable.dump
contents restore_clean
empty
run restore_custom pg_restore --exit-on-error --single-transaction $theirs -d "$to" portable.dump
contents restore_custom
empty
run restore_directory pg_dump -Fd -j 2 $portable "$from" -f folder
run restore_directory pg_restore -j 2 $theirs -d "$to" folder
contents restore_directory
empty
run restore_parts pg_restore --schema-only $theirs -d "$to" portable.dump
run restore_parts pg_restore --data-only -t parted_2026 -t lists -d "$to" portable.dump
sql "$to" -c 'SELECT count(*) FROM lists' -c 'SELECT count(*) FROM parted' | said restore_parts

run search_path psql -XqAt "$from" -c "CREATE FUNCTION with_path() RETURNS bigint LANGUAGE sql SET search_path = public AS 'SELECT count(*) FROM lists'"
run search_path pg_dump -s $theirs $portable "$from" -f path.sql
read_dump path.sql | grep 'SET search_path' | said search_path
