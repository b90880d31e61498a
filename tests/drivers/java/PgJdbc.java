// PgJDBC through its cases: the PG variables say where, standard output what was seen.

public final class PgJdbc {
    public static void main(String[] arguments) throws Exception {
        Db.db = Db.open();
        System.out.println("client: PgJDBC " + Db.db.getMetaData().getDriverVersion());
        Db.CASES.run("create", Db.db, Basics::create);
        Db.CASES.run("crud", Db.db, Basics::crud);
        Db.CASES.run("rollback", Db.db, Basics::rollback);
        Db.CASES.run("unique_violation", Db.db, Basics::uniqueViolation);
        Db.CASES.run("prepared", Db.db, Basics::prepared);
        Db.CASES.run("modes", Db.db, Basics::modes);
        Db.CASES.run("two_phase", Db.db, Sessions::twoPhase);
        Db.CASES.run("binary", Db.db, Values::binary);
        Db.CASES.run("null", Db.db, Values::nulls);
        Db.CASES.run("arrays", Db.db, Values::arrays);
        Db.CASES.run("jsonb", Db.db, () -> Values.roundTrip("jsonb", "{\"b\": [1, null, \"public\"], \"a\": {\"ü\": 1.50}}"));
        Db.CASES.run("timestamptz", Db.db, Values::timestamptz);
        Db.CASES.run("numeric", Db.db, () -> Values.roundTrip("numeric", "12345678901234567890.123456789", "NaN", "-0.00"));
        Db.CASES.run("bytea", Db.db, Values::bytea);
        Db.CASES.run("uuid", Db.db, () -> Values.roundTrip("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
        Db.CASES.run("introspection", Db.db, Catalog::introspection);
        Db.CASES.run("schemas", Db.db, Catalog::schemas);
        Db.CASES.run("schema", Db.db, Catalog::schema);
        Db.CASES.run("rows_100000", Db.db, Bulk::manyRows);
        Db.CASES.run("parameter_5mb", Db.db, Bulk::bigParameter);
        Db.CASES.run("pipeline", Db.db, Bulk::pipeline);
        Db.CASES.run("cursor", Db.db, Bulk::cursor);
        Db.CASES.run("statement_timeout", Db.db, Sessions::statementTimeout);
        Db.CASES.run("cancel", Db.db, Sessions::cancel);
        Db.CASES.run("savepoint", Db.db, Basics::savepoint);
        Db.CASES.run("pool", Db.db, Sessions::pool);
        Db.CASES.run("notify", Db.db, Sessions::notifications);
        Db.CASES.run("advisory_lock", Db.db, Sessions::advisoryLock);
        Db.CASES.run("temp_table", Db.db, Sessions::tempTable);
        Db.CASES.run("copy", Db.db, Bulk::copy);
        Db.CASES.run("large_object", Db.db, Bulk::largeObject);
        Db.CASES.run("migrate", Db.db, Basics::migrate);
        Db.db.close();
    }
}
