// Go's pgx with its own pool through its cases: DATABASE_URL says where, standard output what was seen.
package main

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"../say"
	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
	"github.com/jackc/pgx/v4/pgxpool"
)

var (
	ctx  = context.Background()
	pool *pgxpool.Pool
	conn *pgx.Conn
)

func failure(err error) (string, string) {
	var told *pgconn.PgError
	if errors.As(err, &told) {
		return told.Code, told.Message
	}
	return "none", err.Error()
}

type asking interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}

// One value, of whatever type the driver takes it for.
func value(on asking, query string, values ...any) (back any) {
	say.Must(on.QueryRow(ctx, query, values...).Scan(&back))
	return
}

func exec(query string, values ...any) pgconn.CommandTag {
	return say.Got(conn.Exec(ctx, query, values...))
}

func all(query string, values ...any) (lines []string) {
	rows := say.Got(conn.Query(ctx, query, values...))
	defer rows.Close()
	for rows.Next() {
		words := []string{}
		for _, cell := range say.Got(rows.Values()) {
			words = append(words, fmt.Sprint(cell))
		}
		lines = append(lines, strings.Join(words, "|"))
	}
	say.Must(rows.Err())
	return
}

func create() {
	exec("CREATE TYPE public.mood AS ENUM ('low', 'high')")
	exec("CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int, feeling public.mood)")
	exec("CREATE TABLE items (id int PRIMARY KEY, b bytea, t text, at timestamptz, amount numeric, doc jsonb, u uuid, words text[])")
	say.Saw(value(conn, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
}

func crud() {
	say.Must(conn.BeginFunc(ctx, func(tx pgx.Tx) error {
		for n := 1; n <= 5; n++ {
			say.Saw("id", value(tx, "INSERT INTO todos (title, n, feeling) VALUES ($1, $2, $3) RETURNING id", fmt.Sprintf("title %d", n), n, "low"))
		}
		say.Saw(say.Got(tx.Exec(ctx, "UPDATE public.todos SET n = n * 10 WHERE n > $1", 2)))
		say.Saw(say.Got(tx.Exec(ctx, "DELETE FROM todos WHERE n = 1")))
		return nil
	}))
	say.Saw(all("SELECT title, n, feeling FROM todos ORDER BY id"))
}

func rollback() {
	err := conn.BeginFunc(ctx, func(tx pgx.Tx) error {
		say.Got(tx.Exec(ctx, "DELETE FROM todos"))
		say.Saw("inside", value(tx, "SELECT count(*) FROM todos"))
		return errors.New("not after all")
	})
	say.Saw(err, value(conn, "SELECT count(*) FROM todos"))
	reading := say.Got(conn.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.Serializable, AccessMode: pgx.ReadOnly, DeferrableMode: pgx.Deferrable}))
	_, err = reading.Exec(ctx, "DELETE FROM todos")
	say.Refused(err)
	say.Must(reading.Rollback(ctx))
}

func uniqueViolation() {
	_, err := conn.Exec(ctx, "INSERT INTO todos (title) VALUES ('title 2')")
	var told *pgconn.PgError
	if errors.As(err, &told) {
		say.Saw(told.Code, told.SchemaName, told.TableName, told.ConstraintName, told.Detail)
	}
	tx := say.Got(conn.Begin(ctx))
	_, err = tx.Exec(ctx, "INSERT INTO todos (title) VALUES ($1)", "title 2")
	say.Refused(err)
	_, err = tx.Exec(ctx, "SELECT 1")
	say.Refused(err)
	_, err = tx.Exec(ctx, "SELECT * FROM public.nowhere")
	say.Refused(err)
	say.Must(tx.Rollback(ctx))
	say.Saw("usable", value(conn, "SELECT 1"))
	_, err = conn.Exec(ctx, "SELECT * FROM public.nowhere")
	say.Refused(err)
}

func prepared() {
	described := say.Got(conn.Prepare(ctx, "by_n", "SELECT title, feeling FROM public.todos WHERE n = $1"))
	say.Saw(described.ParamOIDs, string(described.Fields[0].Name), described.Fields[0].DataTypeOID)
	for _, n := range []int{2, 30, 40} {
		var title, feeling string
		say.Must(conn.QueryRow(ctx, "by_n", n).Scan(&title, &feeling))
		say.Saw(n, title, feeling)
	}
	// A statement that pgx has cached, and a table that changes under it.
	look := "SELECT * FROM todos WHERE n = $1"
	say.Saw(all(look, 2))
	exec("ALTER TABLE public.todos ADD COLUMN more int DEFAULT 5")
	rows, err := conn.Query(ctx, look, 2)
	for err == nil && rows.Next() {
	}
	if err == nil {
		err = rows.Err()
	}
	say.Refused(err)
	say.Saw(all(look, 2))
	say.Must(conn.Deallocate(ctx, "by_n"))
	exec("ALTER TABLE todos DROP COLUMN more")
}

func simpleProtocol() {
	config := say.Got(pgx.ParseConfig(os.Getenv("DATABASE_URL")))
	config.PreferSimpleProtocol = true
	config.RuntimeParams = map[string]string{"application_name": "the cases", "search_path": "public", "DateStyle": "SQL, DMY"}
	simple := say.Got(pgx.ConnectConfig(ctx, config))
	defer simple.Close(ctx)
	var title string
	say.Must(simple.QueryRow(ctx, "SELECT title FROM public.todos WHERE title = $1 AND n = $2", "title 2", 2).Scan(&title))
	say.Saw(title, value(simple, "SHOW application_name"), value(simple, "SHOW search_path"), value(simple, "SELECT ('2026-03-01'::date)::text"))
	multi := say.Got(simple.PgConn().Exec(ctx, "SELECT 1; INSERT INTO items (id) VALUES (-1); DELETE FROM items WHERE id = -1; SELECT 'public'").ReadAll())
	for _, result := range multi {
		say.Saw(result.CommandTag, len(result.Rows))
	}
}

func null() {
	var none *string
	say.Saw(value(conn, "SELECT $1::text", none), value(conn, "SELECT $1::int IS NULL", nil), value(conn, "SELECT note FROM todos LIMIT 1"))
}

func arrays() {
	var words []string
	var numbers []int32
	row := conn.QueryRow(ctx, "SELECT $1::text[], $2::int[]", []string{"a", `b, "c"`, "ü"}, []int32{1, 2})
	say.Must(row.Scan(&words, &numbers))
	say.Saw(fmt.Sprintf("%q", words), numbers)
	say.Saw(all("SELECT title FROM todos WHERE n = ANY ($1) ORDER BY 1", []int32{2, 30}))
	say.Saw(all("SELECT tablename FROM pg_tables WHERE schemaname = ANY ($1) ORDER BY 1", []string{"public", "nowhere"}))
}

func jsonb() {
	var back map[string]any
	say.Must(conn.QueryRow(ctx, "SELECT $1::jsonb", map[string]any{"a": "public", "b": []int{1, 2}}).Scan(&back))
	say.Saw(back)
}

func timestamptz() {
	at := time.Date(2026, 3, 1, 12, 34, 56, 789012000, time.FixedZone("", 2*3600))
	var back time.Time
	say.Must(conn.QueryRow(ctx, "SELECT $1::timestamptz", at).Scan(&back))
	say.Saw(back.UTC().Format(time.RFC3339Nano), back.Equal(at))
}

func roundTrip(kind string, values ...string) func() {
	return func() {
		for _, text := range values {
			say.Saw(value(conn, "SELECT $1::"+kind+"::text", text))
		}
	}
}

func bytea() {
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	exec("INSERT INTO items (id, b) VALUES (1, $1)", bytes)
	back := value(conn, "SELECT b FROM items WHERE id = 1").([]byte)
	say.Saw(len(back), say.Hash(back), say.Same(string(back), string(bytes)))
}

func introspection() {
	say.Saw(all("SELECT table_schema::text, table_name::text FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2"))
	say.Saw(all("SELECT schemaname, tablename FROM pg_tables WHERE schemaname !~ '^(pg_|information_schema)' ORDER BY 2"))
	say.Saw(value(conn, "SELECT current_schema()"), value(conn, "SELECT 'todos'::regclass::text"))
	rows := say.Got(conn.Query(ctx, "SELECT * FROM todos LIMIT 0"))
	for _, field := range rows.FieldDescriptions() {
		say.Saw(string(field.Name), field.TableAttributeNumber, field.Format)
	}
	rows.Close()
	// As tern, pgx's own migration tool, looks for its table.
	say.Saw(value(conn, "select count(*) from pg_catalog.pg_class where relname = $1 and relkind = 'r' and pg_table_is_visible(oid)", "todos"))
}

func schemas() {
	say.Saw(value(conn, "SELECT current_schemas(false)::text[]::text"), all("SELECT nspname FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)' ORDER BY 1"))
}

func manyRows() {
	rows := say.Got(conn.Query(ctx, "SELECT g, 'row ' || g FROM generate_series(1, $1::int) g", 100000))
	defer rows.Close()
	count, sum, hash := 0, 0, sha256.New()
	for rows.Next() {
		var number int
		var word string
		say.Must(rows.Scan(&number, &word))
		count++
		sum += number
		hash.Write([]byte(word))
	}
	say.Must(rows.Err())
	say.Saw(count, sum, hex.EncodeToString(hash.Sum(nil)))
}

func bigParameter() {
	text := strings.Repeat("abcdefghij", 524288)
	exec("INSERT INTO items (id, t) VALUES (2, $1)", text)
	back := value(conn, "SELECT t FROM items WHERE id = 2").(string)
	say.Saw(len(back), say.Hash([]byte(back)), say.Same(back, text))
}

func pipeline() {
	batch := &pgx.Batch{}
	batch.Queue("SELECT $1::int * 10", 4)
	batch.Queue("INSERT INTO items (id) VALUES ($1)", 3)
	batch.Queue("SELECT 1 / $1::int", 0)
	batch.Queue("SELECT $1::text", "never")
	results := conn.SendBatch(ctx, batch)
	var number int
	say.Must(results.QueryRow().Scan(&number))
	say.Saw(number, say.Got(results.Exec()))
	for range []int{3, 4} {
		_, err := results.Exec()
		say.Refused(err)
	}
	results.Close()
	say.Saw(value(conn, "SELECT count(*) FROM items WHERE id = 3"))
	batch = &pgx.Batch{}
	for n := 0; n < 200; n++ {
		batch.Queue("INSERT INTO public.items (id, t) VALUES ($1, $2)", 2000+n, "in a batch")
	}
	results = conn.SendBatch(ctx, batch)
	sum := 0
	for n := 0; n < 200; n++ {
		sum += int(say.Got(results.Exec()).RowsAffected())
	}
	say.Must(results.Close())
	say.Saw(sum, value(conn, "SELECT count(*) FROM items WHERE t = 'in a batch'"))
}

func cursor() {
	tx := say.Got(conn.Begin(ctx))
	defer tx.Rollback(ctx)
	say.Got(tx.Exec(ctx, "DECLARE page NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 2500) g"))
	fetches, sum := 0, 0
	for {
		rows, found := say.Got(tx.Query(ctx, "FETCH 1000 FROM page")), false
		for rows.Next() {
			var number int
			say.Must(rows.Scan(&number))
			sum += number
			found = true
		}
		if !found {
			break
		}
		fetches++
	}
	say.Must(tx.Commit(ctx))
	say.Saw(fetches, sum)
}

func statementTimeout() {
	exec("SET statement_timeout = 100")
	_, err := conn.Exec(ctx, "SELECT pg_sleep(20)")
	say.Refused(err)
	exec("RESET statement_timeout")
	say.Saw("usable", value(conn, "SHOW statement_timeout"))
}

func cancel() {
	stopped := make(chan error, 1)
	go func() {
		time.Sleep(100 * time.Millisecond)
		stopped <- conn.PgConn().CancelRequest(ctx)
	}()
	_, err := conn.Exec(ctx, "SELECT pg_sleep(20)")
	say.Refused(err)
	say.Must(<-stopped)
	say.Saw("usable", value(conn, "SELECT 1"))
	// A deadline makes pgx hang up; the pool then opens another connection.
	limited, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	_, err = pool.Exec(limited, "SELECT pg_sleep(20)")
	say.Saw(errors.Is(err, context.DeadlineExceeded) || pgconn.Timeout(err), value(pool, "SELECT 2"))
}

func savepoint() {
	tx := say.Got(conn.Begin(ctx))
	defer tx.Rollback(ctx)
	say.Got(tx.Exec(ctx, "INSERT INTO todos (title) VALUES ('kept')"))
	inner := say.Got(tx.Begin(ctx))
	_, err := inner.Exec(ctx, "INSERT INTO todos (title) VALUES ($1)", "kept")
	say.Refused(err)
	say.Must(inner.Rollback(ctx))
	inner = say.Got(tx.Begin(ctx))
	say.Got(inner.Exec(ctx, "INSERT INTO todos (title) VALUES ('kept too')"))
	say.Must(inner.Commit(ctx))
	say.Must(tx.Commit(ctx))
	say.Saw(value(conn, "SELECT count(*) FROM todos WHERE title LIKE 'kept%'"))
}

func poolOfTen() {
	failed := make(chan error)
	for n := 0; n < 50; n++ {
		go func(n int) {
			failed <- pool.BeginFunc(ctx, func(tx pgx.Tx) error {
				_, err := tx.Exec(ctx, "INSERT INTO items (id, t) VALUES ($1, $2)", 1000+n, "by many")
				return err
			})
		}(n)
	}
	for n := 0; n < 50; n++ {
		say.Must(<-failed)
	}
	say.Saw(value(pool, "SELECT count(*) FROM items WHERE t = 'by many'"), pool.Stat().TotalConns() <= 10)
}

func notify() {
	exec("LISTEN news")
	say.Got(pool.Exec(ctx, "SELECT pg_notify('news', $1)", "good news"))
	limited, stop := context.WithTimeout(ctx, 5*time.Second)
	defer stop()
	note := say.Got(conn.WaitForNotification(limited))
	say.Saw(note.Channel, note.Payload)
	exec("UNLISTEN *")
}

func advisoryLock() {
	other := say.Got(pool.Acquire(ctx))
	defer other.Release()
	say.Saw(value(conn, "SELECT pg_try_advisory_lock(11)"), value(other, "SELECT pg_try_advisory_lock(11)"))
	say.Saw(value(conn, "SELECT pg_advisory_unlock(11)"), value(other, "SELECT pg_try_advisory_lock(11)"))
	say.Saw(value(other, "SELECT pg_advisory_unlock(11)"))
}

func tempTable() {
	exec("CREATE TEMP TABLE scratch (n int)")
	say.Saw(exec("INSERT INTO scratch SELECT generate_series(1, $1::int)", 10), value(conn, "SELECT sum(n) FROM scratch"))
	exec("DROP TABLE scratch")
}

func copyBoth() {
	rows := [][]any{}
	for n := 100; n < 200; n++ {
		rows = append(rows, []any{n, []byte{byte(n)}, "copied\t", time.Unix(int64(n), 0), map[string]int{"n": n}, []string{"a", "public"}})
	}
	for _, name := range []pgx.Identifier{{"items"}, {"public", "items"}} {
		say.Saw(say.Got(conn.CopyFrom(ctx, name, []string{"id", "b", "t", "at", "doc", "words"}, pgx.CopyFromRows(rows))))
		for n := range rows {
			rows[n][0] = rows[n][0].(int) + 200
		}
	}
	var out strings.Builder
	tag := say.Got(conn.PgConn().CopyTo(ctx, &out, "COPY (SELECT * FROM items WHERE id BETWEEN 100 AND 399 ORDER BY id) TO STDOUT"))
	say.Saw(tag, say.Hash([]byte(out.String())))
	_, err := conn.CopyFrom(ctx, pgx.Identifier{"items"}, []string{"id"}, pgx.CopyFromRows([][]any{{5000}, {100}}))
	say.Refused(err)
	_, err = conn.PgConn().CopyFrom(ctx, strings.NewReader("not a number\n"), "COPY items (id) FROM STDIN")
	say.Refused(err)
	say.Saw("usable", value(conn, "SELECT count(*) FROM items WHERE t = E'copied\\t'"))
}

func largeObject() {
	tx := say.Got(conn.Begin(ctx))
	defer tx.Rollback(ctx)
	objects := tx.LargeObjects()
	id := say.Got(objects.Create(ctx, 0))
	object := say.Got(objects.Open(ctx, id, pgx.LargeObjectModeRead|pgx.LargeObjectModeWrite))
	bytes := make([]byte, 100000)
	for i := range bytes {
		bytes[i] = byte(i % 251)
	}
	say.Saw("written", say.Got(object.Write(bytes)))
	say.Got(object.Seek(50000, 0))
	read := make([]byte, 1000)
	say.Saw("read", say.Got(object.Read(read)), say.Hash(read), "at", say.Got(object.Tell()))
	say.Must(object.Truncate(10))
	say.Must(object.Close())
	say.Saw(value(tx, "SELECT length(lo_get($1))", id))
	say.Must(objects.Unlink(ctx, id))
	say.Must(tx.Commit(ctx))
}

func migrate() {
	exec("CREATE TABLE IF NOT EXISTS public.schema_version (version int4 NOT NULL)")
	say.Must(conn.BeginFunc(ctx, func(tx pgx.Tx) error {
		say.Got(tx.Exec(ctx, "ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false; CREATE INDEX ON public.todos (done)"))
		_, err := tx.Exec(ctx, "INSERT INTO public.schema_version VALUES ($1)", 2)
		return err
	}))
	say.Saw(value(conn, "SELECT max(version) FROM schema_version"), all("SELECT indexname::text FROM pg_indexes WHERE schemaname = 'public' AND tablename = 'todos' ORDER BY 1"))
}

func main() {
	say.How = failure
	config := say.Got(pgxpool.ParseConfig(os.Getenv("DATABASE_URL") + "?pool_max_conns=10"))
	pool = say.Got(pgxpool.ConnectConfig(ctx, config))
	defer pool.Close()
	conn = say.Got(pgx.Connect(ctx, os.Getenv("DATABASE_URL")))
	defer conn.Close(ctx)
	say.Client("pgx", say.Version("golang-github-jackc-pgx-v4-dev"))
	cases := []struct {
		name string
		run  func()
	}{
		{"create", create}, {"crud", crud}, {"rollback", rollback}, {"unique_violation", uniqueViolation},
		{"prepared", prepared}, {"simple_protocol", simpleProtocol}, {"null", null}, {"arrays", arrays},
		{"jsonb", jsonb}, {"timestamptz", timestamptz},
		{"numeric", roundTrip("numeric", "12345678901234567890.123456789", "NaN", "-0.00")},
		{"bytea", bytea}, {"uuid", roundTrip("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")},
		{"introspection", introspection}, {"schemas", schemas}, {"rows_100000", manyRows}, {"parameter_5mb", bigParameter},
		{"pipeline", pipeline}, {"cursor", cursor}, {"statement_timeout", statementTimeout}, {"cancel", cancel},
		{"savepoint", savepoint}, {"pool", poolOfTen}, {"notify", notify}, {"advisory_lock", advisoryLock},
		{"temp_table", tempTable}, {"copy", copyBoth}, {"large_object", largeObject}, {"migrate", migrate},
	}
	for _, each := range cases {
		say.Case(each.name, each.run, func() { conn.Exec(ctx, "ROLLBACK") })
	}
}
