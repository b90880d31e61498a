// What PgJDBC finds out about tables, and where it looks for them.

import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.SQLException;
import java.sql.Statement;

final class Catalog {
    static void introspection() throws SQLException {
        DatabaseMetaData meta = Db.db.getMetaData();
        Db.saw(Db.db.getSchema(), meta.getDatabaseProductName());
        for (String pattern : new String[] {"public", null, "%", "nowhere"}) {
            Db.saw("tables of", pattern);
            Db.CASES.rows(meta.getTables(null, pattern, "%", new String[] {"TABLE", "VIEW"}), "TABLE_SCHEM", "TABLE_NAME", "TABLE_TYPE");
        }
        Db.CASES.rows(meta.getColumns(null, "public", "todos", "%"), "TABLE_SCHEM", "TABLE_NAME", "COLUMN_NAME", "TYPE_NAME", "DATA_TYPE", "COLUMN_DEF", "IS_AUTOINCREMENT");
        Db.CASES.rows(meta.getPrimaryKeys(null, "public", "todos"), "TABLE_SCHEM", "COLUMN_NAME", "PK_NAME");
        Db.CASES.rows(meta.getImportedKeys(null, "public", "items"), "PKTABLE_SCHEM", "PKTABLE_NAME", "FKTABLE_SCHEM", "FKTABLE_NAME", "FKCOLUMN_NAME");
        Db.CASES.rows(meta.getIndexInfo(null, "public", "todos", false, true), "TABLE_SCHEM", "INDEX_NAME", "COLUMN_NAME");
        Db.CASES.rows(meta.getFunctions(null, "public", "twice"), "FUNCTION_SCHEM", "FUNCTION_NAME");
        Db.CASES.rows(meta.getFunctionColumns(null, "public", "twice", "%"), "FUNCTION_SCHEM", "COLUMN_NAME", "TYPE_NAME");
        Db.CASES.rows(meta.getUDTs(null, "public", "mood", null), "TYPE_SCHEM", "TYPE_NAME");
        try (Statement statement = Db.db.createStatement()) {
            var columns = statement.executeQuery("SELECT id, feeling, title AS renamed FROM public.todos LIMIT 0").getMetaData();
            for (int i = 1; i <= columns.getColumnCount(); i++) {
                var own = (org.postgresql.PGResultSetMetaData) columns;
                Db.saw(own.getBaseSchemaName(i), own.getBaseTableName(i), own.getBaseColumnName(i), columns.getColumnLabel(i), columns.getColumnTypeName(i), columns.isAutoIncrement(i), columns.isNullable(i));
            }
        }
    }

    static void schemas() throws SQLException {
        Db.CASES.rows(Db.db.getMetaData().getSchemas(), "TABLE_SCHEM");
    }

    static void schema() throws SQLException {
        try (Connection own = Db.open("currentSchema", "public", "ApplicationName", "the cases")) {
            Db.saw(own.getSchema(), Db.one(own, "SHOW search_path"), Db.one(own, "SHOW application_name"), Db.one(own, "SELECT count(*) FROM todos"));
            own.setSchema("public");
            Db.saw(own.getSchema(), Db.one(own, "SHOW search_path"), Db.one(own, "SELECT count(*) FROM todos"));
            own.setSchema("nowhere");
            Db.saw(own.getSchema());
            Db.CASES.refused(() -> Db.one(own, "SELECT count(*) FROM todos"));
        }
    }
}
