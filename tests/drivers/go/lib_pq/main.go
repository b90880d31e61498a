// Go's lib/pq under database/sql through its cases: DATABASE_URL says where, standard output what was seen.
package main

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"
	"time"

	"../say"
	"github.com/lib/pq"
)

var (
	ctx = context.Background()
	db  *sql.DB
)

func failure(err error) (string, string) {
	var told *pq.Error
	if errors.As(err, &told) {
		return string(told.Code), told.Message
	}
	return "none", err.Error()
}

// Opens a pool; `more` is added to the URL.
func open(more string) *sql.DB {
	address := say.Got(url.Parse(os.Getenv("DATABASE_URL")))
	address.RawQuery = "sslmode=disable" + more
	return say.Got(sql.Open("postgres", address.String()))
}

func text(on interface {
	QueryRow(string, ...any) *sql.Row
}, query string, values ...any) string {
	var back sql.NullString
	say.Must(on.QueryRow(query, values...).Scan(&back))
	if !back.Valid {
		return "NULL"
	}
	return back.String
}

func exec(query string, values ...any) int64 {
	return say.Got(say.Got(db.Exec(query, values...)).RowsAffected())
}

func all(query string, values ...any) []string {
	rows := say.Got(db.Query(query, values...))
	defer rows.Close()
	columns := say.Got(rows.Columns())
	var lines []string
	for rows.Next() {
		cells := make([]sql.NullString, len(columns))
		into := make([]any, len(columns))
		for i := range cells {
			into[i] = &cells[i]
		}
		say.Must(rows.Scan(into...))
		words := make([]string, len(columns))
		for i, cell := range cells {
			words[i] = cell.String
		}
		lines = append(lines, strings.Join(words, "|"))
	}
	say.Must(rows.Err())
	return lines
}

func create() {
	exec("CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int)")
	exec("CREATE TABLE items (id int PRIMARY KEY, b bytea, t text)")
	say.Saw(text(db, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"))
}

func crud() {
	tx := say.Got(db.Begin())
	defer tx.Rollback()
	for n := 1; n <= 5; n++ {
		say.Saw("id", text(tx, "INSERT INTO todos (title, n) VALUES ($1, $2) RETURNING id", fmt.Sprintf("title %d", n), n))
	}
	updated := say.Got(tx.Exec("UPDATE public.todos SET n = n * 10 WHERE n > $1", 2))
	say.Saw("updated", say.Got(updated.RowsAffected()))
	say.Saw("deleted", say.Got(say.Got(tx.Exec("DELETE FROM todos WHERE n = 1")).RowsAffected()))
	say.Must(tx.Commit())
	say.Saw(all("SELECT title, n FROM todos ORDER BY id"))
}

func rollback() {
	tx := say.Got(db.Begin())
	say.Got(tx.Exec("DELETE FROM todos"))
	say.Saw("inside", text(tx, "SELECT count(*) FROM todos"))
	say.Must(tx.Rollback())
	say.Saw("after", text(db, "SELECT count(*) FROM todos"))
	reading := say.Got(db.BeginTx(ctx, &sql.TxOptions{ReadOnly: true, Isolation: sql.LevelSerializable}))
	_, err := reading.Exec("DELETE FROM todos")
	say.Refused(err)
	say.Must(reading.Rollback())
}

func uniqueViolation() {
	_, err := db.Exec("INSERT INTO todos (title) VALUES ('title 2')")
	var told *pq.Error
	if errors.As(err, &told) {
		say.Saw(told.Code, told.Schema, told.Table, told.Constraint, told.Detail)
	}
	tx := say.Got(db.Begin())
	_, err = tx.Exec("INSERT INTO todos (title) VALUES ($1)", "title 2")
	say.Refused(err)
	_, err = tx.Exec("SELECT 1")
	say.Refused(err)
	say.Must(tx.Rollback())
	say.Saw("usable", text(db, "SELECT 1"))
}

func prepared() {
	statement := say.Got(db.Prepare("SELECT title FROM public.todos WHERE n = $1"))
	defer statement.Close()
	for _, n := range []int{2, 30, 40} {
		var title string
		say.Must(statement.QueryRow(n).Scan(&title))
		say.Saw(n, title)
	}
	say.Saw(statement.QueryRow(7).Scan(new(string)))
}

func binary() {
	pool := open("&binary_parameters=yes")
	defer pool.Close()
	bytes := []byte{0, 1, 254, 255}
	var back []byte
	var name, number string
	say.Must(pool.QueryRow("SELECT $1::bytea, $2::text, $3::int + 1", bytes, "as it is", 258).Scan(&back, &name, &number))
	say.Saw(hex.EncodeToString(back), name, number)
	rows := say.Got(pool.Query("SELECT tablename FROM pg_tables WHERE schemaname = $1 ORDER BY 1", "public"))
	for rows.Next() {
		say.Must(rows.Scan(&name))
		say.Saw(name)
	}
	say.Must(rows.Err())
}

func null() {
	say.Saw(text(db, "SELECT $1::text", nil), text(db, "SELECT $1::int IS NULL", sql.NullInt64{}), text(db, "SELECT note FROM todos LIMIT 1"))
}

func arrays() {
	var words []string
	var numbers []int64
	row := db.QueryRow("SELECT $1::text[], $2::int[]", pq.Array([]string{"a", `b, "c"`, "ü"}), pq.Array([]int64{1, 2}))
	say.Must(row.Scan(pq.Array(&words), pq.Array(&numbers)))
	say.Saw(fmt.Sprintf("%q", words), numbers)
	say.Saw(all("SELECT title FROM todos WHERE n = ANY ($1) ORDER BY 1", pq.Array([]int{2, 30})))
}

func roundTrip(kind string, values ...string) func() {
	return func() {
		for _, value := range values {
			back := text(db, "SELECT $1::"+kind+"::text", value)
			say.Saw(back, text(db, "SELECT $1::"+kind+"::text = $2::"+kind+"::text", value, back))
		}
	}
}

func timestamptz() {
	at := time.Date(2026, 3, 1, 12, 34, 56, 789012000, time.FixedZone("", 2*3600))
	var back time.Time
	say.Must(db.QueryRow("SELECT $1::timestamptz", at).Scan(&back))
	say.Saw(back.UTC().Format(time.RFC3339Nano), back.Equal(at))
}

func bytea() {
	bytes := make([]byte, 256)
	for i := range bytes {
		bytes[i] = byte(i)
	}
	exec("INSERT INTO items (id, b) VALUES (1, $1)", bytes)
	var back []byte
	say.Must(db.QueryRow("SELECT b FROM items WHERE id = 1").Scan(&back))
	say.Saw(len(back), say.Hash(back), say.Same(string(back), string(bytes)))
}

func introspection() {
	say.Saw(all("SELECT table_schema, table_name FROM information_schema.tables WHERE table_schema NOT IN ('pg_catalog', 'information_schema') ORDER BY 2"))
	// As golang-migrate finds out where its own table belongs.
	schema := text(db, "SELECT CURRENT_SCHEMA()")
	say.Saw(schema, all("SELECT table_name FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE' ORDER BY 1", schema))
	rows := say.Got(db.Query("SELECT * FROM todos LIMIT 1"))
	defer rows.Close()
	for _, column := range say.Got(rows.ColumnTypes()) {
		say.Saw(column.Name(), column.DatabaseTypeName(), column.ScanType())
	}
}

func manyRows() {
	rows := say.Got(db.Query("SELECT g, 'row ' || g FROM generate_series(1, $1) g", 100000))
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
	value := strings.Repeat("abcdefghij", 524288)
	exec("INSERT INTO items (id, t) VALUES (2, $1)", value)
	back := text(db, "SELECT t FROM items WHERE id = 2")
	say.Saw(len(back), say.Hash([]byte(back)), say.Same(back, value))
}

func cursor() {
	tx := say.Got(db.Begin())
	defer tx.Rollback()
	say.Got(tx.Exec("DECLARE page NO SCROLL CURSOR FOR SELECT g FROM generate_series(1, 2500) g"))
	fetches, sum := 0, 0
	for {
		rows, found := say.Got(tx.Query("FETCH 1000 FROM page")), false
		for rows.Next() {
			var number int
			say.Must(rows.Scan(&number))
			sum += number
			found = true
		}
		rows.Close()
		if !found {
			break
		}
		fetches++
	}
	say.Must(tx.Commit())
	say.Saw(fetches, sum)
}

func statementTimeout() {
	pool := open("&statement_timeout=100&application_name=the+cases&search_path=public")
	defer pool.Close()
	_, err := pool.Exec("SELECT pg_sleep(20)")
	say.Refused(err)
	say.Saw("usable", text(pool, "SHOW statement_timeout"), text(pool, "SHOW application_name"), text(pool, "SHOW search_path"))
}

func cancel() {
	limited, stop := context.WithTimeout(ctx, 100*time.Millisecond)
	defer stop()
	_, err := db.ExecContext(limited, "SELECT pg_sleep(20)")
	say.Refused(err)
	say.Saw("usable", text(db, "SELECT 1"))
}

func savepoint() {
	tx := say.Got(db.Begin())
	defer tx.Rollback()
	say.Got(tx.Exec("INSERT INTO todos (title) VALUES ('kept')"))
	say.Got(tx.Exec("SAVEPOINT one"))
	_, err := tx.Exec("INSERT INTO todos (title) VALUES ($1)", "kept")
	say.Refused(err)
	say.Got(tx.Exec("ROLLBACK TO SAVEPOINT one"))
	say.Got(tx.Exec("INSERT INTO todos (title) VALUES ('kept too')"))
	say.Must(tx.Commit())
	say.Saw(text(db, "SELECT count(*) FROM todos WHERE title LIKE 'kept%'"))
}

func pool() {
	ten := open("")
	defer ten.Close()
	ten.SetMaxOpenConns(10)
	ten.SetMaxIdleConns(10)
	failed := make(chan error)
	for n := 0; n < 50; n++ {
		go func(n int) {
			tx, err := ten.Begin()
			if err == nil {
				_, err = tx.Exec("INSERT INTO items (id, t) VALUES ($1, $2)", 1000+n, "by many")
			}
			if err == nil {
				err = tx.Commit()
			}
			failed <- err
		}(n)
	}
	for n := 0; n < 50; n++ {
		say.Must(<-failed)
	}
	say.Saw(text(ten, "SELECT count(*) FROM items WHERE id >= 1000"), ten.Stats().OpenConnections <= 10)
}

func notify() {
	listener := pq.NewListener(os.Getenv("DATABASE_URL")+"?sslmode=disable", time.Second, time.Second, nil)
	defer listener.Close()
	say.Must(listener.Listen("news"))
	say.Must(listener.Ping())
	exec("NOTIFY news, 'good news'")
	for {
		select {
		case note := <-listener.Notify:
			if note == nil {
				continue
			}
			say.Saw(note.Channel, note.Extra)
		case <-time.After(5 * time.Second):
			say.Saw("nothing")
		}
		break
	}
}

func advisoryLock() {
	one, other := say.Got(db.Conn(ctx)), say.Got(db.Conn(ctx))
	defer one.Close()
	defer other.Close()
	ask := func(conn *sql.Conn, query string) (told bool) {
		say.Must(conn.QueryRowContext(ctx, query, 11).Scan(&told))
		return
	}
	say.Saw(ask(one, "SELECT pg_try_advisory_lock($1)"), ask(other, "SELECT pg_try_advisory_lock($1)"))
	say.Saw(ask(one, "SELECT pg_advisory_unlock($1)"), ask(other, "SELECT pg_try_advisory_lock($1)"))
	say.Saw(ask(other, "SELECT pg_advisory_unlock($1)"))
}

func tempTable() {
	conn := say.Got(db.Conn(ctx))
	defer conn.Close()
	say.Got(conn.ExecContext(ctx, "CREATE TEMP TABLE scratch (n int)"))
	say.Got(conn.ExecContext(ctx, "INSERT INTO scratch SELECT generate_series(1, 10)"))
	var sum int
	say.Must(conn.QueryRowContext(ctx, "SELECT sum(n) FROM scratch").Scan(&sum))
	say.Saw(sum)
	say.Got(conn.ExecContext(ctx, "DROP TABLE scratch"))
}

func copyIn() {
	for _, copying := range []string{pq.CopyIn("items", "id", "t"), pq.CopyInSchema("public", "items", "id", "t")} {
		tx := say.Got(db.Begin())
		statement := say.Got(tx.Prepare(copying))
		for n := 0; n < 100; n++ {
			say.Got(statement.Exec(len(copying)*1000+n, "copied\t"))
		}
		say.Got(statement.Exec())
		say.Must(statement.Close())
		say.Must(tx.Commit())
	}
	tx := say.Got(db.Begin())
	statement := say.Got(tx.Prepare(pq.CopyIn("items", "id")))
	_, err := statement.Exec("not a number")
	if err == nil {
		_, err = statement.Exec()
	}
	say.Refused(err)
	tx.Rollback()
	say.Saw("usable", text(db, "SELECT count(*) FROM items WHERE t = E'copied\\t'"))
}

func migrate() {
	exec(`BEGIN; CREATE TABLE IF NOT EXISTS "public"."schema_migrations" (version bigint not null primary key, dirty boolean not null);
		ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false; COMMIT`)
	exec(`INSERT INTO "public"."schema_migrations" (version, dirty) VALUES ($1, $2)`, 2, false)
	say.Saw(text(db, `SELECT version FROM "public"."schema_migrations" LIMIT 1`), all("SELECT column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name = 'todos' ORDER BY ordinal_position"))
}

func main() {
	say.How = failure
	db = open("")
	db.SetMaxOpenConns(4)
	say.Client("lib/pq", say.Version("golang-github-lib-pq-dev"))
	cases := []struct {
		name string
		run  func()
	}{
		{"create", create}, {"crud", crud}, {"rollback", rollback}, {"unique_violation", uniqueViolation},
		{"prepared", prepared}, {"binary", binary}, {"null", null}, {"arrays", arrays},
		{"jsonb", roundTrip("jsonb", `{"b": [1, null, "public"], "a": {"ü": 1.50}}`)},
		{"timestamptz", timestamptz},
		{"numeric", roundTrip("numeric", "12345678901234567890.123456789", "NaN", "-0.00")},
		{"bytea", bytea}, {"uuid", roundTrip("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8")},
		{"introspection", introspection}, {"rows_100000", manyRows}, {"parameter_5mb", bigParameter},
		{"cursor", cursor}, {"statement_timeout", statementTimeout}, {"cancel", cancel}, {"savepoint", savepoint},
		{"pool", pool}, {"notify", notify}, {"advisory_lock", advisoryLock}, {"temp_table", tempTable},
		{"copy", copyIn}, {"migrate", migrate},
	}
	for _, each := range cases {
		say.Case(each.name, each.run, func() {})
	}
}
