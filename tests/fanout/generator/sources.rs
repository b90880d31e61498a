//! What random queries read, and what can be asked of a column of each kind.

/// Kinds of columns: what they can be compared with, and which aggregates they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Integer,
    Numeric,
    Float,
    Text,
    Bool,
    Date,
    Moment,
    Span,
    Mood,
    Uuid,
    Other,
}

/// A column of a source.
#[derive(Clone, Copy, Debug)]
pub(super) struct Column {
    /// An expression whose equal values look the same, so that any may stand for a group.
    pub(super) sql: &'static str,
    pub(super) kind: Kind,
}

/// What stands behind FROM.
pub(super) struct Source {
    pub(super) from: &'static str,
    pub(super) columns: Vec<Column>,
    /// What tells any two rows apart.
    pub(super) row: &'static str,
    /// Conditions with subqueries.
    pub(super) asks: &'static [&'static str],
}

const fn column(sql: &'static str, kind: Kind) -> Column {
    Column { sql, kind }
}

const TODO: [Column; 18] = [
    column("t.hours", Kind::Integer),
    column("t.small", Kind::Integer),
    column("t.big", Kind::Integer),
    column("t.n", Kind::Integer),
    column("trim_scale(t.weight)", Kind::Numeric),
    column("trim_scale(t.odd)", Kind::Numeric),
    column("CASE WHEN abs(t.score) < 1e6 THEN t.score + 0 END", Kind::Float),
    column("t.ratio::float8 + 0", Kind::Float),
    column("t.title", Kind::Text),
    column("t.note", Kind::Text),
    column("lower(t.title)", Kind::Text),
    column("t.done", Kind::Bool),
    column("t.due", Kind::Date),
    column("t.at", Kind::Moment),
    column("justify_interval(t.took)", Kind::Span),
    column("t.mood", Kind::Mood),
    column("t.list_id", Kind::Uuid),
    column("t.raw", Kind::Other),
];
const LIST: [Column; 4] = [
    column("l.name", Kind::Text),
    column("l.color", Kind::Text),
    column("l.budget", Kind::Numeric),
    column("l.created", Kind::Date),
];
const EVENT: [Column; 4] = [
    column("e.n", Kind::Integer),
    column("e.kind", Kind::Text),
    column("e.amount", Kind::Numeric),
    column("e.at", Kind::Moment),
];
const TAG: [Column; 2] = [column("g.label", Kind::Text), column("g.rank", Kind::Integer)];
const STORE: [Column; 1] = [column("t._store", Kind::Text)];

const OF_TODOS: &[&str] = &[
    "EXISTS (SELECT 1 FROM tags x WHERE x.todo_id = t.id AND x.rank > 1)",
    "t.list_id IN (SELECT id FROM lists WHERE color = 'red')",
    "t.hours > (SELECT avg(hours) FROM todos WHERE abs(hours::int8) < 1000)",
    "t.n IN (SELECT n FROM events WHERE kind = 'made')",
    "'home' = ANY (t.tags)",
    "t.at < now()",
    "(t.hours, t.small) > (2, 3)",
];
const OF_EVENTS: &[&str] = &[
    "EXISTS (SELECT 1 FROM todos x WHERE x.id = e.todo_id AND x.done)",
    "e.at < CURRENT_TIMESTAMP",
    "e.n % 2 = 0",
];

/// Everything that there is to read.
pub(super) fn sources() -> Vec<Source> {
    let source =
        |from, columns: &[&[Column]], row, asks| Source { from, columns: columns.concat(), row, asks };
    vec![
        source("todos t", &[&TODO], "t.id", OF_TODOS),
        source("todos AS t", &[&TODO, &STORE], "t.id", OF_TODOS),
        source("events e", &[&EVENT], "e.todo_id, e.n, e.kind, e.amount, e.at", OF_EVENTS),
        source("todos t JOIN lists l ON l.id = t.list_id", &[&TODO, &LIST], "t.id", OF_TODOS),
        source("lists l LEFT JOIN todos t ON t.list_id = l.id", &[&LIST, &TODO], "l.id, t.id", OF_TODOS),
        source("todos t, tags g WHERE g.todo_id = t.id", &[&TAG, &TODO], "t.id, g.id", OF_TODOS),
        source(
            "todos t JOIN events e ON e.n = t.n",
            &[&EVENT, &TODO],
            "t.id, e.todo_id, e.n, e.kind, e.amount, e.at",
            OF_TODOS,
        ),
        source(
            "todos t JOIN events e ON e.n = t.n AND e._store = t._store",
            &[&EVENT, &TODO, &STORE],
            "t.id",
            OF_TODOS,
        ),
        source("(SELECT * FROM todos WHERE hours > 1 OR done) t", &[&TODO], "t.id", OF_TODOS),
        source(
            "todos t LEFT JOIN lists l ON l.id = t.list_id LEFT JOIN tags g ON g.todo_id = t.id",
            &[&TODO, &LIST, &TAG],
            "t.id, g.id",
            OF_TODOS,
        ),
    ]
}

/// Aggregates of a kind: `{d}` is where DISTINCT goes, `{x}` the column, `{f}` FILTER.
pub(super) fn functions(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Integer => &[
            "sum({d}{x}){f}",
            "count({d}{x}){f}",
            "avg({d}{x}){f}",
            "max({x}){f}",
            "min({x}){f}",
            "stddev({d}{x}){f}",
            "var_pop({x}){f}",
            "bit_and({x}){f}",
            "bit_xor({x}){f}",
            "percentile_disc(0.5) WITHIN GROUP (ORDER BY {x}){f}",
            "mode() WITHIN GROUP (ORDER BY {x} DESC){f}",
            "array_agg({d}{x} ORDER BY {x}){f}",
        ],
        Kind::Numeric => &[
            "sum({d}{x}){f}",
            "avg({d}{x}){f}",
            "max({x}){f}",
            "min({x}){f}",
            "variance({d}{x}){f}",
            "stddev_pop({x}){f}",
            "count({d}{x}){f}",
        ],
        Kind::Float => &["sum({d}{x}){f}", "avg({x}){f}", "max({x}){f}", "min({x}){f}", "count({d}{x}){f}"],
        Kind::Text => &[
            "count({d}{x}){f}",
            "max({x}){f}",
            "min({x}){f}",
            "string_agg({d}{x}, ',' ORDER BY {x}){f}",
            "percentile_disc(0.25) WITHIN GROUP (ORDER BY {x}){f}",
            "sum(length({x})){f}",
            "min({x} COLLATE \"C\"){f}",
        ],
        Kind::Bool => {
            &["bool_and({x}){f}", "bool_or({x}){f}", "every({x}){f}", "count({d}{x}){f}", "sum({x}::int){f}"]
        }
        Kind::Date => {
            &["max({x}){f}", "min({x}){f}", "count({d}{x}){f}", "array_agg({d}{x} ORDER BY {x}){f}"]
        }
        Kind::Moment | Kind::Mood => &["max({x}){f}", "min({x}){f}", "count({d}{x}){f}"],
        Kind::Span => &["sum({x}){f}", "avg({x}){f}", "count({d}{x}){f}", "justify_interval(max({x}){f})"],
        Kind::Uuid | Kind::Other => &["count({d}{x}){f}", "array_agg({d}{x} ORDER BY {x}){f}"],
    }
}

/// What columns of a kind are compared with.
pub(super) fn values(kind: Kind) -> &'static [&'static str] {
    match kind {
        Kind::Integer => &["8", "0", "3", "-1", "100", "32767", "NULL"],
        Kind::Numeric => &["1.5", "1.50", "0", "'NaN'", "100", "-0.5", "1e19"],
        Kind::Float => &["0.1", "2.5", "0", "17", "100"],
        Kind::Text => &["'milk'", "'Milk'", "''", "'home'", "'m'", "'Z'", "E'it\\'s'", "'red'", "'alice'"],
        Kind::Bool => &["true", "false"],
        Kind::Date => &["'2024-03-31'", "'infinity'", "'2000-01-01'"],
        Kind::Moment => &["'2024-03-31 01:00:00+00'", "'infinity'", "'1970-01-01 00:00:00+00'"],
        Kind::Span => &["'1 day'", "'00:00:00'", "'1 mon'"],
        Kind::Mood => &["'ok'", "'sad'", "'happy'"],
        Kind::Uuid => &["'80000000-0000-0000-0000-000000000000'"],
        Kind::Other => &["'\\x00ff'", "'\\x'"],
    }
}
