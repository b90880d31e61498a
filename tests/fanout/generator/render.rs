//! A query's genes as SQL.

use super::genes::{Aggregate, Around, Body, Filter, Pick, Query, Sets};
use super::sources::{Column, Kind, Source, functions, sources, values};
use crate::compare::Open;
use crate::corpus::Case;

/// One column of the result.
struct Output {
    sql: String,
    /// Whether its bytes depend on nothing that Postgres leaves open.
    exact: bool,
    /// Whether it tells rows of the result apart.
    key: bool,
}

fn exact(sql: String) -> Output {
    Output { sql, exact: true, key: false }
}

fn of<T>(all: &[T], pick: Pick) -> &T {
    &all[usize::from(pick) % all.len()]
}

impl Query {
    /// As the corpus has queries.
    pub(crate) fn case(&self) -> Case {
        let sources = sources();
        let source = of(&sources, self.source);
        let (outputs, rest) = self.body(source);
        let (list, ordered) =
            if self.loses_order(source) { (String::new(), false) } else { self.ordered(&outputs) };
        let columns: Vec<String> =
            outputs.iter().enumerate().map(|(at, output)| format!("{} AS c{}", output.sql, at + 1)).collect();
        let distinct = if matches!(self.body, Body::Rows { distinct: true, .. }) { "DISTINCT " } else { "" };
        let inner = format!("SELECT {distinct}{} FROM {}{rest}{list}", columns.join(", "), self.from(source));
        let about = if outputs.iter().all(|output| output.exact) { 0.0 } else { 1e-9 };
        let ordered = ordered && matches!(self.around, Around::Nothing);
        Case {
            subject: "generated".to_owned(),
            sql: self.around.put(&inner),
            open: Open { ordered, about, scale: false },
            ..Case::default()
        }
    }

    fn from(&self, source: &Source) -> String {
        let Some(filter) = &self.filter else { return source.from.to_owned() };
        let word =
            if source.from.contains(" WHERE ") && !source.from.starts_with('(') { "AND" } else { "WHERE" };
        format!("{} {word} {}", source.from, filter.sql(source))
    }

    /// The outputs, and what stands behind WHERE.
    fn body(&self, source: &Source) -> (Vec<Output>, String) {
        match &self.body {
            Body::Groups { keys, sets, aggregates, having } => {
                let keys: Vec<&str> = keys.iter().map(|key| of(&source.columns, *key).sql).collect();
                let mut outputs: Vec<Output> =
                    keys.iter().map(|key| Output { key: true, ..exact((*key).to_owned()) }).collect();
                if !keys.is_empty() && !matches!(sets, Sets::Plain) {
                    outputs.push(Output { key: true, ..exact(format!("grouping({})", keys.join(", "))) });
                }
                outputs.extend(aggregates.iter().map(|aggregate| aggregate.output(source)));
                let having = having.as_ref().map(|having| format!(" HAVING {}", having.condition(source)));
                (outputs, sets.group_by(&keys) + &having.unwrap_or_default())
            }
            Body::Rows { columns, windows, distinct } => {
                let key = |sql: String| Output { key: true, ..exact(sql) };
                let mut outputs: Vec<Output> =
                    columns.iter().map(|column| key(of(&source.columns, *column).sql.to_owned())).collect();
                outputs.extend(windows.iter().map(|window| key(over(source, *window))));
                if !distinct {
                    outputs.extend(source.row.split(", ").map(|column| key(column.to_owned())));
                }
                (outputs, String::new())
            }
        }
    }

    /// Whether Postgres before 16 may leave out a key of the order: one that a condition holds equal to something, though
    /// grouping sets make it NULL in some rows.
    fn loses_order(&self, source: &Source) -> bool {
        matches!(&self.body, Body::Groups { sets, .. } if !matches!(sets, Sets::Plain))
            && (self.filter.is_some() || source.from.contains(" = "))
    }

    /// ORDER BY and LIMIT, and whether the order leaves nothing open.
    fn ordered(&self, outputs: &[Output]) -> (String, bool) {
        if self.order.is_empty() {
            return (String::new(), false);
        }
        let mut keys = Vec::new();
        for order in &self.order {
            let at = usize::from(order.output) % outputs.len();
            if outputs[at].exact {
                let direction = if order.descending { " DESC" } else { "" };
                let nulls =
                    order.nulls_first.map_or("", |first| if first { " NULLS FIRST" } else { " NULLS LAST" });
                keys.push(format!("{}{direction}{nulls}", at + 1));
            }
        }
        keys.extend(
            outputs.iter().enumerate().filter(|(_, output)| output.key).map(|(at, _)| (at + 1).to_string()),
        );
        if keys.is_empty() {
            return (String::new(), false);
        }
        let limit = self.limit.map(|(rows, skipped)| format!(" LIMIT {rows} OFFSET {skipped}"));
        (format!(" ORDER BY {}{}", keys.join(", "), limit.unwrap_or_default()), true)
    }
}

/// A window function that is the same whatever order rows come in.
fn over(source: &Source, (function, partition, column): (Pick, Pick, Pick)) -> String {
    let (partition, column) = (of(&source.columns, partition).sql, of(&source.columns, column).sql);
    let row = source.row;
    match function % 4 {
        0 => format!("count({column}) OVER (PARTITION BY {partition})"),
        1 => format!("rank() OVER (PARTITION BY {partition} ORDER BY {column})"),
        2 => format!("row_number() OVER (ORDER BY {column}, {row})"),
        _ => format!("lag({column}) OVER (PARTITION BY {partition} ORDER BY {row})"),
    }
}

impl Sets {
    fn group_by(self, keys: &[&str]) -> String {
        let list = keys.join(", ");
        match self {
            _ if keys.is_empty() => String::new(),
            Self::Plain => format!(" GROUP BY {list}"),
            Self::Rollup => format!(" GROUP BY ROLLUP ({list})"),
            Self::Cube => format!(" GROUP BY CUBE ({list})"),
            Self::Each => format!(" GROUP BY GROUPING SETS (({}), ({list}), ())", keys[0]),
        }
    }
}

impl Around {
    fn put(self, query: &str) -> String {
        match self {
            Self::Nothing => query.to_owned(),
            Self::Counted => format!("SELECT count(*), count(c1) FROM ({query}) s"),
            Self::With => format!("WITH s AS ({query}) SELECT * FROM s"),
            Self::Twice => format!("({query}) UNION ALL ({query})"),
            Self::Scalar => format!("SELECT EXISTS ({query}), (SELECT count(*) FROM ({query}) s) + 1"),
        }
    }
}

impl Aggregate {
    fn sql(&self, source: &Source) -> (String, Column) {
        let column = *of(&source.columns, self.column);
        let filter = self.filter.as_ref().map(|filter| format!(" FILTER (WHERE {})", filter.sql(source)));
        let filled = of(functions(column.kind), self.function)
            .replace("{d}", if self.distinct { "DISTINCT " } else { "" })
            .replace("{x}", column.sql)
            .replace("{f}", &filter.unwrap_or_default());
        (filled, column)
    }

    fn output(&self, source: &Source) -> Output {
        let (sql, column) = self.sql(source);
        if column.kind == Kind::Float {
            return Output { exact: false, ..exact(sql) };
        }
        exact(match self.around % 5 {
            0 => format!("({sql}) IS NULL"),
            1 => format!("coalesce(({sql})::text, '-')"),
            2 => format!("CASE WHEN count(*) > 2 THEN {sql} END"),
            _ => sql,
        })
    }

    fn condition(&self, source: &Source) -> String {
        let (sql, column) = self.sql(source);
        match self.around % 4 {
            _ if column.kind == Kind::Float => "count(*) <> 3".to_owned(),
            0 => format!("({sql}) IS NOT NULL"),
            1 => format!("count(*) > {}", self.column % 5),
            2 => format!("({sql})::text > '2'"),
            _ => format!("bool_or({} IS NULL)", column.sql),
        }
    }
}

impl Filter {
    fn sql(&self, source: &Source) -> String {
        match self {
            Self::Compare(column, operator, value) => {
                let column = of(&source.columns, *column);
                let operator = of(&["=", "<", ">=", "<>", "IS DISTINCT FROM"], *operator);
                format!("{} {operator} {}", column.sql, of(values(column.kind), *value))
            }
            Self::Null(column, not) => {
                format!("{} IS {}NULL", of(&source.columns, *column).sql, if *not { "NOT " } else { "" })
            }
            Self::OneOf(column, list) => {
                let column = of(&source.columns, *column);
                let list: Vec<&str> = list.iter().map(|value| *of(values(column.kind), *value)).collect();
                format!("{} IN ({})", column.sql, list.join(", "))
            }
            Self::Asks(which, not) => {
                let ask = of(source.asks, *which);
                if *not { format!("NOT ({ask})") } else { format!("({ask})") }
            }
            Self::Both(a, b) => format!("({} AND {})", a.sql(source), b.sql(source)),
            Self::Either(a, b) => format!("({} OR {})", a.sql(source), b.sql(source)),
            Self::Not(a) => format!("NOT ({})", a.sql(source)),
        }
    }
}
