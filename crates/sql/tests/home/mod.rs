//! A small home: what its catalog says of the names in a statement.

use sql::fanout::{Called, Catalog, Column, Function, Key, Lookup, Query, Relation, RelationKind, Type};

fn kind(oid: u32, name: &str, category: char) -> Type {
    Type {
        oid,
        name: name.to_owned(),
        array: Some(format!("{name}[]")),
        category,
        collatable: category == 'S',
    }
}

fn column(spec: &str) -> Column {
    let (name, of) = spec.rsplit_once(' ').expect("a name and a type");
    let kind = match of {
        "int4" => kind(23, "integer", 'N'),
        "int8" => kind(20, "bigint", 'N'),
        "numeric" => kind(1700, "numeric", 'N'),
        "float8" => kind(701, "double precision", 'N'),
        "text" => kind(25, "text", 'S'),
        "bool" => kind(16, "boolean", 'B'),
        "uuid" => kind(2950, "uuid", 'U'),
        "jsonb" => kind(3802, "jsonb", 'U'),
        "timestamptz" => kind(1184, "timestamp with time zone", 'D'),
        "mood" => kind(40_000, "public.mood", 'E'),
        "citext" => Type { collatable: true, ..kind(40_100, "citext", 'S') },
        other => panic!("{other}"),
    };
    Column { name: name.to_owned(), kind, not_null: false, bytewise: false }
}

fn relation(called: &Called) -> Option<Relation> {
    let table = |schema: &str, columns: &[&str]| {
        Some(Relation {
            called: called.clone(),
            schema: schema.to_owned(),
            kind: RelationKind::Table,
            columns: columns.iter().map(|spec| column(spec)).collect(),
            keys: vec![Key::Unique(vec!["id".to_owned()])],
        })
    };
    let view = |definition: &str, columns: &[&str]| {
        table("public", columns).map(|it| Relation {
            kind: RelationKind::View(definition.to_owned()),
            keys: Vec::new(),
            ..it
        })
    };
    let other = |kind| table("public", &["id int4"]).map(|it| Relation { kind, keys: Vec::new(), ..it });
    let todos = ["id int4", "title text", "done bool", "due timestamptz", "list_id uuid"];
    match (called.schema.as_deref(), called.name.as_str()) {
        (None | Some("public"), "todos") => table("public", &todos),
        (None | Some("public"), "lists") => {
            table("public", &["id uuid", "name text", "mood mood", "tag citext"])
        }
        (None | Some("public"), "T") => table("public", &["id int4", "Odd Name text"]),
        (None | Some("public"), "empty") => table("public", &[]),
        (None | Some("public"), "own") => table("public", &["id int4", "_store text"]),
        (Some("audit"), "todos") => table("audit", &["id int4", "what text"]),
        (None | Some("public"), "open_todos") => view(
            " SELECT todos.id,\n    todos.title\n   FROM todos\n  WHERE NOT todos.done;",
            &["id int4", "title text"],
        ),
        (None | Some("public"), "titles") => {
            view(" SELECT upper(o.title) AS t FROM open_todos o;", &["t text"])
        }
        (None | Some("public"), "rolls") => view(" SELECT random() AS r;", &["r float8"]),
        (None, "pg_class") | (Some("pg_catalog"), "pg_class") => {
            other(RelationKind::Catalog).map(|it| Relation { schema: "pg_catalog".to_owned(), ..it })
        }
        (None | Some("public"), "matview" | "todos_id_seq" | "foreign_table") => other(RelationKind::Other),
        _ => None,
    }
}

fn functions(called: &Called) -> Vec<Function> {
    let named = |schema: &str, kind: char, volatility: char| {
        vec![Function {
            called: called.clone(),
            schema: schema.to_owned(),
            extension: false,
            kind,
            volatility,
            returns_set: false,
            arguments: 0..=usize::MAX,
        }]
    };
    if called.schema.as_deref().is_some_and(|schema| schema != "pg_catalog" && schema != "public") {
        return Vec::new();
    }
    match called.name.as_str() {
        "count" | "sum" | "avg" | "min" | "max" | "string_agg" | "array_agg" | "stddev" | "bool_or"
        | "percentile_cont" => named("pg_catalog", 'a', 'i'),
        "row_number" => named("pg_catalog", 'w', 'i'),
        "upper" | "lower" | "length" | "abs" | "md5" | "generate_series" => named("pg_catalog", 'f', 'i'),
        "now" | "date_trunc" | "to_char" | "statement_timestamp" | "version" => named("pg_catalog", 'f', 's'),
        "random" | "nextval" | "clock_timestamp" | "timeofday" | "gen_random_uuid" | "setseed"
        | "pg_sleep" | "lo_get" | "set_config" | "pg_read_file" | "pg_notify" | "lastval"
        | "pg_advisory_lock" => named("pg_catalog", 'f', 'v'),
        "own_immutable" => named("public", 'f', 'i'),
        "own_stable" => named("public", 'f', 's'),
        "own_volatile" => named("public", 'f', 'v'),
        _ => Vec::new(),
    }
}

fn answer(catalog: &mut Catalog, lookup: &Lookup) {
    catalog.relations.extend(lookup.relations.iter().filter_map(relation));
    catalog.functions.extend(lookup.functions.iter().flat_map(functions));
}

/// What home says of a statement's names, views' definitions included.
pub(crate) fn catalog(query: &Query) -> Catalog {
    let mut catalog = Catalog::default();
    answer(&mut catalog, &query.lookup());
    for _ in 0..4 {
        let missing = query.missing(&catalog).unwrap_or_default();
        answer(&mut catalog, &missing);
    }
    catalog
}
