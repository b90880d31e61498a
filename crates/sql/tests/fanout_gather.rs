//! Fan-outs that gather rows: what stores are asked, and what home runs over it.

use sql::fanout::{
    Answered, Called, Catalog, Column, Key, Plan, Query, Relation, RelationKind, Tier, Type, Types, Wishes,
};

fn kind(oid: u32, name: &str, category: char) -> Type {
    Type {
        oid,
        name: name.to_owned(),
        array: Some(format!("{name}[]")),
        category,
        collatable: category == 'S',
    }
}

fn column(name: &str, kind: Type) -> Column {
    Column { name: name.to_owned(), kind, not_null: false }
}

fn todos() -> Relation {
    Relation {
        called: Called { schema: None, name: "todos".to_owned() },
        schema: "public".to_owned(),
        kind: RelationKind::Table,
        columns: vec![
            column("id", kind(23, "integer", 'N')),
            column("title", kind(25, "text", 'S')),
            column("done", kind(16, "boolean", 'B')),
        ],
        keys: vec![Key::Unique(vec!["id".to_owned()])],
    }
}

fn catalog(query: &Query) -> Catalog {
    let relations = query
        .lookup()
        .relations
        .into_iter()
        .filter(|called| called.name == "todos")
        .map(|called| Relation { called, ..todos() })
        .collect();
    Catalog { relations, functions: Vec::new() }
}

fn plan(text: &str) -> Plan {
    let query = Query::read(text).expect("read");
    let catalog = catalog(&query);
    let shape = query.shape(&catalog, Tier::Gather, &Wishes::default()).expect("shape");
    assert_eq!(shape.probe(), None);
    shape.plan(&Types::default()).expect("plan")
}

fn at_home(text: &str) -> String {
    match plan(text).answered {
        Answered::Gathered { sql, .. } | Answered::Alone { sql, .. } => sql,
        other => panic!("{other:?}"),
    }
}

#[test]
fn home_runs_the_clients_own_words() {
    let cases = [
        ("SELECT 1", "SELECT 1"),
        ("select  title -- x\n from todos", "select  title -- x\n from pg_temp.\"todos\""),
        ("SELECT 'é', title FROM public.todos t", "SELECT 'é', title FROM pg_temp.\"todos\" t"),
        ("WITH todos AS (SELECT 1) SELECT * FROM todos", "WITH todos AS (SELECT 1) SELECT * FROM todos"),
        (
            "SELECT (SELECT max(x.id) FROM ONLY Todos x), 'ü' WHERE EXISTS (TABLE todos)",
            "SELECT (SELECT max(x.id) FROM      pg_temp.\"todos\" x), 'ü' WHERE EXISTS (SELECT * FROM pg_temp.\"todos\")",
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(at_home(text), expected, "{text}");
    }
}
