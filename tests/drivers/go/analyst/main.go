// Go's pgx as an analyst: statements prepared and cached, values in binary, a batch, a transaction.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/jackc/pgconn"
	"github.com/jackc/pgx/v4"
)

func must(err error) {
	if err != nil {
		panic(err)
	}
}

func print(rows pgx.Rows, err error) {
	must(err)
	for rows.Next() {
		values, err := rows.Values()
		must(err)
		fmt.Println(values...)
	}
	must(rows.Err())
}

func main() {
	ctx := context.Background()
	db, err := pgx.Connect(ctx, os.Getenv("DATABASE_URL"))
	must(err)
	for hours := 0; hours < 3; hours++ {
		print(db.Query(ctx, "SELECT mood::text, count(*), avg(hours) FROM todos WHERE hours > $1 GROUP BY 1 ORDER BY 1", hours))
	}
	print(db.Query(ctx, "SELECT id, due, hours, big, score, done, title FROM todos WHERE at BETWEEN '1900-01-01' AND '2100-01-01' AND due BETWEEN '1900-01-01' AND '2100-01-01' ORDER BY id LIMIT 25"))
	batch := &pgx.Batch{}
	for small := 0; small < 4; small++ {
		batch.Queue("SELECT count(*) FROM todos WHERE small = $1", small)
	}
	results := db.SendBatch(ctx, batch)
	for small := 0; small < 4; small++ {
		print(results.Query())
	}
	must(results.Close())
	tx, err := db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	must(err)
	print(tx.Query(ctx, "SELECT sum(big) FROM todos WHERE big BETWEEN -1000 AND 1000"))
	_, err = tx.Exec(ctx, "SELECT nope FROM todos")
	var told *pgconn.PgError
	fmt.Println(errors.As(err, &told), told.Code, told.Position)
	must(tx.Rollback(ctx))
	print(db.Query(ctx, "SELECT count(*) FROM todos", pgx.QuerySimpleProtocol(true)))
	must(db.Close(ctx))
}
