// Values of each type, there and back.

import java.io.ByteArrayInputStream;
import java.math.BigDecimal;
import java.sql.Array;
import java.sql.Connection;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.sql.Types;
import java.time.OffsetDateTime;
import java.util.Arrays;
import java.util.UUID;
import org.postgresql.util.PGobject;

final class Values {
    static void binary() throws SQLException {
        try (Connection own = Db.open("binaryTransfer", "true", "prepareThreshold", "-1");
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
                Db.saw(row.getInt(1), row.getLong(2), row.getDouble(3), row.getObject(4), row.getObject(5, OffsetDateTime.class).toInstant(),
                        Arrays.toString(row.getBytes(6)), row.getBigDecimal(7), row.getString(8));
            }
        }
    }

    static void nulls() throws SQLException {
        try (PreparedStatement none = Db.db.prepareStatement("SELECT ?::int, ?::text IS NULL, note FROM todos LIMIT 1")) {
            none.setNull(1, Types.INTEGER);
            none.setNull(2, Types.VARCHAR);
            ResultSet row = none.executeQuery();
            row.next();
            int number = row.getInt(1);
            Db.saw(number, row.wasNull(), row.getBoolean(2), row.getString(3));
        }
    }

    static void arrays() throws SQLException {
        try (PreparedStatement both = Db.db.prepareStatement("SELECT ?::text[], ?::int[], ARRAY[[1, 2], [3, NULL]]")) {
            both.setArray(1, Db.db.createArrayOf("text", new String[] {"a", "b, \"c\"", null, "ü"}));
            both.setArray(2, Db.db.createArrayOf("int4", new Integer[] {1, 2}));
            ResultSet row = both.executeQuery();
            row.next();
            Db.saw(Arrays.toString((Object[]) row.getArray(1).getArray()), Arrays.toString((Object[]) row.getArray(2).getArray()),
                    Arrays.deepToString((Object[]) row.getArray(3).getArray()), row.getArray(1).getBaseTypeName());
        }
        // PgJDBC asks the catalog what an array of the program's own type is.
        Array moods = Db.db.createArrayOf("mood", new String[] {"low", "high"});
        Db.saw(Db.one("SELECT ?::mood[]", moods), Db.one("SELECT ?::text", Db.db.createArrayOf("public.mood", new String[] {"low"})));
    }

    static void roundTrip(String type, String... values) throws SQLException {
        for (String value : values) {
            PGobject object = new PGobject();
            object.setType(type);
            object.setValue(value);
            String back = Db.one("SELECT ?", object);
            Db.saw(back, Db.one("SELECT ?::" + type + " = ?::" + type, value, back));
        }
    }

    static void timestamptz() throws SQLException {
        OffsetDateTime at = OffsetDateTime.parse("2026-03-01T12:34:56.789012+02:00");
        try (PreparedStatement echo = Db.db.prepareStatement("SELECT ?::timestamptz, 'infinity'::timestamptz")) {
            echo.setObject(1, at);
            ResultSet row = echo.executeQuery();
            row.next();
            OffsetDateTime back = row.getObject(1, OffsetDateTime.class);
            Db.saw(back.toInstant(), back.isEqual(at), row.getString(2));
        }
    }

    static void bytea() throws Exception {
        byte[] bytes = new byte[256];
        for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) i;
        }
        try (PreparedStatement insert = Db.db.prepareStatement("INSERT INTO items (id, b) VALUES (1, ?)")) {
            insert.setBinaryStream(1, new ByteArrayInputStream(bytes), bytes.length);
            insert.executeUpdate();
        }
        try (Statement statement = Db.db.createStatement()) {
            ResultSet row = statement.executeQuery("SELECT b FROM items WHERE id = 1");
            row.next();
            Db.saw(row.getBytes(1).length, Cases.hash(row.getBytes(1)), Arrays.equals(bytes, row.getBytes(1)));
        }
    }
}
