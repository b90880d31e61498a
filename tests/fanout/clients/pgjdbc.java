// PgJDBC: server-side statements from the fifth time on, rows in parts, metadata.

import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;

final class Analyst {
    public static void main(String[] arguments) throws SQLException {
        String at = System.getenv("PGHOST") + ":" + System.getenv("PGPORT") + "/" + System.getenv("PGDATABASE");
        try (Connection db = DriverManager.getConnection("jdbc:postgresql://" + at, System.getenv("PGUSER"), System.getenv("PGPASSWORD"))) {
            String byMood = "SELECT mood, count(*), avg(hours) FROM todos WHERE hours > ? GROUP BY mood ORDER BY mood";
            try (PreparedStatement statement = db.prepareStatement(byMood)) {
                for (int hours = 0; hours < 8; hours++) {
                    statement.setInt(1, hours);
                    print(statement.executeQuery());
                }
            }
            db.setAutoCommit(false);
            db.setReadOnly(true);
            try (Statement statement = db.createStatement()) {
                statement.setFetchSize(50);
                print(statement.executeQuery("SELECT id, at, due, weight, score, done, raw FROM todos ORDER BY id LIMIT 120"));
                try {
                    statement.executeQuery("SELECT nope FROM todos");
                } catch (SQLException error) {
                    System.out.println(error.getSQLState());
                }
                db.rollback();
                print(statement.executeQuery("SELECT sum(weight), max(title) FROM todos"));
            }
            db.commit();
            System.out.println(db.getTransactionIsolation());
            db.setAutoCommit(true);
            try (ResultSet columns = db.getMetaData().getColumns(null, "public", "lists", null)) {
                while (columns.next()) {
                    System.out.println(columns.getString("COLUMN_NAME") + " " + columns.getString("TYPE_NAME"));
                }
            }
        }
    }

    private static void print(ResultSet rows) throws SQLException {
        int columns = rows.getMetaData().getColumnCount();
        while (rows.next()) {
            StringBuilder line = new StringBuilder();
            for (int at = 1; at <= columns; at++) {
                line.append(rows.getString(at)).append(" | ");
            }
            System.out.println(line);
        }
        rows.close();
    }
}
