# Ruby's pg through its cases: libpq's environment says where, standard output what was seen.
require 'pg'
require 'digest'

$stdout.sync = true

def connected
  PG.connect
end

CONNECTION = connected
CONNECTION.set_notice_receiver { |_| }
TYPED = PG::BasicTypeMapForResults.new(CONNECTION)

def saw(*values)
  puts "#{@case}: #{values.map { |value| value.nil? ? 'NULL' : value.to_s }.join(' ')}"
end

def failure(error)
  result = error.respond_to?(:result) ? error.result : nil
  state = result&.error_field(PG::Result::PG_DIAG_SQLSTATE) || error.class.name
  [state, error.message.lines.first.to_s.strip]
end

def in_case(name)
  @case = name
  yield CONNECTION
rescue PG::Error, RuntimeError, NoMethodError => error
  saw 'ERROR', *failure(error)
  CONNECTION.exec('ROLLBACK') unless CONNECTION.transaction_status == PG::PQTRANS_IDLE
end

def one(sql, values = [], connection = CONNECTION)
  connection.exec_params(sql, values).values.first
end

def refused
  yield
  saw 'not refused'
rescue PG::Error => error
  saw(*failure(error))
end

def same(back, value)
  back == value ? 'same' : 'other'
end

puts "client: ruby-pg #{PG::VERSION}"

in_case 'create' do |c|
  c.exec('CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int)')
  c.exec('CREATE TABLE items (id int PRIMARY KEY, b bytea, t text)')
  saw one("SELECT count(*) FROM pg_tables WHERE schemaname = 'public'").first
end

in_case 'crud' do |c|
  c.transaction do
    (1..5).each { |n| saw 'id', *one('INSERT INTO todos (title, n) VALUES ($1, $2) RETURNING id', ["title #{n}", n]) }
    saw 'updated', c.exec_params('UPDATE public.todos SET n = n * 10 WHERE n > $1', [2]).cmd_tuples
    saw 'deleted', c.exec('DELETE FROM todos WHERE n = 1').cmd_status
  end
  saw(*c.exec('SELECT title, n FROM todos ORDER BY id').map { |row| row.values.join('=') })
end

in_case 'rollback' do |c|
  begin
    c.transaction do
      c.exec('DELETE FROM todos')
      saw 'inside', *one('SELECT count(*) FROM todos')
      raise 'not after all'
    end
  rescue RuntimeError => error
    saw error.message
  end
  saw 'after', *one('SELECT count(*) FROM todos')
end

in_case 'unique_violation' do |c|
  begin
    c.exec("INSERT INTO todos (title) VALUES ('title 2')")
  rescue PG::UniqueViolation => error
    fields = [PG::PG_DIAG_SCHEMA_NAME, PG::PG_DIAG_TABLE_NAME, PG::PG_DIAG_CONSTRAINT_NAME]
    saw(*failure(error), *fields.map { |field| error.result.error_field(field) })
  end
  saw 'usable', *one('SELECT 1')
  c.exec('BEGIN')
  refused { c.exec("INSERT INTO todos (title) VALUES ('title 2')") }
  refused { c.exec('SELECT 1') }
  c.exec('ROLLBACK')
end

in_case 'prepared' do |c|
  c.prepare('by_n', 'SELECT title FROM public.todos WHERE n = $1')
  [2, 30, 40, 7].each { |n| saw n, c.exec_prepared('by_n', [n]).values.flatten.first }
  described = c.describe_prepared('by_n')
  saw 'parameters', described.nparams, described.paramtype(0), 'columns', *described.fields
  refused { c.prepare('by_n', 'SELECT 1') }
  c.exec('DEALLOCATE by_n')
  refused { c.exec_prepared('by_n', [2]) }
end

in_case 'binary' do |c|
  number = { value: [258].pack('N'), format: 1, type: 23 }
  text = { value: 'as it is', format: 1, type: 25 }
  result = c.exec_params('SELECT $1 + 1, $2, true, NULL::int', [number, text], 1)
  saw result.getvalue(0, 0).unpack1('N'), result.getvalue(0, 1), result.getvalue(0, 2).unpack1('C'), result.getvalue(0, 3)
end

in_case 'null' do |c|
  saw(*one('SELECT $1::text, $1::int IS NULL, note FROM todos LIMIT 1', [nil]))
end

in_case 'arrays' do |c|
  encoder = PG::TextEncoder::Array.new(elements_type: PG::TextEncoder::String.new)
  value = encoder.encode(['a', 'b, "c"', nil, 'ü'])
  result = c.exec_params('SELECT $1::text[], ARRAY[1, 2, NULL]', [value])
  result.type_map = TYPED
  saw result.values.first.inspect
end

{ 'jsonb' => ['{"b": [1, null, "public"], "a": {"ü": 1.50}}'],
  'timestamptz' => ['2026-03-01 12:34:56.789012+02', 'infinity'],
  'numeric' => ['12345678901234567890.123456789', 'NaN', '-0.00'],
  'uuid' => ['6ba7b810-9dad-11d1-80b4-00c04fd430c8'] }.each do |type, values|
  in_case type do |c|
    c.exec("SET TIME ZONE 'UTC'")
    values.each do |value|
      back = one("SELECT $1::#{type}", [value]).first
      saw back, *one("SELECT $1::#{type} = $2::#{type}", [value, back])
    end
  end
end

in_case 'bytea' do |c|
  bytes = (0..255).to_a.pack('C*')
  c.exec_params('INSERT INTO items (id, b) VALUES (1, $1)', [{ value: bytes, format: 1 }])
  back = c.exec_params('SELECT b FROM items WHERE id = 1', [], 1).getvalue(0, 0)
  text = c.unescape_bytea(one('SELECT b FROM items WHERE id = 1').first)
  saw back.bytesize, Digest::SHA256.hexdigest(back), same(back, bytes), same(text, bytes)
end

in_case 'introspection' do |c|
  tables = c.exec("SELECT table_schema, table_name FROM information_schema.tables
                   WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2")
  tables.each { |row| saw row.values.join('.') }
  result = c.exec('SELECT * FROM todos LIMIT 1')
  saw(*result.fields, *c.exec_params('SELECT $1::oid::regclass, $2::oid::regtype', [result.ftable(0), result.ftype(0)]).values.first)
  # As ActiveRecord asks for a table's columns.
  columns = c.exec("SELECT a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid), a.attnotnull
                    FROM pg_attribute a LEFT JOIN pg_attrdef d ON a.attrelid = d.adrelid AND a.attnum = d.adnum
                    WHERE a.attrelid = '\"public\".\"todos\"'::regclass AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum")
  columns.each { |row| saw(*row.values) }
  saw(*one('SELECT current_schema()'))
end

in_case 'schemas' do |_|
  saw(*one('SELECT current_schemas(false)'))
end

in_case 'rows_100000' do |c|
  count = sum = 0
  digest = Digest::SHA256.new
  c.send_query("SELECT g, 'row ' || g FROM generate_series(1, 100000) g")
  c.set_single_row_mode
  c.get_result.stream_each_row do |number, text|
    count += 1
    sum += number.to_i
    digest << text
  end
  saw count, sum, digest.hexdigest
end

in_case 'parameter_5mb' do |c|
  text = 'abcdefghij' * 524_288
  c.exec_params('INSERT INTO items (id, t) VALUES (2, $1)', [text])
  back, length = one('SELECT t, length(t) FROM items WHERE id = 2')
  saw length, Digest::SHA256.hexdigest(back), same(back, text)
end

in_case 'pipeline' do |c|
  c.enter_pipeline_mode
  (1..3).each { |n| c.send_query_params('SELECT $1::int * 10', [n]) }
  c.pipeline_sync
  c.send_query_params('INSERT INTO items (id) VALUES (3)', [])
  c.send_query_params('SELECT 1 / 0', [])
  c.send_query_params('SELECT 1', [])
  c.pipeline_sync
  c.send_query_params('SELECT count(*) FROM items WHERE id = 3', [])
  c.pipeline_sync
  syncs = 0
  until syncs == 3
    result = c.get_result or next
    state = result.error_field(PG::PG_DIAG_SQLSTATE)
    saw result.res_status(result.result_status), *state, *(result.ntuples.positive? ? result.values.first : [])
    syncs += 1 if result.result_status == PG::PGRES_PIPELINE_SYNC
  end
  c.exit_pipeline_mode
end

in_case 'cursor' do |c|
  c.transaction do
    c.exec('DECLARE page NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 2500) g')
    fetches = sum = 0
    until (rows = c.exec('FETCH 1000 FROM page').column_values(0)).empty?
      fetches += 1
      sum += rows.sum(&:to_i)
    end
    saw fetches, sum
  end
end

in_case 'statement_timeout' do |c|
  c.exec('SET statement_timeout = 100')
  refused { c.exec('SELECT pg_sleep(20)') }
  c.exec('RESET statement_timeout')
  saw 'usable', *one('SHOW statement_timeout')
end

in_case 'cancel' do |c|
  c.send_query('SELECT pg_sleep(20)')
  sleep 0.1
  saw c.cancel
  refused { c.get_last_result }
  saw 'usable', *one('SELECT 1')
end

in_case 'savepoint' do |c|
  c.transaction do
    c.exec("INSERT INTO todos (title) VALUES ('kept')")
    c.exec('SAVEPOINT one')
    refused { c.exec("INSERT INTO todos (title) VALUES ('kept')") }
    c.exec('ROLLBACK TO SAVEPOINT one')
    c.exec("INSERT INTO todos (title) VALUES ('kept too')")
    c.exec('RELEASE SAVEPOINT one')
  end
  saw(*one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"))
end

in_case 'pool' do |c|
  counts = (0..9).map do |n|
    Thread.new do
      own = connected
      5.times do |k|
        own.transaction { own.exec_params('INSERT INTO items (id, t) VALUES ($1, $2)', [1000 + n * 5 + k, n]) }
      end
      own.reset
      count = one('SELECT count(*) FROM items WHERE t = $1', [n], own).first
      own.close
      count
    end
  end
  saw(*counts.map(&:value), *one('SELECT count(*) FROM items WHERE id >= 1000'))
end

in_case 'notify' do |c|
  other = connected
  c.exec('LISTEN news')
  other.exec("NOTIFY news, 'good news'")
  c.wait_for_notify(5) { |channel, _, payload| saw channel, payload } or saw 'nothing'
  c.exec('UNLISTEN *')
  other.close
end

in_case 'advisory_lock' do |c|
  other = connected
  saw(*one('SELECT pg_try_advisory_lock(11)'), *one('SELECT pg_try_advisory_lock(11)', [], other))
  saw(*one('SELECT pg_advisory_unlock(11)'), *one('SELECT pg_try_advisory_lock(11)', [], other))
  other.close
end

in_case 'temp_table' do |c|
  c.exec('CREATE TEMP TABLE scratch (n int)')
  c.exec('INSERT INTO scratch SELECT generate_series(1, 10)')
  saw(*one('SELECT sum(n) FROM scratch'))
  c.exec('DROP TABLE scratch')
end

in_case 'copy' do |c|
  row = PG::TextEncoder::CopyRow.new
  c.copy_data('COPY public.items (id, t) FROM STDIN', row) { (100..199).each { |n| c.put_copy_data([n, "copied\t#{n}"]) } }
  digest = Digest::SHA256.new
  count = 0
  c.copy_data('COPY (SELECT id, t FROM items WHERE id BETWEEN 100 AND 199 ORDER BY id) TO STDOUT (FORMAT binary)') do
    while (bytes = c.get_copy_data)
      count += 1
      digest << bytes
    end
  end
  saw count, digest.hexdigest
  refused { c.copy_data('COPY items (id) FROM STDIN') { c.put_copy_data("not a number\n") } }
  saw 'usable', *one('SELECT count(*) FROM items WHERE id BETWEEN 100 AND 199')
end

in_case 'large_object' do |c|
  c.transaction do
    id = c.lo_creat
    fd = c.lo_open(id, PG::INV_WRITE | PG::INV_READ)
    saw 'written', c.lo_write(fd, (1..100_000).map { |n| (n % 251).chr }.join)
    c.lo_lseek(fd, 50_000, PG::SEEK_SET)
    saw 'read', Digest::SHA256.hexdigest(c.lo_read(fd, 1000)), 'at', c.lo_tell(fd)
    c.lo_truncate(fd, 10)
    c.lo_close(fd)
    saw(*one('SELECT length(lo_get($1))', [id]))
    c.lo_unlink(id)
  end
end

in_case 'migrate' do |c|
  c.transaction do
    c.exec('CREATE TABLE IF NOT EXISTS public.schema_migrations (version varchar PRIMARY KEY)')
    c.exec('ALTER TABLE "public"."todos" ADD COLUMN "done" boolean DEFAULT FALSE NOT NULL')
    c.exec("INSERT INTO schema_migrations VALUES ('20260101000000')")
  end
  saw c.exec('SELECT * FROM todos LIMIT 0').fields, *one('SELECT max(version) FROM public.schema_migrations')
end

CONNECTION.close
