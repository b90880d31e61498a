// How the Java program runs and prints its cases.

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.sql.Connection;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;

final class Cases {
    interface Run {
        void run() throws Exception;
    }

    private String current = "";

    void saw(Object... values) {
        System.out.println(current + ": " + Stream.of(values).map(String::valueOf).collect(Collectors.joining(" ")));
    }

    // Runs one case; the connection is put in order again when it failed.
    void run(String name, Connection connection, Run run) throws SQLException {
        current = name;
        try {
            run.run();
        } catch (Exception error) {
            saw("ERROR", state(error), first(error));
            if (!connection.getAutoCommit()) {
                connection.rollback();
                connection.setAutoCommit(true);
            }
        }
    }

    void refused(Run run) {
        try {
            run.run();
            saw("not refused");
        } catch (Exception error) {
            saw(state(error), first(error));
        }
    }

    private static String state(Exception error) {
        return error instanceof SQLException told ? told.getSQLState() : error.getClass().getName();
    }

    private static String first(Exception error) {
        return String.valueOf(error.getMessage()).lines().findFirst().orElse("");
    }

    // Every row of some of its columns, one line each.
    void rows(ResultSet rows, String... columns) throws SQLException {
        while (rows.next()) {
            List<String> cells = new ArrayList<>();
            for (String column : columns) {
                cells.add(rows.getString(column));
            }
            saw(String.join("|", cells.stream().map(String::valueOf).toList()));
        }
    }

    static String hash(byte[] bytes) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes));
    }

    static byte[] bytes(String text) {
        return text.getBytes(StandardCharsets.UTF_8);
    }
}
