// PgJDBC through its cases: the PG variables say where, standard output what was seen.

import java.io.ByteArrayInputStream;
import java.io.StringReader;
import java.io.StringWriter;
import java.math.BigDecimal;
import java.security.MessageDigest;
import java.sql.Array;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Properties;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.XAConnection;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;
import org.postgresql.PGConnection;
import org.postgresql.PGStatement;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;
import org.postgresql.util.PGobject;
import org.postgresql.util.PSQLException;
import org.postgresql.xa.PGXADataSource;

public final class PgJdbc {
    private static final Cases CASES = new Cases();
    private static Connection db;

    private static Connection open(String... more) throws SQLException {
        Properties properties = new Properties();
        properties.setProperty("user", System.getenv("PGUSER"));
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        for (int i = 0; i < more.length; i += 2) {
            properties.setProperty(more[i], more[i + 1]);
        }
        String at = System.getenv("PGHOST") + ":" + System.getenv("PGPORT");
        return DriverManager.getConnection("jdbc:postgresql://" + at + "/" + System.getenv("PGDATABASE"), properties);
    }

    private static void saw(Object... values) {
        CASES.saw(values);
    }

    private static int exec(Connection on, String sql) throws SQLException {
        try (Statement statement = on.createStatement()) {
            return statement.executeUpdate(sql);
        }
    }

    private static int exec(String sql) throws SQLException {
        return exec(db, sql);
    }

    private static String one(Connection on, String sql, Object... values) throws SQLException {
        try (PreparedStatement statement = on.prepareStatement(sql)) {
            for (int i = 0; i < values.length; i++) {
                statement.setObject(i + 1, values[i]);
            }
            try (ResultSet rows = statement.executeQuery()) {
                return rows.next() ? rows.getString(1) : "no row";
            }
        }
    }

    private static String one(String sql, Object... values) throws SQLException {
        return one(db, sql, values);
    }

    private static void create() throws SQLException {
        exec("CREATE TYPE public.mood AS ENUM ('low', 'high')");
        exec("CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int, feeling mood)");
        exec("CREATE TABLE items (id int PRIMARY KEY, todo int REFERENCES public.todos, b bytea, t text, big bigint)");
        exec("CREATE VIEW public.titles AS SELECT title FROM todos");
        exec("CREATE FUNCTION public.twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'");
        saw(one("SELECT count(*) FROM pg_tables WHERE schemaname = ?", "public"));
    }

    private static void crud() throws SQLException {
        db.setAutoCommit(false);
        try (PreparedStatement insert = db.prepareStatement("INSERT INTO todos (title, n) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int n = 1; n <= 5; n++) {
                insert.setString(1, "title " + n);
                insert.setInt(2, n);
                insert.executeUpdate();
                CASES.rows(insert.getGeneratedKeys(), "id", "title");
            }
        }
        saw("updated", exec("UPDATE public.todos SET n = n * 10 WHERE n > 2"), "deleted", exec("DELETE FROM todos WHERE n = 1"));
        db.commit();
        db.setAutoCommit(true);
        try (Statement statement = db.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet rows = statement.executeQuery("SELECT id, title, n FROM public.todos ORDER BY id");
            rows.last();
            rows.updateInt("n", 51);
            rows.updateRow();
            rows.beforeFirst();
            CASES.rows(rows, "title", "n");
        }
        try (var call = db.prepareCall("{? = call public.twice(?)}")) {
            call.registerOutParameter(1, Types.INTEGER);
            call.setInt(2, 21);
            call.execute();
            saw(call.getInt(1));
        }
    }

    private static void rollback() throws SQLException {
        db.setAutoCommit(false);
        exec("DELETE FROM todos");
        saw("inside", one("SELECT count(*) FROM todos"));
        db.rollback();
        db.setAutoCommit(true);
        saw("after", one("SELECT count(*) FROM todos"));
        db.setReadOnly(true);
        db.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        db.setAutoCommit(false);
        saw(one("SHOW transaction_isolation"));
        CASES.refused(() -> exec("DELETE FROM todos"));
        db.rollback();
        db.setAutoCommit(true);
        db.setReadOnly(false);
        db.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }

    private static void uniqueViolation() throws SQLException {
        try {
            exec("INSERT INTO todos (title) VALUES ('title 2')");
        } catch (PSQLException error) {
            var told = error.getServerErrorMessage();
            saw(error.getSQLState(), told.getSchema(), told.getTable(), told.getConstraint(), told.getDetail());
        }
        saw("usable", one("SELECT 1"));
        db.setAutoCommit(false);
        CASES.refused(() -> exec("INSERT INTO todos (title) VALUES ('title 2')"));
        CASES.refused(() -> one("SELECT 1"));
        db.rollback();
        db.setAutoCommit(true);
        try {
            one("SELECT * FROM public.nowhere");
        } catch (PSQLException error) {
            saw(error.getSQLState(), error.getServerErrorMessage().getMessage(), error.getServerErrorMessage().getPosition());
        }
    }

    private static void prepared() throws SQLException {
        for (String threshold : new String[] {"1", "3", "0"}) {
            try (Connection own = open("prepareThreshold", threshold);
                    PreparedStatement by = own.prepareStatement("SELECT title FROM public.todos WHERE n = ?")) {
                List<String> seen = new ArrayList<>();
                for (int n : new int[] {2, 30, 40, 2, 30}) {
                    by.setInt(1, n);
                    ResultSet rows = by.executeQuery();
                    seen.add(rows.next() ? rows.getString(1) : "none");
                }
                saw(threshold, seen, by.unwrap(PGStatement.class).isUseServerPrepare());
            }
        }
        // A statement that is prepared in the server, and a table that changes under it.
        try (PreparedStatement by = db.prepareStatement("SELECT * FROM todos WHERE n = ?")) {
            var parameters = by.getParameterMetaData();
            saw(parameters.getParameterCount(), parameters.getParameterTypeName(1));
            by.unwrap(PGStatement.class).setPrepareThreshold(1);
            for (int columns : new int[] {0, 1}) {
                by.setInt(1, 2);
                ResultSet rows = by.executeQuery();
                saw(columns, rows.getMetaData().getColumnCount());
                exec(columns == 0 ? "ALTER TABLE public.todos ADD COLUMN more int" : "ALTER TABLE todos DROP COLUMN more");
            }
        }
    }

    // How much goes by the extended protocol, and a choice of server that asks each one what it is.
    private static void modes() throws SQLException {
        for (String mode : new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
            try (Connection own = open("preferQueryMode", mode, "targetServerType", "primary")) {
                own.setAutoCommit(false);
                for (int turn = 0; turn < 6; turn++) {
                    exec(own, "INSERT INTO items (id, t) VALUES (" + (60_000 + turn) + ", 'public.todos')");
                }
                saw(mode, one(own, "SELECT count(*) FROM public.items WHERE id >= ? AND t = ?", 60_000, "public.todos"));
                own.rollback();
                saw(mode, one(own, "SELECT count(*) FROM pg_tables WHERE schemaname = ?", "public"));
                own.commit();
            }
        }
    }

    private static void twoPhase() throws Exception {
        PGXADataSource source = new PGXADataSource();
        source.setURL("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"));
        source.setUser(System.getenv("PGUSER"));
        source.setPassword(System.getenv("PGPASSWORD"));
        XAConnection branch = source.getXAConnection();
        for (int number = 1; number <= 2; number++) {
            Xid id = new Branch(System.getenv("PGUSER"), number);
            branch.getXAResource().start(id, XAResource.TMNOFLAGS);
            exec(branch.getConnection(), "INSERT INTO public.items (id, t) VALUES (" + (70_000 + number) + ", 'in two phases')");
            branch.getXAResource().end(id, XAResource.TMSUCCESS);
            saw(branch.getXAResource().prepare(id) == XAResource.XA_OK, one("SELECT count(*) FROM items WHERE t = 'in two phases'"));
            if (number == 1) {
                branch.getXAResource().commit(id, false);
            } else {
                branch.getXAResource().rollback(id);
            }
            saw(one("SELECT count(*) FROM items WHERE t = 'in two phases'"));
        }
        branch.close();
    }

    private record Branch(String user, int number) implements Xid {
        @Override
        public int getFormatId() {
            return number;
        }

        @Override
        public byte[] getGlobalTransactionId() {
            return Cases.bytes(user + number);
        }

        @Override
        public byte[] getBranchQualifier() {
            return new byte[] {1};
        }
    }

    private static void binary() throws SQLException {
        try (Connection own = open("binaryTransfer", "true", "prepareThreshold", "-1");
                PreparedStatement all = own.prepareStatement("SELECT ?::int4, ?::int8, ?::float8, ?::uuid, ?::timestamptz, ?::bytea, ?::numeric, ?::text")) {
            for (int turn = 0; turn < 2; turn++) {
                all.setInt(1, 258);
                all.setLong(2, 1L << 40);
                all.setDouble(3, 0.5);
                all.setObject(4, UUID.fromString("6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
                all.setObject(5, OffsetDateTime.parse("2026-03-01T12:34:56.789012+02:00"));
                all.setBytes(6, new byte[] {0, 1, -2, -1});
                all.setBigDecimal(7, new BigDecimal("12345678901234567890.123456789"));
                all.setString(8, "public");
                ResultSet row = all.executeQuery();
                row.next();
                saw(row.getInt(1), row.getLong(2), row.getDouble(3), row.getObject(4), row.getObject(5, OffsetDateTime.class).toInstant(),
                        Arrays.toString(row.getBytes(6)), row.getBigDecimal(7), row.getString(8));
            }
        }
    }

    private static void nulls() throws SQLException {
        try (PreparedStatement none = db.prepareStatement("SELECT ?::int, ?::text IS NULL, note FROM todos LIMIT 1")) {
            none.setNull(1, Types.INTEGER);
            none.setNull(2, Types.VARCHAR);
            ResultSet row = none.executeQuery();
            row.next();
            int number = row.getInt(1);
            saw(number, row.wasNull(), row.getBoolean(2), row.getString(3));
        }
    }

    private static void arrays() throws SQLException {
        try (PreparedStatement both = db.prepareStatement("SELECT ?::text[], ?::int[], ARRAY[[1, 2], [3, NULL]]")) {
            both.setArray(1, db.createArrayOf("text", new String[] {"a", "b, \"c\"", null, "ü"}));
            both.setArray(2, db.createArrayOf("int4", new Integer[] {1, 2}));
            ResultSet row = both.executeQuery();
            row.next();
            saw(Arrays.toString((Object[]) row.getArray(1).getArray()), Arrays.toString((Object[]) row.getArray(2).getArray()),
                    Arrays.deepToString((Object[]) row.getArray(3).getArray()), row.getArray(1).getBaseTypeName());
        }
        // PgJDBC asks the catalog what an array of the program's own type is.
        Array moods = db.createArrayOf("mood", new String[] {"low", "high"});
        saw(one("SELECT ?::mood[]", moods), one("SELECT ?::text", db.createArrayOf("public.mood", new String[] {"low"})));
    }

    private static void roundTrip(String type, String... values) throws SQLException {
        for (String value : values) {
            PGobject object = new PGobject();
            object.setType(type);
            object.setValue(value);
            String back = one("SELECT ?", object);
            saw(back, one("SELECT ?::" + type + " = ?::" + type, value, back));
        }
    }

    private static void timestamptz() throws SQLException {
        OffsetDateTime at = OffsetDateTime.parse("2026-03-01T12:34:56.789012+02:00");
        try (PreparedStatement echo = db.prepareStatement("SELECT ?::timestamptz, 'infinity'::timestamptz")) {
            echo.setObject(1, at);
            ResultSet row = echo.executeQuery();
            row.next();
            OffsetDateTime back = row.getObject(1, OffsetDateTime.class);
            saw(back.toInstant(), back.isEqual(at), row.getString(2));
        }
    }

    private static void bytea() throws Exception {
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        try (PreparedStatement insert = db.prepareStatement("INSERT INTO items (id, b) VALUES (1, ?)")) {
            insert.setBinaryStream(1, new ByteArrayInputStream(bytes), bytes.length);
            insert.executeUpdate();
        }
        try (Statement statement = db.createStatement()) {
            ResultSet row = statement.executeQuery("SELECT b FROM items WHERE id = 1");
            row.next();
            saw(row.getBytes(1).length, Cases.hash(row.getBytes(1)), Arrays.equals(bytes, row.getBytes(1)));
        }
    }

    private static void introspection() throws SQLException {
        DatabaseMetaData meta = db.getMetaData();
        saw(db.getSchema(), meta.getDatabaseProductName());
        for (String pattern : new String[] {"public", null, "%", "nowhere"}) {
            saw("tables of", pattern);
            CASES.rows(meta.getTables(null, pattern, "%", new String[] {"TABLE", "VIEW"}), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE");
        }
        CASES.rows(meta.getColumns(null, "public", "todos", "%"), "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME", "TYPE_NAME", "DATA_TYPE", "COLUMN_DEF", "IS_AUTOINCREMENT");
        CASES.rows(meta.getPrimaryKeys(null, "public", "todos"), "TABLE_SCHEM", "COLUMN_NAME", "PK_NAME");
        CASES.rows(meta.getImportedKeys(null, "public", "items"), "PKTABLE_SCHEM", "PKTABLE_NAME", "FKTABLE_SCHEM", "FKTABLE_NAME", "FKCOLUMN_NAME");
        CASES.rows(meta.getIndexInfo(null, "public", "todos", false, true), "TABLE_SCHEM", "INDEX_NAME", "COLUMN_NAME");
        CASES.rows(meta.getFunctions(null, "public", "twice"), "FUNCTION_SCHEM", "FUNCTION_NAME");
        CASES.rows(meta.getFunctionColumns(null, "public", "twice", "%"), "FUNCTION_SCHEM", "COLUMN_NAME", "TYPE_NAME");
        CASES.rows(meta.getUDTs(null, "public", "mood", null), "TYPE_SCHEM", "TYPE_NAME");
        try (Statement statement = db.createStatement()) {
            var columns = statement.executeQuery("SELECT id, feeling, title AS renamed FROM public.todos LIMIT 0").getMetaData();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                var own = (org.postgresql.PGResultSetMetaData) columns;
                saw(own.getBaseSchemaName(i), own.getBaseTableName(i), own.getBaseColumnName(i), columns.getColumnLabel(i), columns.getColumnTypeName(i), columns.isAutoIncrement(i), columns.isNullable(i));
            }
        }
    }

    private static void schemas() throws SQLException {
        CASES.rows(db.getMetaData().getSchemas(), "TABLE_SCHEM");
    }

    private static void schema() throws SQLException {
        try (Connection own = open("currentSchema", "public", "ApplicationName", "the cases")) {
            saw(own.getSchema(), one(own, "SHOW search_path"), one(own, "SHOW application_name"), one(own, "SELECT count(*) FROM todos"));
            own.setSchema("public");
            saw(own.getSchema(), one(own, "SHOW search_path"), one(own, "SELECT count(*) FROM todos"));
            own.setSchema("nowhere");
            saw(own.getSchema());
            CASES.refused(() -> one(own, "SELECT count(*) FROM todos"));
        }
    }

    private static void manyRows() throws Exception {
        try (Statement statement = db.createStatement()) {
            ResultSet rows = statement.executeQuery("SELECT g, 'row ' || g FROM generate_series(1, 100000) g");
            saw(sums(rows));
        }
    }

    private static String sums(ResultSet rows) throws Exception {
        int count = 0;
        long sum = 0;
        var hash = MessageDigest.getInstance("SHA-256");
        while (rows.next()) {
            count++;
            sum += rows.getInt(1);
            hash.update(Cases.bytes(rows.getString(2)));
        }
        return count + " " + sum + " " + HexFormat.of().formatHex(hash.digest());
    }

    private static void bigParameter() throws Exception {
        String text = "abcdefghij".repeat(524_288);
        try (PreparedStatement insert = db.prepareStatement("INSERT INTO items (id, t) VALUES (2, ?)")) {
            insert.setString(1, text);
            insert.executeUpdate();
        }
        String back = one("SELECT t FROM items WHERE id = 2");
        saw(back.length(), Cases.hash(Cases.bytes(back)), back.equals(text));
    }

    // A batch is a pipeline: many statements, one Sync.
    private static void pipeline() throws SQLException {
        for (String rewrite : new String[] {"false", "true"}) {
            int first = rewrite.equals("true") ? 20_000 : 10_000;
            try (Connection own = open("reWriteBatchedInserts", rewrite);
                    PreparedStatement insert = own.prepareStatement("INSERT INTO public.items (id, t) VALUES (?, ?)")) {
                for (int n = 0; n < 1500; n++) {
                    insert.setInt(1, first + n);
                    insert.setString(2, "in a batch");
                    insert.addBatch();
                }
                saw(rewrite, insert.executeBatch().length, one(own, "SELECT count(*) FROM items WHERE id >= ?", first));
                for (int n : new int[] {30_000, first, 30_001}) {
                    insert.setInt(1, n);
                    insert.setString(2, "again");
                    insert.addBatch();
                }
                try {
                    insert.executeBatch();
                    saw("not refused");
                } catch (BatchUpdateException error) {
                    saw(error.getSQLState(), Arrays.toString(error.getUpdateCounts()), one(own, "SELECT count(*) FROM items WHERE t = 'again'"));
                }
            }
        }
        try (Statement several = db.createStatement()) {
            boolean rows = several.execute("SELECT 1; UPDATE items SET t = 'x' WHERE id = 1; SELECT 'public'");
            while (rows || several.getUpdateCount() != -1) {
                saw(rows ? "rows" : "changed " + several.getUpdateCount());
                rows = several.getMoreResults();
            }
        }
    }

    private static void cursor() throws Exception {
        db.setAutoCommit(false);
        try (Statement statement = db.createStatement()) {
            statement.setFetchSize(1000);
            saw(sums(statement.executeQuery("SELECT g, 'row ' || g FROM generate_series(1, 25500) g")));
        }
        // Two portals at once, and a statement between their fetches.
        try (PreparedStatement one = db.prepareStatement("SELECT g FROM generate_series(1, ?) g");
                PreparedStatement other = db.prepareStatement("SELECT id FROM public.todos ORDER BY id")) {
            one.setFetchSize(3);
            other.setFetchSize(1);
            one.setInt(1, 10);
            ResultSet left = one.executeQuery();
            ResultSet right = other.executeQuery();
            List<Integer> seen = new ArrayList<>();
            while (left.next()) {
                seen.add(left.getInt(1));
                if (right.next()) {
                    seen.add(-right.getInt(1));
                    one("SELECT 1");
                }
            }
            saw(seen);
        }
        db.commit();
        db.setAutoCommit(true);
    }

    private static void statementTimeout() throws SQLException {
        exec("SET statement_timeout = 100");
        CASES.refused(() -> one("SELECT pg_sleep(20)"));
        exec("RESET statement_timeout");
        saw("usable", one("SHOW statement_timeout"));
        try (Statement statement = db.createStatement()) {
            statement.setQueryTimeout(1);
            CASES.refused(() -> statement.executeQuery("SELECT pg_sleep(20)"));
        }
        try (Connection own = open("options", "-c statement_timeout=100 -c search_path=public")) {
            CASES.refused(() -> one(own, "SELECT pg_sleep(20)"));
            saw(one(own, "SHOW search_path"));
        }
    }

    private static void cancel() throws Exception {
        try (Statement statement = db.createStatement()) {
            Thread stopper = new Thread(() -> {
                try {
                    Thread.sleep(100);
                    statement.cancel();
                } catch (InterruptedException | SQLException error) {
                    throw new IllegalStateException(error);
                }
            });
            stopper.start();
            CASES.refused(() -> statement.executeQuery("SELECT pg_sleep(20)"));
            stopper.join();
        }
        saw("usable", one("SELECT 1"), db.isValid(2));
    }

    private static void savepoint() throws SQLException {
        db.setAutoCommit(false);
        exec("INSERT INTO todos (title) VALUES ('kept')");
        Savepoint one = db.setSavepoint("one");
        CASES.refused(() -> exec("INSERT INTO todos (title) VALUES ('kept')"));
        db.rollback(one);
        Savepoint two = db.setSavepoint();
        exec("INSERT INTO todos (title) VALUES ('kept too')");
        db.releaseSavepoint(two);
        db.commit();
        db.setAutoCommit(true);
        saw(one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"));
        try (Connection own = open("autosave", "always")) {
            own.setAutoCommit(false);
            exec(own, "INSERT INTO todos (title) VALUES ('kept as well')");
            CASES.refused(() -> exec(own, "INSERT INTO todos (title) VALUES ('kept')"));
            own.commit();
        }
        saw(one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"));
    }

    private static void pool() throws Exception {
        ExecutorService ten = Executors.newFixedThreadPool(10);
        List<Future<String>> ends = new ArrayList<>();
        for (int n = 0; n < 10; n++) {
            int mine = n;
            Callable<String> work = () -> {
                try (Connection own = open()) {
                    own.setAutoCommit(false);
                    for (int k = 0; k < 5; k++) {
                        exec(own, "INSERT INTO items (id, big) VALUES (" + (1000 + mine * 5 + k) + ", " + mine + ")");
                        own.commit();
                    }
                    return one(own, "SELECT count(*) FROM items WHERE big = ?", mine);
                }
            };
            ends.add(ten.submit(work));
        }
        List<String> counts = new ArrayList<>();
        for (Future<String> end : ends) {
            counts.add(end.get());
        }
        ten.shutdown();
        saw(counts, ten.awaitTermination(5, TimeUnit.SECONDS), one("SELECT count(*) FROM items WHERE big IS NOT NULL"));
    }

    private static void notifications() throws SQLException {
        exec("LISTEN news");
        try (Connection other = open()) {
            exec(other, "NOTIFY news, 'good news'");
        }
        for (var note : db.unwrap(PGConnection.class).getNotifications(5000)) {
            saw(note.getName(), note.getParameter());
        }
        exec("UNLISTEN *");
    }

    private static void advisoryLock() throws SQLException {
        try (Connection other = open()) {
            saw(one("SELECT pg_try_advisory_lock(11)"), one(other, "SELECT pg_try_advisory_lock(11)"));
            saw(one("SELECT pg_advisory_unlock(11)"), one(other, "SELECT pg_try_advisory_lock(11)"));
        }
    }

    private static void tempTable() throws SQLException {
        exec("CREATE TEMP TABLE scratch (n int)");
        saw(exec("INSERT INTO scratch SELECT generate_series(1, 10)"), one("SELECT sum(n) FROM scratch"));
        exec("DROP TABLE scratch");
    }

    private static void copy() throws Exception {
        var copies = db.unwrap(PGConnection.class).getCopyAPI();
        StringBuilder rows = new StringBuilder();
        for (int n = 100; n < 200; n++) {
            rows.append(n).append("\tcopied ").append(n).append('\n');
        }
        saw(copies.copyIn("COPY public.items (id, t) FROM STDIN", new StringReader(rows.toString())));
        StringWriter back = new StringWriter();
        saw(copies.copyOut("COPY (SELECT id, t FROM items WHERE id BETWEEN 100 AND 199 ORDER BY id) TO STDOUT", back), back.toString().contentEquals(rows));
        CASES.refused(() -> copies.copyIn("COPY items (id) FROM STDIN", new StringReader("not a number\n")));
        var half = copies.copyIn("COPY items (id) FROM STDIN");
        half.writeToCopy(Cases.bytes("300\n"), 0, 4);
        half.cancelCopy();
        saw("usable", one("SELECT count(*) FROM items WHERE id BETWEEN 100 AND 300"));
    }

    // By the fast-path function call, which nothing else uses.
    private static void largeObject() throws Exception {
        db.setAutoCommit(false);
        LargeObjectManager objects = db.unwrap(PGConnection.class).getLargeObjectAPI();
        long id = objects.createLO(LargeObjectManager.READWRITE);
        byte[] bytes = new byte[100_000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i % 251);
        }
        try (LargeObject object = objects.open(id, LargeObjectManager.READWRITE)) {
            object.write(bytes);
            object.seek(50_000);
            saw("read", Cases.hash(object.read(1000)), "at", object.tell(), "of", object.size());
            object.truncate(10);
        }
        saw(one("SELECT length(lo_get(?))", id));
        objects.delete(id);
        try {
            objects.open(id, LargeObjectManager.READ).read(1);
        } catch (SQLException error) {
            saw("gone", error.getSQLState());
        }
        db.rollback();
        db.setAutoCommit(true);
        saw("usable", one("SELECT 1"));
    }

    private static void migrate() throws SQLException {
        db.setAutoCommit(false);
        exec("CREATE TABLE IF NOT EXISTS \"public\".\"flyway_schema_history\" (\"installed_rank\" int NOT NULL, \"version\" varchar(50), \"success\" boolean NOT NULL)");
        exec("ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false");
        exec("INSERT INTO \"public\".\"flyway_schema_history\" VALUES (1, '2', true)");
        db.commit();
        db.setAutoCommit(true);
        // As Flyway looks for its table, and Liquibase for its own.
        saw(one("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?)", "public", "flyway_schema_history"));
        CASES.rows(db.getMetaData().getTables(null, db.getSchema(), "flyway%", null), "TABLE_SCHEM", "TABLE_NAME");
    }

    public static void main(String[] arguments) throws Exception {
        db = open();
        System.out.println("client: PgJDBC " + db.getMetaData().getDriverVersion());
        CASES.run("create", db, PgJdbc::create);
        CASES.run("crud", db, PgJdbc::crud);
        CASES.run("rollback", db, PgJdbc::rollback);
        CASES.run("unique_violation", db, PgJdbc::uniqueViolation);
        CASES.run("prepared", db, PgJdbc::prepared);
        CASES.run("modes", db, PgJdbc::modes);
        CASES.run("two_phase", db, PgJdbc::twoPhase);
        CASES.run("binary", db, PgJdbc::binary);
        CASES.run("null", db, PgJdbc::nulls);
        CASES.run("arrays", db, PgJdbc::arrays);
        CASES.run("jsonb", db, () -> roundTrip("jsonb", "{\"b\": [1, null, \"public\"], \"a\": {\"ü\": 1.50}}"));
        CASES.run("timestamptz", db, PgJdbc::timestamptz);
        CASES.run("numeric", db, () -> roundTrip("numeric", "12345678901234567890.123456789", "NaN", "-0.00"));
        CASES.run("bytea", db, PgJdbc::bytea);
        CASES.run("uuid", db, () -> roundTrip("uuid", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"));
        CASES.run("introspection", db, PgJdbc::introspection);
        CASES.run("schemas", db, PgJdbc::schemas);
        CASES.run("schema", db, PgJdbc::schema);
        CASES.run("rows_100000", db, PgJdbc::manyRows);
        CASES.run("parameter_5mb", db, PgJdbc::bigParameter);
        CASES.run("pipeline", db, PgJdbc::pipeline);
        CASES.run("cursor", db, PgJdbc::cursor);
        CASES.run("statement_timeout", db, PgJdbc::statementTimeout);
        CASES.run("cancel", db, PgJdbc::cancel);
        CASES.run("savepoint", db, PgJdbc::savepoint);
        CASES.run("pool", db, PgJdbc::pool);
        CASES.run("notify", db, PgJdbc::notifications);
        CASES.run("advisory_lock", db, PgJdbc::advisoryLock);
        CASES.run("temp_table", db, PgJdbc::tempTable);
        CASES.run("copy", db, PgJdbc::copy);
        CASES.run("large_object", db, PgJdbc::largeObject);
        CASES.run("migrate", db, PgJdbc::migrate);
        db.close();
    }
}
