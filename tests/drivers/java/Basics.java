// Tables, transactions, prepared statements.

import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Types;
import java.util.ArrayList;
import java.util.List;
import org.postgresql.PGStatement;
import org.postgresql.util.PSQLException;

final class Basics {
    static void create() throws SQLException {
        Db.exec("CREATE TYPE public.mood AS ENUM ('low', 'high')");
        Db.exec("CREATE TABLE public.todos (id serial PRIMARY KEY, title text NOT NULL UNIQUE, note text, n int, feeling mood)");
        Db.exec("CREATE TABLE items (id int PRIMARY KEY, todo int REFERENCES public.todos, b bytea, t text, big bigint)");
        Db.exec("CREATE VIEW public.titles AS SELECT title FROM todos");
        Db.exec("CREATE FUNCTION public.twice(n int) RETURNS int LANGUAGE sql AS 'SELECT n * 2'");
        Db.saw(Db.one("SELECT count(*) FROM pg_tables WHERE schemaname = ?", "public"));
    }

    static void crud() throws SQLException {
        Db.db.setAutoCommit(false);
        try (PreparedStatement insert = Db.db.prepareStatement("INSERT INTO todos (title, n) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int n = 1; n <= 5; n++) {
                insert.setString(1, "title " + n);
                insert.setInt(2, n);
                insert.executeUpdate();
                Db.CASES.rows(insert.getGeneratedKeys(), "id", "title");
            }
        }
        Db.saw("updated", Db.exec("UPDATE public.todos SET n = n * 10 WHERE n > 2"), "deleted", Db.exec("DELETE FROM todos WHERE n = 1"));
        Db.db.commit();
        Db.db.setAutoCommit(true);
        try (Statement statement = Db.db.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)) {
            ResultSet rows = statement.executeQuery("SELECT id, title, n FROM public.todos ORDER BY id");
            rows.last();
            rows.updateInt("n", 51);
            rows.updateRow();
            rows.beforeFirst();
            Db.CASES.rows(rows, "title", "n");
        }
        try (var call = Db.db.prepareCall("{? = call public.twice(?)}")) {
            call.registerOutParameter(1, Types.INTEGER);
            call.setInt(2, 21);
            call.execute();
            Db.saw(call.getInt(1));
        }
    }

    static void rollback() throws SQLException {
        Db.db.setAutoCommit(false);
        Db.exec("DELETE FROM todos");
        Db.saw("inside", Db.one("SELECT count(*) FROM todos"));
        Db.db.rollback();
        Db.db.setAutoCommit(true);
        Db.saw("after", Db.one("SELECT count(*) FROM todos"));
        Db.db.setReadOnly(true);
        Db.db.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
        Db.db.setAutoCommit(false);
        Db.saw(Db.one("SHOW transaction_isolation"));
        Db.CASES.refused(() -> Db.exec("DELETE FROM todos"));
        Db.db.rollback();
        Db.db.setAutoCommit(true);
        Db.db.setReadOnly(false);
        Db.db.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
    }

    static void uniqueViolation() throws SQLException {
        try {
            Db.exec("INSERT INTO todos (title) VALUES ('title 2')");
        } catch (PSQLException error) {
            var told = error.getServerErrorMessage();
            Db.saw(error.getSQLState(), told.getSchema(), told.getTable(), told.getConstraint(), told.getDetail());
        }
        Db.saw("usable", Db.one("SELECT 1"));
        Db.db.setAutoCommit(false);
        Db.CASES.refused(() -> Db.exec("INSERT INTO todos (title) VALUES ('title 2')"));
        Db.CASES.refused(() -> Db.one("SELECT 1"));
        Db.db.rollback();
        Db.db.setAutoCommit(true);
        try {
            Db.one("SELECT * FROM public.nowhere");
        } catch (PSQLException error) {
            Db.saw(error.getSQLState(), error.getServerErrorMessage().getMessage(), error.getServerErrorMessage().getPosition());
        }
    }

    static void prepared() throws SQLException {
        for (String threshold : new String[] {"1", "3", "0"}) {
            try (Connection own = Db.open("prepareThreshold", threshold);
                    PreparedStatement by = own.prepareStatement("SELECT title FROM public.todos WHERE n = ?")) {
                List<String> seen = new ArrayList<>();
                for (int n : new int[] {2, 30, 40, 2, 30}) {
                    by.setInt(1, n);
                    ResultSet rows = by.executeQuery();
                    seen.add(rows.next() ? rows.getString(1) : "none");
                }
                Db.saw(threshold, seen, by.unwrap(PGStatement.class).isUseServerPrepare());
            }
        }
        // A statement that is prepared in the server, and a table that changes under it.
        try (PreparedStatement by = Db.db.prepareStatement("SELECT * FROM todos WHERE n = ?")) {
            var parameters = by.getParameterMetaData();
            Db.saw(parameters.getParameterCount(), parameters.getParameterTypeName(1));
            by.unwrap(PGStatement.class).setPrepareThreshold(1);
            for (int columns : new int[] {0, 1}) {
                by.setInt(1, 2);
                ResultSet rows = by.executeQuery();
                Db.saw(columns, rows.getMetaData().getColumnCount());
                Db.exec(columns == 0 ? "ALTER TABLE public.todos ADD COLUMN more int" : "ALTER TABLE todos DROP COLUMN more");
            }
        }
    }

    // How much goes by the extended protocol, and a choice of server that asks each one what it is.
    static void modes() throws SQLException {
        for (String mode : new String[] {"simple", "extended", "extendedForPrepared", "extendedCacheEverything"}) {
            try (Connection own = Db.open("preferQueryMode", mode, "targetServerType", "primary")) {
                own.setAutoCommit(false);
                for (int turn = 0; turn < 6; turn++) {
                    Db.exec(own, "INSERT INTO items (id, t) VALUES (" + (60_000 + turn) + ", 'public.todos')");
                }
                Db.saw(mode, Db.one(own, "SELECT count(*) FROM public.items WHERE id >= ? AND t = ?", 60_000, "public.todos"));
                own.rollback();
                Db.saw(mode, Db.one(own, "SELECT count(*) FROM pg_tables WHERE schemaname = ?", "public"));
                own.commit();
            }
        }
    }

    static void savepoint() throws SQLException {
        Db.db.setAutoCommit(false);
        Db.exec("INSERT INTO todos (title) VALUES ('kept')");
        Savepoint one = Db.db.setSavepoint("one");
        Db.CASES.refused(() -> Db.exec("INSERT INTO todos (title) VALUES ('kept')"));
        Db.db.rollback(one);
        Savepoint two = Db.db.setSavepoint();
        Db.exec("INSERT INTO todos (title) VALUES ('kept too')");
        Db.db.releaseSavepoint(two);
        Db.db.commit();
        Db.db.setAutoCommit(true);
        Db.saw(Db.one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"));
        try (Connection own = Db.open("autosave", "always")) {
            own.setAutoCommit(false);
            Db.exec(own, "INSERT INTO todos (title) VALUES ('kept as well')");
            Db.CASES.refused(() -> Db.exec(own, "INSERT INTO todos (title) VALUES ('kept')"));
            own.commit();
        }
        Db.saw(Db.one("SELECT count(*) FROM todos WHERE title LIKE 'kept%'"));
    }

    static void migrate() throws SQLException {
        Db.db.setAutoCommit(false);
        Db.exec("CREATE TABLE IF NOT EXISTS \"public\".\"flyway_schema_history\" (\"installed_rank\" int NOT NULL, \"version\" varchar(50), \"success\" boolean NOT NULL)");
        Db.exec("ALTER TABLE public.todos ADD COLUMN done boolean NOT NULL DEFAULT false");
        Db.exec("INSERT INTO \"public\".\"flyway_schema_history\" VALUES (1, '2', true)");
        Db.db.commit();
        Db.db.setAutoCommit(true);
        // As Flyway looks for its table, and Liquibase for its own.
        Db.saw(Db.one("SELECT EXISTS (SELECT 1 FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = ? AND c.relname = ?)", "public", "flyway_schema_history"));
        Db.CASES.rows(Db.db.getMetaData().getTables(null, Db.db.getSchema(), "flyway%", null), "TABLE_SCHEM", "TABLE_NAME");
    }
}
