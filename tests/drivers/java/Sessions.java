// What several sessions do to each other, and what ends a statement.

import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import javax.sql.XAConnection;
import javax.transaction.xa.XAResource;
import javax.transaction.xa.Xid;
import org.postgresql.PGConnection;
import org.postgresql.xa.PGXADataSource;

final class Sessions {
    static void twoPhase() throws Exception {
        PGXADataSource source = new PGXADataSource();
        source.setURL("jdbc:postgresql://" + System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE"));
        source.setUser(System.getenv("PGUSER"));
        source.setPassword(System.getenv("PGPASSWORD"));
        XAConnection branch = source.getXAConnection();
        for (int number = 1; number <= 2; number++) {
            Xid id = new Branch(System.getenv("PGUSER"), number);
            branch.getXAResource().start(id, XAResource.TMNOFLAGS);
            Db.exec(branch.getConnection(), "INSERT INTO public.items (id, t) VALUES (" + (70_000 + number) + ", 'in two phases')");
            branch.getXAResource().end(id, XAResource.TMSUCCESS);
            Db.saw(branch.getXAResource().prepare(id) == XAResource.XA_OK, Db.one("SELECT count(*) FROM items WHERE t = 'in two phases'"));
            if (number == 1) {
                branch.getXAResource().commit(id, false);
            } else {
                branch.getXAResource().rollback(id);
            }
            Db.saw(Db.one("SELECT count(*) FROM items WHERE t = 'in two phases'"));
        }
        branch.close();
    }

    static void statementTimeout() throws SQLException {
        Db.exec("SET statement_timeout = 100");
        Db.CASES.refused(() -> Db.one("SELECT pg_sleep(20)"));
        Db.exec("RESET statement_timeout");
        Db.saw("usable", Db.one("SHOW statement_timeout"));
        try (Statement statement = Db.db.createStatement()) {
            statement.setQueryTimeout(1);
            Db.CASES.refused(() -> statement.executeQuery("SELECT pg_sleep(20)"));
        }
        try (Connection own = Db.open("options", "-c statement_timeout=100 -c search_path=public")) {
            Db.CASES.refused(() -> Db.one(own, "SELECT pg_sleep(20)"));
            Db.saw(Db.one(own, "SHOW search_path"));
        }
    }

    static void cancel() throws Exception {
        try (Statement statement = Db.db.createStatement()) {
            Thread stopper = new Thread(() -> {
                try {
                    Thread.sleep(100);
                    statement.cancel();
                } catch (InterruptedException | SQLException error) {
                    throw new IllegalStateException(error);
                }
            });
            stopper.start();
            Db.CASES.refused(() -> statement.executeQuery("SELECT pg_sleep(20)"));
            stopper.join();
        }
        Db.saw("usable", Db.one("SELECT 1"), Db.db.isValid(2));
    }

    static void pool() throws Exception {
        ExecutorService ten = Executors.newFixedThreadPool(10);
        List<Future<String>> ends = new ArrayList<>();
        for (int n = 0; n < 10; n++) {
            int mine = n;
            Callable<String> work = () -> {
                try (Connection own = Db.open()) {
                    own.setAutoCommit(false);
                    for (int k = 0; k < 5; k++) {
                        Db.exec(own, "INSERT INTO items (id, big) VALUES (" + (1000 + mine * 5 + k) + ", " + mine + ")");
                        own.commit();
                    }
                    return Db.one(own, "SELECT count(*) FROM items WHERE big = ?", mine);
                }
            };
            ends.add(ten.submit(work));
        }
        List<String> counts = new ArrayList<>();
        for (Future<String> end : ends) {
            counts.add(end.get());
        }
        ten.shutdown();
        Db.saw(counts, ten.awaitTermination(5, TimeUnit.SECONDS), Db.one("SELECT count(*) FROM items WHERE big IS NOT NULL"));
    }

    static void notifications() throws SQLException {
        Db.exec("LISTEN news");
        try (Connection other = Db.open()) {
            Db.exec(other, "NOTIFY news, 'good news'");
        }
        for (var note : Db.db.unwrap(PGConnection.class).getNotifications(5000)) {
            Db.saw(note.getName(), note.getParameter());
        }
        Db.exec("UNLISTEN *");
    }

    static void advisoryLock() throws SQLException {
        try (Connection other = Db.open()) {
            Db.saw(Db.one("SELECT pg_try_advisory_lock(11)"), Db.one(other, "SELECT pg_try_advisory_lock(11)"));
            Db.saw(Db.one("SELECT pg_advisory_unlock(11)"), Db.one(other, "SELECT pg_try_advisory_lock(11)"));
        }
    }

    static void tempTable() throws SQLException {
        Db.exec("CREATE TEMP TABLE scratch (n int)");
        Db.saw(Db.exec("INSERT INTO scratch SELECT generate_series(1, 10)"), Db.one("SELECT sum(n) FROM scratch"));
        Db.exec("DROP TABLE scratch");
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
}
