// The tables of the Drizzle program later: one table more, whose key is an identity.

import { integer, pgTable, text } from "drizzle-orm/pg-core";
import { things } from "./first.js";
import { uuid } from "drizzle-orm/pg-core";

export * from "./first.js";
export const notes = pgTable("notes", {
  id: integer("id").primaryKey().generatedAlwaysAsIdentity(),
  thing: uuid("thing").references(() => things.id),
  text: text("text").notNull().default("public"),
});
