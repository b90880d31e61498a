#!/usr/bin/env bash
# pgbench in its modes: libpq's environment says where; transactions that were done and rows are what is seen.
set -uo pipefail

here=$(cd "$(dirname "$0")" && pwd)
echo "client: $(pgbench --version | sed -E 's/^pgbench \(PostgreSQL\) ([0-9.]+).*/pgbench \1/')"

# What is the same from run to run: how much was done and how much failed. Complaints go along.
run() {
    local case=$1
    shift
    pgbench "$@" 2>&1 | sed -nE "s/^(query mode|number of transactions actually processed|number of failed transactions): (.*)/$case: \1 \2/p; s/^pgbench: error: /$case: ERROR none /p"
}
rows() {
    psql -XAt -F ' ' -c "$2" 2>&1 | sed "s/^/$1: /"
}

pgbench -i -q --foreign-keys 2>&1 | sed -nE 's/^(ERROR.*|.*error.*)/create: ERROR none \1/p'
rows create "SELECT relname, reltuples, relnamespace::regnamespace FROM pg_class WHERE relname LIKE 'pgbench%' AND relkind = 'r' ORDER BY 1"

for mode in simple extended prepared; do
    run "$mode" -n -M "$mode" -c 4 -j 2 -t 50
    run "select_only_$mode" -n -M "$mode" -b select-only -c 4 -t 50
    run "simple_update_$mode" -n -M "$mode" -b simple-update -c 4 -t 25
    run "connect_each_$mode" -n -C -M "$mode" -c 2 -t 10
done
run pool -n -M prepared -c 10 -j 2 -t 20
run variables -n -M prepared -D rows=25 -c 3 -j 2 -t 20 -f "$here/variables.pgbench"
run several -n -M simple -c 3 -j 2 -t 20 -f "$here/several.pgbench"
run pipeline -n -M extended -c 3 -j 2 -t 20 -f "$here/pipeline.pgbench"
# What retries is how often two transactions met: only that all of them got through is the same each time.
run retried -n -M prepared -c 4 -j 2 -t 25 --max-tries=100 -f "$here/serializable.pgbench"
run rate -n -R 200 -t 20 -b select-only

rows sums "SELECT (SELECT sum(abalance) FROM pgbench_accounts) = (SELECT sum(delta) FROM pgbench_history),
           (SELECT sum(tbalance) FROM pgbench_tellers) = (SELECT sum(bbalance) FROM pgbench_branches), count(*) FROM pgbench_history"
run vacuumed -v -t 5
pgbench -i -q -I dtGp --partitions=3 --partition-method=hash 2>&1 | sed -nE 's/^(ERROR.*|.*error.*)/partitions: ERROR none \1/p'
rows partitions "SELECT tableoid::regclass, count(*) FROM public.pgbench_accounts GROUP BY 1 ORDER BY 1"
