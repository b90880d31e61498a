<?php
// PDO_pgsql through its cases, with prepares of the server's and emulated: libpq's environment says where.

require __DIR__ . '/cases.php';

function connected(array $options = []): PDO
{
    $dsn = sprintf('pgsql:host=%s;port=%s;dbname=%s', getenv('PGHOST'), getenv('PGPORT'), getenv('PGDATABASE'));
    $options += [PDO::ATTR_ERRMODE => PDO::ERRMODE_EXCEPTION, PDO::ATTR_DEFAULT_FETCH_MODE => PDO::FETCH_NUM];
    return new PDO($dsn, getenv('PGUSER'), getenv('PGPASSWORD'), $options);
}

function run(string $sql, array $values = [], ?PDO $on = null, array $options = []): PDOStatement
{
    global $db;
    $statement = ($on ?? $db)->prepare($sql, $options);
    $statement->execute($values);
    return $statement;
}

function one(string $sql, array $values = [], ?PDO $on = null): array
{
    return run($sql, $values, $on)->fetch() ?: [];
}

$db = connected();
$tidy = function () use ($db) {
    if ($db->inTransaction()) {
        $db->rollBack();
    }
};
$case = fn (string $name, callable $run) => in_case($name, $run, $tidy);

echo 'client: PDO_pgsql ', phpversion('pdo_pgsql'), "\n";

$case('create', function () use ($db) {
    $db->exec('CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int, ok boolean)');
    $db->exec('CREATE TABLE items (id int PRIMARY KEY, b bytea, t text)');
    saw(...one("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"));
});

$case('crud', function () use ($db) {
    $db->beginTransaction();
    $insert = $db->prepare('INSERT INTO todos (title, n, ok) VALUES (:title, :n, :ok)');
    foreach (range(1, 5) as $n) {
        $insert->bindValue(':title', "title $n");
        $insert->bindValue(':n', $n, PDO::PARAM_INT);
        $insert->bindValue(':ok', $n % 2 === 0, PDO::PARAM_BOOL);
        $insert->execute();
        saw('id', $db->lastInsertId(), $db->lastInsertId('public.todos_id_seq'));
    }
    saw('updated', run('UPDATE public.todos SET n = n * 10 WHERE n > ?', [2])->rowCount());
    saw('deleted', $db->exec('DELETE FROM todos WHERE n = 1'));
    $db->commit();
    saw($db->query('SELECT title, n, ok FROM todos ORDER BY id')->fetchAll());
});

$case('rollback', function () use ($db) {
    $db->beginTransaction();
    $db->exec('DELETE FROM todos');
    saw('inside', ...one('SELECT count(*) FROM todos'));
    $db->rollBack();
    saw('after', ...one('SELECT count(*) FROM todos'));
});

$case('unique_violation', function () use ($db) {
    refused(fn () => run('INSERT INTO todos (title) VALUES (?)', ['title 2']));
    saw('usable', ...one('SELECT 1'));
    $db->beginTransaction();
    refused(fn () => $db->exec("INSERT INTO todos (title) VALUES ('title 2')"));
    refused(fn () => run('SELECT 1'));
    $db->rollBack();
});

foreach (['prepared' => [], 'emulated' => [PDO::ATTR_EMULATE_PREPARES => true], 'not_prepared' => [PDO::PGSQL_ATTR_DISABLE_PREPARES => true]] as $name => $options) {
    $case($name, function () use ($db, $options) {
        $by = $db->prepare('SELECT title FROM public.todos WHERE n = :n OR title = :title', $options);
        foreach ([[2, ''], [30, 'public'], [7, "it's"], [0, 'title 4']] as [$n, $title]) {
            $by->execute(['n' => $n, 'title' => $title]);
            saw($n, $title, $by->fetchAll(PDO::FETCH_COLUMN));
        }
        $look_up = $db->prepare('SELECT table_name FROM information_schema.tables WHERE table_schema = ? ORDER BY 1', $options);
        $look_up->execute(['public']);
        saw($look_up->fetchAll(PDO::FETCH_COLUMN));
        $other = $db->prepare('SELECT ?::text', $options);
        $other->execute(['public']);
        saw($other->fetchColumn());
        refused(fn () => run('SELECT nothing FROM todos WHERE n = ?', [1], null, $options));
    });
}

$case('null', function () {
    saw(...one('SELECT ?::text, ?::int IS NULL, note FROM todos LIMIT 1', [null, null]));
});

$case('arrays', function () {
    saw(...one('SELECT ?::int[], (?::text[])[2]', ['{1,2,NULL}', '{a,"b, \"c\"",ü}']));
});

foreach (ROUND_TRIPS as $type => $values) {
    $case($type, function () use ($db, $type, $values) {
        $db->exec("SET TIME ZONE 'UTC'");
        foreach ($values as $value) {
            [$back] = one("SELECT ?::$type", [$value]);
            saw($back, ...one("SELECT ?::$type = ?::$type", [$value, $back]));
        }
    });
}

$case('bytea', function () use ($db) {
    $bytes = implode('', array_map(chr(...), range(0, 255)));
    $insert = $db->prepare('INSERT INTO items (id, b) VALUES (1, ?)');
    $insert->bindParam(1, $bytes, PDO::PARAM_LOB);
    $insert->execute();
    $read = $db->query('SELECT b FROM items WHERE id = 1');
    $read->bindColumn(1, $stream, PDO::PARAM_LOB);
    $read->fetch(PDO::FETCH_BOUND);
    $back = stream_get_contents($stream);
    saw(strlen($back), hash('sha256', $back), same($back, $bytes));
});

$case('introspection', function () use ($db) {
    $tables = "SELECT table_schema, table_name FROM information_schema.tables
               WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2";
    saw($db->query($tables)->fetchAll());
    $read = $db->query('SELECT * FROM todos LIMIT 1');
    foreach (range(0, $read->columnCount() - 1) as $n) {
        $meta = $read->getColumnMeta($n);
        saw($meta['name'], $meta['native_type'], $meta['table'], $meta['pdo_type']);
    }
    saw($db->getAttribute(PDO::ATTR_DRIVER_NAME), ...one('SELECT current_schema()'));
});

$case('schemas', fn () => saw(...one('SELECT current_schemas(false)')));

$case('rows_100000', function () use ($db) {
    $read = $db->query("SELECT g, 'row ' || g FROM generate_series(1, 100000) g");
    $count = $sum = 0;
    $digest = hash_init('sha256');
    foreach ($read as [$number, $text]) {
        $count++;
        $sum += $number;
        hash_update($digest, $text);
    }
    saw($count, $sum, hash_final($digest));
});

$case('parameter_5mb', function () {
    $text = str_repeat('abcdefghij', 524_288);
    run('INSERT INTO items (id, t) VALUES (?, ?)', [2, $text]);
    [$back, $length] = one('SELECT t, length(t) FROM items WHERE id = 2');
    saw($length, hash('sha256', $back), same($back, $text));
});

$case('cursor', function () use ($db) {
    $db->beginTransaction();
    $scroll = run('SELECT g FROM generate_series(1, 2500) g', [], null, [PDO::ATTR_CURSOR => PDO::CURSOR_SCROLL]);
    saw($scroll->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_LAST), $scroll->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_ABS, 7), $scroll->fetch(PDO::FETCH_NUM, PDO::FETCH_ORI_PRIOR));
    $scroll->closeCursor();
    $db->commit();
});

$case('statement_timeout', function () use ($db) {
    $db->exec('SET statement_timeout = 100');
    refused(fn () => $db->query('SELECT pg_sleep(20)'));
    $db->exec('RESET statement_timeout');
    saw('usable', ...one('SHOW statement_timeout'));
});

$case('savepoint', function () use ($db) {
    $db->beginTransaction();
    run('INSERT INTO todos (title) VALUES (?)', ['kept']);
    $db->exec('SAVEPOINT one');
    refused(fn () => run('INSERT INTO todos (title) VALUES (?)', ['kept']));
    $db->exec('ROLLBACK TO SAVEPOINT one');
    run('INSERT INTO todos (title) VALUES (?)', ['kept too']);
    $db->commit();
    saw(...one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"));
});

$case('pool', function () {
    $all = array_map(fn () => connected([PDO::ATTR_PERSISTENT => false]), range(1, 10));
    foreach ($all as $n => $each) {
        $each->beginTransaction();
        run('INSERT INTO items (id) VALUES (?)', [1000 + $n], $each);
    }
    saw(...array_map(fn ($each) => one('SELECT count(*) FROM items WHERE id >= 1000', [], $each)[0], $all));
    array_map(fn ($each) => $each->commit(), $all);
    saw(...one('SELECT count(*) FROM items WHERE id >= 1000'));
});

$case('notify', function () use ($db) {
    $db->exec('LISTEN news');
    connected()->exec("NOTIFY news, 'good news'");
    $note = $db->pgsqlGetNotify(PDO::FETCH_ASSOC, 5000);
    saw($note['message'] ?? 'nothing', $note['payload'] ?? '');
    $db->exec('UNLISTEN *');
});

$case('advisory_lock', function () {
    $other = connected();
    saw(...one('SELECT pg_try_advisory_lock(11)'), ...one('SELECT pg_try_advisory_lock(11)', [], $other));
    saw(...one('SELECT pg_advisory_unlock(11)'), ...one('SELECT pg_try_advisory_lock(11)', [], $other));
});

$case('temp_table', function () use ($db) {
    $db->exec('CREATE TEMP TABLE scratch (n int)');
    run('INSERT INTO scratch SELECT generate_series(1, ?::int)', [10]);
    saw(...one('SELECT sum(n) FROM scratch'));
    $db->exec('DROP TABLE scratch');
});

$case('copy', function () use ($db) {
    saw($db->pgsqlCopyFromArray('public.items', array_map(fn ($n) => "$n\tcopied $n\n", range(100, 199)), "\t", '\\N', 'id,t'));
    saw(hash('sha256', implode('', $db->pgsqlCopyToArray('items', ',', 'none', 'id,t') ?: [])));
    file_put_contents('rows.csv', "200,from a file\n201,none\n");
    saw($db->pgsqlCopyFromFile('items', 'rows.csv', ',', 'none', 'id,t'), $db->pgsqlCopyToFile('items', 'all.csv', ',', 'none', 'id'));
    saw(count(file('all.csv')));
    refused(fn () => $db->pgsqlCopyFromArray('items', ["not a number\n"], "\t", '\\N', 'id'));
    saw('usable', ...one('SELECT count(*), count(t) FROM items WHERE id >= 100'));
});

$case('large_object', function () use ($db) {
    $db->beginTransaction();
    $id = $db->pgsqlLOBCreate();
    $stream = $db->pgsqlLOBOpen($id, 'w+');
    saw('written', fwrite($stream, implode('', array_map(fn ($n) => chr($n % 251), range(1, 100_000)))));
    fseek($stream, 50_000);
    saw('read', hash('sha256', fread($stream, 1000)));
    fclose($stream);
    saw(...one('SELECT length(lo_get(?))', [$id]));
    saw($db->pgsqlLOBUnlink($id));
    $db->commit();
});

$case('migrate', function () use ($db) {
    $db->beginTransaction();
    $db->exec('CREATE TABLE IF NOT EXISTS public.versions (n int PRIMARY KEY); ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false');
    run('INSERT INTO versions VALUES (?)', [2]);
    $db->commit();
    saw($db->query('SELECT * FROM todos LIMIT 1')->columnCount(), ...one('SELECT max(n) FROM public.versions'));
});
