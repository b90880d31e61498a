// The tables of the Drizzle program at first.

import { bigint, customType, index, integer, jsonb, numeric, pgEnum, pgTable, pgView, serial, text, timestamp, uuid, varchar } from "drizzle-orm/pg-core";
import { eq } from "drizzle-orm";

const bytes = customType({ dataType: () => "bytea" });

export const mood = pgEnum("mood", ["calm", "public"]);
export const kinds = pgTable("kinds", { id: serial("id").primaryKey(), name: varchar("name", { length: 80 }).notNull().unique() });
export const things = pgTable("things", {
  id: uuid("id").primaryKey().defaultRandom(),
  kindId: integer("kind_id").references(() => kinds.id, { onDelete: "cascade" }),
  mood: mood("mood").default("calm"),
  tags: text("tags").array(),
  data: jsonb("data"),
  at: timestamp("at", { withTimezone: true, precision: 6, mode: "string" }),
  price: numeric("price", { precision: 40, scale: 9 }),
  bytes: bytes("bytes"),
  big: bigint("big", { mode: "bigint" }),
  long: text("long"),
}, (table) => [index("things_kind").on(table.kindId, table.mood)]);
export const calm = pgView("calm_things").as((db) => db.select({ id: things.id }).from(things).where(eq(things.mood, "calm")));
