// What drizzle-kit is told: which tables, which database, where migrations go.

const { DATABASE_URL, DRIZZLE_SCHEMA } = process.env;

export default {
  dialect: "postgresql",
  schema: new URL(DRIZZLE_SCHEMA, import.meta.url).pathname,
  out: "./migrations",
  dbCredentials: { url: DATABASE_URL },
  migrations: { schema: "public", table: "journal" },
  verbose: true,
};
