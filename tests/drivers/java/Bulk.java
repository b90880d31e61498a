// Much at a time: rows, parameters, batches, cursors, COPY, large objects.

import java.io.StringReader;
import java.io.StringWriter;
import java.security.MessageDigest;
import java.sql.BatchUpdateException;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.postgresql.PGConnection;
import org.postgresql.largeobject.LargeObject;
import org.postgresql.largeobject.LargeObjectManager;

final class Bulk {
    static void manyRows() throws Exception {
        try (Statement statement = Db.db.createStatement()) {
            ResultSet rows = statement.executeQuery("SELECT g, 'row ' || g FROM generate_series(1, 100000) g");
            Db.saw(sums(rows));
        }
    }

    static String sums(ResultSet rows) throws Exception {
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

    static void bigParameter() throws Exception {
        String text = "abcdefghij".repeat(524_288);
        try (PreparedStatement insert = Db.db.prepareStatement("INSERT INTO items (id, t) VALUES (2, ?)")) {
            insert.setString(1, text);
            insert.executeUpdate();
        }
        String back = Db.one("SELECT t FROM items WHERE id = 2");
        Db.saw(back.length(), Cases.hash(Cases.bytes(back)), back.equals(text));
    }

    // A batch is a pipeline: many statements, one Sync.
    static void pipeline() throws SQLException {
        for (String rewrite : new String[] {"false", "true"}) {
            int first = rewrite.equals("true") ? 20_000 : 10_000;
            try (Connection own = Db.open("reWriteBatchedInserts", rewrite);
                    PreparedStatement insert = own.prepareStatement("INSERT INTO public.items (id, t) VALUES (?, ?)")) {
                for (int n = 0; n < 1500; n++) {
                    insert.setInt(1, first + n);
                    insert.setString(2, "in a batch");
                    insert.addBatch();
                }
                Db.saw(rewrite, insert.executeBatch().length, Db.one(own, "SELECT count(*) FROM items WHERE id >= ?", first));
                for (int n : new int[] {30_000, first, 30_001}) {
                    insert.setInt(1, n);
                    insert.setString(2, "again");
                    insert.addBatch();
                }
                try {
                    insert.executeBatch();
                    Db.saw("not refused");
                } catch (BatchUpdateException error) {
                    Db.saw(error.getSQLState(), Arrays.toString(error.getUpdateCounts()), Db.one(own, "SELECT count(*) FROM items WHERE t = 'again'"));
                }
            }
        }
        try (Statement several = Db.db.createStatement()) {
            boolean rows = several.execute("SELECT 1; UPDATE items SET t = 'x' WHERE id = 1; SELECT 'public'");
            while (rows || several.getUpdateCount() != -1) {
                Db.saw(rows ? "rows" : "changed " + several.getUpdateCount());
                rows = several.getMoreResults();
            }
        }
    }

    static void cursor() throws Exception {
        Db.db.setAutoCommit(false);
        try (Statement statement = Db.db.createStatement()) {
            statement.setFetchSize(1000);
            Db.saw(sums(statement.executeQuery("SELECT g, 'row ' || g FROM generate_series(1, 25500) g")));
        }
        // Two portals at once, and a statement between their fetches.
        try (PreparedStatement one = Db.db.prepareStatement("SELECT g FROM generate_series(1, ?) g");
                PreparedStatement other = Db.db.prepareStatement("SELECT id FROM public.todos ORDER BY id")) {
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
                    Db.one("SELECT 1");
                }
            }
            Db.saw(seen);
        }
        Db.db.commit();
        Db.db.setAutoCommit(true);
    }

    static void copy() throws Exception {
        var copies = Db.db.unwrap(PGConnection.class).getCopyAPI();
        StringBuilder rows = new StringBuilder();
        for (int n = 100; n < 200; n++) {
            rows.append(n).append("\tcopied ").append(n).append('\n');
        }
        Db.saw(copies.copyIn("COPY public.items (id, t) FROM STDIN", new StringReader(rows.toString())));
        StringWriter back = new StringWriter();
        Db.saw(copies.copyOut("COPY (SELECT id, t FROM items WHERE id BETWEEN 100 AND 199 ORDER BY id) TO STDOUT", back), back.toString().contentEquals(rows));
        Db.CASES.refused(() -> copies.copyIn("COPY items (id) FROM STDIN", new StringReader("not a number\n")));
        var half = copies.copyIn("COPY items (id) FROM STDIN");
        half.writeToCopy(Cases.bytes("300\n"), 0, 4);
        half.cancelCopy();
        Db.saw("usable", Db.one("SELECT count(*) FROM items WHERE id BETWEEN 100 AND 300"));
    }

    // By the fast-path function call, which nothing else uses.
    static void largeObject() throws Exception {
        Db.db.setAutoCommit(false);
        LargeObjectManager objects = Db.db.unwrap(PGConnection.class).getLargeObjectAPI();
        long id = objects.createLO(LargeObjectManager.READWRITE);
        byte[] bytes = new byte[100_000];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) (i % 251);
        }
        try (LargeObject object = objects.open(id, LargeObjectManager.READWRITE)) {
            object.write(bytes);
            object.seek(50_000);
            Db.saw("read", Cases.hash(object.read(1000)), "at", object.tell(), "of", object.size());
            object.truncate(10);
        }
        Db.saw(Db.one("SELECT length(lo_get(?))", id));
        objects.delete(id);
        try {
            objects.open(id, LargeObjectManager.READ).read(1);
        } catch (SQLException error) {
            Db.saw("gone", error.getSQLState());
        }
        Db.db.rollback();
        Db.db.setAutoCommit(true);
        Db.saw("usable", Db.one("SELECT 1"));
    }
}
