# Perl's DBI on DBD::Pg through its cases: libpq's environment says where, standard output what was seen.
use strict;
use warnings;
use utf8;
use DBI qw(:sql_types);
use DBD::Pg qw(:pg_types :async);
use Digest::SHA qw(sha256_hex);

binmode STDOUT, ':encoding(UTF-8)';
$| = 1;

sub connected {
    my %more = @_;
    return DBI->connect('dbi:Pg:', undef, undef,
        { RaiseError => 1, PrintError => 0, PrintWarn => 0, AutoCommit => 1, pg_enable_utf8 => 1, %more });
}

my $dbh = connected();
my $case;
sub saw { print "$case: ", join(' ', map { defined ? $_ : 'NULL' } @_), "\n" }

# The first line of an error: DBD::Pg's message has where in this file it was, too.
sub failure {
    my ($handle) = @_;
    my ($said) = split /\n/, $handle->errstr // $@;
    return ($handle->state || 'no SQLSTATE', $said);
}

sub case {
    my ($name, $run) = @_;
    $case = $name;
    return if eval { $run->(); 1 };
    my ($said) = split /\n/, $@;
    $said =~ s/ at \S+ line \d+\.?$//;
    saw('ERROR', $dbh->state || 'none', $said);
    eval { $dbh->rollback } unless $dbh->{AutoCommit};
    $dbh->{AutoCommit} = 1;
}

sub one { return $dbh->selectrow_array(@_) }

sub create {
    $dbh->do('CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int)');
    $dbh->do('CREATE TABLE items (id int PRIMARY KEY, todo int REFERENCES public.todos, b bytea, t text)');
    $dbh->do('CREATE VIEW public.titles AS SELECT title FROM todos');
    saw(one(q{SELECT count(*) FROM pg_tables WHERE schemaname = 'public'}));
}

sub crud {
    $dbh->begin_work;
    my $insert = $dbh->prepare('INSERT INTO todos (title, n) VALUES (?, ?) RETURNING id');
    for my $n (1 .. 5) {
        $insert->execute("title $n", $n);
        saw('id', $insert->fetchrow_array);
    }
    saw('updated', $dbh->do('UPDATE public.todos SET n = n * 10 WHERE n > ?', undef, 2));
    saw('deleted', $dbh->do('DELETE FROM todos WHERE n = 1'));
    $dbh->commit;
    saw(map { "$_->{title}=$_->{n}" } @{ $dbh->selectall_arrayref('SELECT title, n FROM todos ORDER BY id', { Slice => {} }) });
    $dbh->do(q{INSERT INTO todos (title) VALUES ('last')});
    saw('last id', $dbh->last_insert_id(undef, 'public', 'todos', undef));
}

sub rollback {
    $dbh->{AutoCommit} = 0;
    $dbh->do('DELETE FROM todos');
    saw('inside', one('SELECT count(*) FROM todos'));
    $dbh->rollback;
    $dbh->{AutoCommit} = 1;
    saw('after', one('SELECT count(*) FROM todos'));
}

sub unique_violation {
    eval { $dbh->do(q{INSERT INTO todos (title) VALUES ('last')}) };
    saw(failure($dbh));
    saw(map { $dbh->pg_error_field($_) } qw(schema table constraint));
    saw('usable', one('SELECT 1'));
    $dbh->begin_work;
    eval { $dbh->do(q{INSERT INTO todos (title) VALUES ('last')}) };
    eval { $dbh->do('SELECT 1') };
    saw(failure($dbh));
    $dbh->rollback;
    saw('usable', one('SELECT 2'));
}

sub prepared {
    for my $at_server (0, 1) {
        my $handle = $dbh->prepare('SELECT title FROM public.todos WHERE n = ?',
            { pg_server_prepare => $at_server, pg_switch_prepared => 1 });
        for my $n (20, 30, 40, 20) {
            $handle->execute($n);
            saw($at_server ? 'server' : 'client', $handle->fetchrow_array);
        }
    }
    my $handle = $dbh->prepare('SELECT * FROM todos WHERE n = $1', { pg_prepare_now => 1 });
    saw('parameters', $handle->{NUM_OF_PARAMS});
}

sub null {
    saw(one('SELECT ?::text, ?::int IS NULL, note FROM todos LIMIT 1', undef, undef, undef));
}

sub arrays {
    my ($numbers, $words) = one('SELECT ?::int[], ?::text[]', undef, [1, 2, undef], ['a', 'b, "c"', "ü"]);
    saw(map { defined ? $_ : 'NULL' } @$numbers, @$words);
    my ($deep) = one(q{SELECT '{{1,2},{3,4}}'::int[]});
    saw(join ';', map { join ',', @$_ } @$deep);
}

sub values_round {
    my ($type, @values) = @_;
    for my $value (@values) {
        my ($back) = one("SELECT ?::$type", undef, $value);
        saw($back, one("SELECT ?::$type = ?::$type", undef, $value, $back));
    }
}

sub bytea {
    my $bytes = join '', map { chr } 0 .. 255;
    my $insert = $dbh->prepare('INSERT INTO items (id, b) VALUES (1, ?)');
    $insert->bind_param(1, $bytes, { pg_type => PG_BYTEA });
    $insert->execute;
    my ($back) = one('SELECT b FROM items WHERE id = 1');
    saw(length $back, sha256_hex($back), $back eq $bytes ? 'same' : 'other');
}

sub introspection {
    my @mine = (undef, 'public', '%');
    saw(join '|', map { $_ // '' } @{$_}[1 .. 3]) for @{ $dbh->table_info(@mine, 'TABLE,VIEW')->fetchall_arrayref };
    saw(join '|', map { $_ // '' } @{$_}[1, 2, 3, 5, 10, 12]) for @{ $dbh->column_info(undef, 'public', 'todos', '%')->fetchall_arrayref };
    saw('key', $dbh->primary_key(undef, 'public', 'todos'));
    saw('foreign', map { $_ // '' } @{$_}[1, 2, 3, 5, 6, 7]) for @{ $dbh->foreign_key_info(undef, 'public', 'todos', undef, 'public', 'items')->fetchall_arrayref };
    saw('index', map { $_ // '' } @{$_}[1, 2, 4, 5, 8]) for @{ $dbh->statistics_info(undef, 'public', 'todos', 1, 1)->fetchall_arrayref };
    saw('tables', sort grep { !/pg_catalog|information_schema/ } $dbh->tables(undef, undef, '%', 'TABLE'));
}

sub schemas {
    my @schemas = map { $_->[1] } @{ $dbh->table_info('', '%', '')->fetchall_arrayref };
    saw(sort grep { !/^pg_|^information_schema/ } @schemas);
}

sub rows_100000 {
    my $handle = $dbh->prepare(q{SELECT g, 'row ' || g FROM generate_series(1, 100000) g});
    $handle->execute;
    my ($count, $sum, $digest) = (0, 0, Digest::SHA->new(256));
    while (my $row = $handle->fetchrow_arrayref) {
        $count++;
        $sum += $row->[0];
        $digest->add($row->[1]);
    }
    saw($count, $sum, $digest->hexdigest);
}

sub parameter_5mb {
    my $text = 'abcdefghij' x 524_288;
    $dbh->do('INSERT INTO items (id, t) VALUES (2, ?)', undef, $text);
    my ($back, $length) = one('SELECT t, length(t) FROM items WHERE id = 2');
    saw($length, sha256_hex($back), $back eq $text ? 'same' : 'other');
}

sub cursor {
    $dbh->begin_work;
    $dbh->do('DECLARE page NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 2500) g');
    my ($fetches, $sum) = (0, 0);
    while (my @rows = @{ $dbh->selectcol_arrayref('FETCH 1000 FROM page') }) {
        $fetches++;
        $sum += $_ for @rows;
    }
    $dbh->commit;
    saw($fetches, $sum);
}

sub statement_timeout {
    $dbh->do('SET statement_timeout = 100');
    eval { $dbh->do('SELECT pg_sleep(20)') };
    saw(failure($dbh));
    $dbh->do('RESET statement_timeout');
    saw('usable', one('SHOW statement_timeout'));
}

sub asynchronous {
    $dbh->do('SELECT pg_sleep(0.05), 7', { pg_async => PG_ASYNC });
    saw('result', $dbh->pg_result);
    my $handle = $dbh->prepare('SELECT 42', { pg_async => PG_ASYNC });
    $handle->execute;
    select undef, undef, undef, 0.01 until $dbh->pg_ready;
    $handle->pg_result;
    saw('later', $handle->fetchrow_array);
}

sub cancel {
    my $handle = $dbh->prepare('SELECT pg_sleep(20)', { pg_async => PG_ASYNC });
    $handle->execute;
    # A cancel goes by a connection of its own, and may be there before the query.
    select undef, undef, undef, 0.3;
    saw('cancelled', $handle->pg_cancel ? 'yes' : 'no', $handle->state);
    saw('usable', one('SELECT 1'));
}

sub savepoint {
    $dbh->begin_work;
    $dbh->do(q{INSERT INTO todos (title) VALUES ('kept')});
    $dbh->pg_savepoint('one');
    eval { $dbh->do(q{INSERT INTO todos (title) VALUES ('kept')}) };
    saw($dbh->state);
    $dbh->pg_rollback_to('one');
    $dbh->do(q{INSERT INTO todos (title) VALUES ('kept too')});
    $dbh->pg_release('one');
    $dbh->commit;
    saw(one(q{SELECT count(*) FROM todos WHERE title LIKE 'kept%'}));
}

sub pool {
    my @all = map { connected() } 1 .. 10;
    saw(map { $_->selectrow_array('SELECT count(*) FROM todos') } @all);
    $_->begin_work for @all;
    $all[$_]->do('INSERT INTO items (id) VALUES (?)', undef, 1000 + $_) for 0 .. 9;
    $_->commit for @all;
    saw('written', one('SELECT count(*) FROM items WHERE id >= 1000'));
    saw('ping', map { $_->ping } @all);
    $_->disconnect for @all;
}

sub notify {
    my $other = connected();
    $dbh->do('LISTEN news');
    $other->do(q{NOTIFY news, 'good news'});
    my $note;
    for (1 .. 200) {
        last if $note = $dbh->pg_notifies;
        select undef, undef, undef, 0.02;
    }
    saw($note ? @{$note}[0, 2] : 'nothing');
    $dbh->do('UNLISTEN *');
    $other->disconnect;
}

sub advisory_lock {
    my $other = connected();
    saw(one('SELECT pg_try_advisory_lock(11)'), $other->selectrow_array('SELECT pg_try_advisory_lock(11)'));
    saw(one('SELECT pg_advisory_unlock(11)'), $other->selectrow_array('SELECT pg_try_advisory_lock(11)'));
    $other->disconnect;
}

sub temp_table {
    $dbh->do('CREATE TEMP TABLE scratch (n int)');
    $dbh->do('INSERT INTO scratch SELECT generate_series(1, 10)');
    saw(one('SELECT sum(n) FROM scratch'));
    $dbh->do('DROP TABLE scratch');
}

sub copy {
    $dbh->do('COPY public.items (id, t) FROM STDIN');
    $dbh->pg_putcopydata("$_\tcopied $_\n") for 100 .. 199;
    $dbh->pg_putcopyend;
    $dbh->do('COPY (SELECT id, t FROM items WHERE id BETWEEN 100 AND 199 ORDER BY id) TO STDOUT');
    my ($count, $line, $digest) = (0, '', Digest::SHA->new(256));
    while ($dbh->pg_getcopydata(\$line) >= 0) {
        $count++;
        $digest->add($line);
    }
    saw($count, $digest->hexdigest);
    $dbh->do('COPY items (id) FROM STDIN');
    $dbh->pg_putcopydata("not a number\n");
    eval { $dbh->pg_putcopyend };
    saw(failure($dbh));
    saw('usable', one('SELECT count(*) FROM items WHERE id BETWEEN 100 AND 199'));
}

sub large_object {
    $dbh->begin_work;
    my $id = $dbh->pg_lo_creat($dbh->{pg_INV_WRITE} | $dbh->{pg_INV_READ});
    my $fd = $dbh->pg_lo_open($id, $dbh->{pg_INV_WRITE});
    my $bytes = join '', map { chr($_ % 251) } 1 .. 100_000;
    saw('written', $dbh->pg_lo_write($fd, $bytes, length $bytes));
    $dbh->pg_lo_close($fd);
    $fd = $dbh->pg_lo_open($id, $dbh->{pg_INV_READ});
    $dbh->pg_lo_lseek($fd, 50_000, 0);
    my $read = '';
    saw('read', $dbh->pg_lo_read($fd, $read, 1000), sha256_hex($read), 'at', $dbh->pg_lo_tell($fd));
    saw('gone', $dbh->pg_lo_unlink($id));
    $dbh->commit;
}

sub migrate {
    $dbh->begin_work;
    $dbh->do('CREATE TABLE IF NOT EXISTS public.versions (n int PRIMARY KEY)');
    $dbh->do('ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false');
    $dbh->do('INSERT INTO versions VALUES (2)');
    $dbh->commit;
    my @columns = map { $_->[3] } @{ $dbh->column_info(undef, 'public', 'todos', '%')->fetchall_arrayref };
    saw(@columns, one('SELECT max(n) FROM public.versions'));
}

print "client: DBD::Pg $DBD::Pg::VERSION\n";
case(create => \&create);
case(crud => \&crud);
case(rollback => \&rollback);
case(unique_violation => \&unique_violation);
case(prepared => \&prepared);
case(null => \&null);
case(arrays => \&arrays);
case(jsonb => sub { values_round('jsonb', '{"b": [1, null, "public"], "a": {"ü": 1.50}}') });
case(timestamptz => sub { $dbh->do(q{SET TIME ZONE 'UTC'}); values_round('timestamptz', '2026-03-01 12:34:56.789012+02', 'infinity') });
case(numeric => sub { values_round('numeric', '12345678901234567890.123456789', 'NaN', '-0.00') });
case(bytea => \&bytea);
case(uuid => sub { values_round('uuid', '6ba7b810-9dad-11d1-80b4-00c04fd430c8') });
case(introspection => \&introspection);
case(schemas => \&schemas);
case(rows_100000 => \&rows_100000);
case(parameter_5mb => \&parameter_5mb);
case(cursor => \&cursor);
case(statement_timeout => \&statement_timeout);
case(asynchronous => \&asynchronous);
case(cancel => \&cancel);
case(savepoint => \&savepoint);
case(pool => \&pool);
case(notify => \&notify);
case(advisory_lock => \&advisory_lock);
case(temp_table => \&temp_table);
case(copy => \&copy);
case(large_object => \&large_object);
case(migrate => \&migrate);
$dbh->disconnect;
