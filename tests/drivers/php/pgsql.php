<?php
// PHP's own pgsql functions through their cases: libpq's environment says where, standard output what was seen.

require __DIR__ . '/cases.php';

// The functions warn of what they return as errors, too.
set_error_handler(fn (int $level, string $text) => (bool) preg_match('/^pg_\w+\(\): (Query failed|Copy|Cannot)/', $text), E_WARNING);

function connected(): PgSql\Connection
{
    return pg_connect('', PGSQL_CONNECT_FORCE_NEW) ?: throw new Refused(null, 'no connection');
}

function checked(PgSql\Connection $db, PgSql\Result|false|null $result): PgSql\Result
{
    if (!$result) {
        throw new Refused(null, pg_last_error($db));
    }
    $state = pg_result_error_field($result, PGSQL_DIAG_SQLSTATE);
    return $state ? throw new Refused($state, pg_result_error($result)) : $result;
}

// Sent and awaited by hand, so that an error comes with its SQLSTATE.
function run(string $sql, array $values = [], ?PgSql\Connection $on = null): PgSql\Result
{
    global $db;
    $on ??= $db;
    $values === [] ? pg_send_query($on, $sql) : pg_send_query_params($on, $sql, $values);
    $last = false;
    while ($result = pg_get_result($on)) {
        $last = $result;
        if (pg_result_error_field($result, PGSQL_DIAG_SQLSTATE)) {
            while (pg_get_result($on));
            break;
        }
    }
    return checked($on, $last);
}

function one(string $sql, array $values = [], ?PgSql\Connection $on = null): array
{
    return pg_fetch_row(run($sql, $values, $on)) ?: [];
}

$db = connected();
$tidy = function () use ($db) {
    while (pg_get_result($db));
    if (pg_transaction_status($db) !== PGSQL_TRANSACTION_IDLE) {
        run('ROLLBACK');
    }
};
$case = fn (string $name, callable $run) => in_case($name, $run, $tidy);

echo 'client: PHP-pgsql ', phpversion('pgsql'), "\n";

$case('create', function () {
    run('CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int)');
    run('CREATE TABLE items (id int PRIMARY KEY, b bytea, t text)');
    saw(...one("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
});

$case('crud', function () {
    run('BEGIN');
    foreach (range(1, 5) as $n) {
        saw('id', ...one('INSERT INTO todos (title, n) VALUES ($1, $2) RETURNING id', ["title $n", $n]));
    }
    saw('updated', pg_affected_rows(run('UPDATE public.todos SET n = n * 10 WHERE n > $1', [2])));
    saw('deleted', pg_affected_rows(run('DELETE FROM todos WHERE n = 1')));
    run('COMMIT');
    saw(pg_fetch_all(run('SELECT title, n FROM todos ORDER BY id')));
});

// What the extension does on rows by itself: it looks the table up in the catalog, and takes it to be in public.
$case('row_functions', function () use ($db) {
    saw(array_map(fn ($column) => [$column['type'], $column['not null'], $column['has default'], $column['is enum']], pg_meta_data($db, 'todos')));
    saw(array_keys(pg_meta_data($db, 'public.items', true)));
    saw(pg_insert($db, 'todos', ['title' => "it's", 'n' => 60]) !== false);
    saw(pg_insert($db, 'public.todos', ['title' => 'second', 'n' => '70'], PGSQL_DML_STRING));
    saw(pg_select($db, 'todos', ['title' => "it's"]));
    saw(pg_update($db, 'todos', ['note' => 'noted'], ['n' => 60]), ...one('SELECT note FROM todos WHERE n = 60'));
    saw(pg_delete($db, 'todos', ['n' => 60]), ...one('SELECT count(*) FROM todos'));
    saw(pg_convert($db, 'todos', ['n' => '12', 'title' => 'x']));
    saw(pg_copy_from($db, 'public.items', ["900\t\\N\tfrom an array\n"]), pg_copy_to($db, 'items'));
    $result = run('SELECT * FROM todos LIMIT 1');
    saw(pg_field_name($result, 1), pg_field_table($result, 1), pg_field_type($result, 1), pg_field_type_oid($result, 1));
});

$case('rollback', function () {
    run('BEGIN');
    run('DELETE FROM todos');
    saw('inside', ...one('SELECT count(*) FROM todos'));
    run('ROLLBACK');
    saw('after', ...one('SELECT count(*) FROM todos'));
});

$case('unique_violation', function () use ($db) {
    pg_send_query($db, "INSERT INTO todos (title) VALUES ('title 2')");
    $result = pg_get_result($db);
    pg_get_result($db);
    $fields = [PGSQL_DIAG_SQLSTATE, PGSQL_DIAG_SCHEMA_NAME, PGSQL_DIAG_TABLE_NAME, PGSQL_DIAG_CONSTRAINT_NAME, PGSQL_DIAG_MESSAGE_PRIMARY];
    saw(...array_map(fn ($field) => pg_result_error_field($result, $field), $fields));
    saw('usable', ...one('SELECT 1'));
    run('BEGIN');
    refused(fn () => run("INSERT INTO todos (title) VALUES ('title 2')"));
    refused(fn () => run('SELECT 1'));
    run('ROLLBACK');
});

$case('prepared', function () use ($db) {
    checked($db, pg_prepare($db, 'by_n', 'SELECT title FROM public.todos WHERE n = $1'));
    foreach ([2, 30, 40, 7] as $n) {
        saw($n, pg_fetch_row(checked($db, pg_execute($db, 'by_n', [$n]))) ?: 'none');
    }
    run('DEALLOCATE by_n');
    pg_send_execute($db, 'by_n', [2]);
    refused(function () use ($db) {
        $result = pg_get_result($db);
        pg_get_result($db);
        checked($db, $result);
    });
});

$case('null', fn () => saw(...one('SELECT $1::text, $2::int IS NULL, note FROM todos LIMIT 1', [null, null])));

$case('arrays', function () {
    saw(...one('SELECT $1::int[], ($2::text[])[2], array_length($2::text[], 1)', ['{1,2,NULL}', '{a,"b, \"c\"",ü}']));
});

foreach (ROUND_TRIPS as $type => $values) {
    $case($type, function () use ($type, $values) {
        run("SET TIME ZONE 'UTC'");
        foreach ($values as $value) {
            [$back] = one("SELECT $1::$type", [$value]);
            saw($back, ...one("SELECT $1::$type = $2::$type", [$value, $back]));
        }
    });
}

$case('bytea', function () use ($db) {
    $bytes = implode('', array_map(chr(...), range(0, 255)));
    run('INSERT INTO items (id, b) VALUES (1, $1)', [pg_escape_bytea($db, $bytes)]);
    run("UPDATE items SET b = b || '" . pg_escape_bytea($db, $bytes) . "' WHERE id = 1");
    [$back] = one('SELECT b FROM items WHERE id = 1');
    $back = pg_unescape_bytea($back);
    saw(strlen($back), hash('sha256', $back), same($back, $bytes . $bytes));
});

$case('introspection', function () {
    $tables = "SELECT table_schema, table_name FROM information_schema.tables
               WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2";
    saw(pg_fetch_all(run($tables), PGSQL_NUM));
    $columns = 'SELECT column_name, data_type, is_nullable, column_default FROM information_schema.columns
                WHERE table_schema = $1 AND table_name = $2 ORDER BY ordinal_position';
    saw(pg_fetch_all(run($columns, ['public', 'todos']), PGSQL_NUM));
    saw(...one('SELECT current_schema()'));
});

$case('schemas', fn () => saw(...one('SELECT current_schemas(false)')));

$case('rows_100000', function () {
    $result = run("SELECT g, 'row ' || g FROM generate_series(1, 100000) g");
    $sum = 0;
    $digest = hash_init('sha256');
    while ($row = pg_fetch_row($result)) {
        $sum += $row[0];
        hash_update($digest, $row[1]);
    }
    saw(pg_num_rows($result), $sum, hash_final($digest));
});

$case('parameter_5mb', function () {
    $text = str_repeat('abcdefghij', 524_288);
    run('INSERT INTO items (id, t) VALUES (2, $1)', [$text]);
    [$back, $length] = one('SELECT t, length(t) FROM items WHERE id = 2');
    saw($length, hash('sha256', $back), same($back, $text));
});

$case('cursor', function () {
    run('BEGIN; DECLARE page NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 2500) g');
    $fetches = $sum = 0;
    while ($rows = pg_fetch_all_columns(run('FETCH 1000 FROM page'))) {
        $fetches++;
        $sum += array_sum($rows);
    }
    run('COMMIT');
    saw($fetches, $sum);
});

$case('statement_timeout', function () {
    run('SET statement_timeout = 100');
    refused(fn () => run('SELECT pg_sleep(20)'));
    run('RESET statement_timeout');
    saw('usable', ...one('SHOW statement_timeout'));
});

$case('cancel', function () use ($db) {
    pg_send_query($db, 'SELECT pg_sleep(20)');
    usleep(100_000);
    saw(pg_connection_busy($db), pg_cancel_query($db), pg_connection_busy($db));
    saw('usable', ...one('SELECT 1'));
});

$case('savepoint', function () {
    run('BEGIN');
    run("INSERT INTO todos (title) VALUES ('kept')");
    run('SAVEPOINT one');
    refused(fn () => run("INSERT INTO todos (title) VALUES ('kept')"));
    run('ROLLBACK TO SAVEPOINT one; RELEASE one');
    run("INSERT INTO todos (title) VALUES ('kept too')");
    run('COMMIT');
    saw(...one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"));
});

$case('pool', function () {
    $all = array_map(fn () => connected(), range(1, 10));
    foreach ($all as $n => $each) {
        run('BEGIN', [], $each);
        run('INSERT INTO items (id) VALUES ($1)', [1000 + $n], $each);
    }
    saw(...array_map(fn ($each) => one('SELECT count(*) FROM items WHERE id >= 1000', [], $each)[0], $all));
    foreach ($all as $each) {
        run('COMMIT', [], $each);
    }
    saw(...one('SELECT count(*) FROM items WHERE id >= 1000'));
    saw(...array_map(fn ($each) => pg_ping($each) && pg_connection_reset($each), $all));
    array_map(pg_close(...), $all);
});

$case('notify', function () use ($db) {
    run('LISTEN news');
    $other = connected();
    run("NOTIFY news, 'good news'", [], $other);
    for ($i = 0; $i < 250 && !($note = pg_get_notify($db)); $i++) {
        usleep(20_000);
    }
    saw($note['message'] ?? 'nothing', $note['payload'] ?? '');
    run('UNLISTEN *');
});

$case('advisory_lock', function () {
    $other = connected();
    saw(...one('SELECT pg_try_advisory_lock(11)'), ...one('SELECT pg_try_advisory_lock(11)', [], $other));
    saw(...one('SELECT pg_advisory_unlock(11)'), ...one('SELECT pg_try_advisory_lock(11)', [], $other));
    pg_close($other);
});

$case('temp_table', function () {
    run('CREATE TEMP TABLE scratch (n int)');
    run('INSERT INTO scratch SELECT generate_series(1, 10)');
    saw(...one('SELECT sum(n) FROM scratch'));
    run('DROP TABLE scratch');
});

$case('copy', function () use ($db) {
    pg_query($db, 'COPY public.items (id, t) FROM STDIN');
    foreach (range(100, 199) as $n) {
        pg_put_line($db, "$n\tcopied $n\n");
    }
    saw(pg_end_copy($db));
    saw(count(pg_copy_to($db, '(SELECT id, t FROM items WHERE id BETWEEN 100 AND 199)')));
    saw(@pg_copy_from($db, 'items', ["not a number\n"]));
    saw('usable', ...one('SELECT count(*) FROM items WHERE id BETWEEN 100 AND 199'));
});

$case('large_object', function () use ($db) {
    run('BEGIN');
    $id = pg_lo_create($db);
    $object = pg_lo_open($db, $id, 'w+');
    saw('written', pg_lo_write($object, implode('', array_map(fn ($n) => chr($n % 251), range(1, 100_000)))));
    pg_lo_seek($object, 50_000, PGSQL_SEEK_SET);
    saw('read', hash('sha256', pg_lo_read($object, 1000)), 'at', pg_lo_tell($object));
    saw(pg_lo_truncate($object, 10), pg_lo_close($object), ...one('SELECT length(lo_get($1))', [$id]));
    pg_lo_unlink($db, $id);
    run('COMMIT');
});

$case('migrate', function () {
    run('BEGIN; CREATE TABLE IF NOT EXISTS public.versions (n int PRIMARY KEY); ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false; INSERT INTO versions VALUES (2); COMMIT');
    saw(array_keys(pg_fetch_assoc(run('SELECT * FROM todos LIMIT 1'))), ...one('SELECT max(n) FROM public.versions'));
});
