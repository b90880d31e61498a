//! One server with home, some stores and all of their rows together, each in a schema of its own.

use scratch::{Binaries, Options, Server};
use sql::fanout::{
    Answered, Called, Catalog, Column, Function, Key, Lookup, Parameter, Plan, Query, Relation, RelationKind,
    Tier, Type, Types, Unfit, Wishes,
};
use tokio_postgres::types::Type as Oid;
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Stores of the house.
pub(crate) const STORES: [&str; 4] = ["s1", "s2", "s3", "s4"];

/// Rows as text.
pub(crate) type Rows = Vec<Vec<Option<String>>>;

/// A running server and a session.
pub(crate) struct House {
    pub client: Client,
    _server: Server,
}

/// What a statement came to: rows, or an SQLSTATE.
pub(crate) type Answer = Result<Rows, String>;

impl House {
    pub(crate) async fn start() -> Self {
        let server = Server::start(&Binaries::find().unwrap(), Options::default()).unwrap();
        let url = server.superuser_url("postgres");
        let (client, connection) = tokio_postgres::connect(&url, NoTls).await.unwrap();
        tokio::spawn(async move {
            let _ = connection.await;
        });
        Self { client, _server: server }
    }

    pub(crate) async fn run(&self, script: &str) {
        self.client.batch_execute(script).await.unwrap_or_else(|error| panic!("{error:?}\n{script}"));
    }

    /// Rows of a statement, or its SQLSTATE; the transaction around it goes on.
    pub(crate) async fn rows(&self, schema: &str, text: &str) -> Answer {
        self.run(&format!("SAVEPOINT s; SET LOCAL search_path = {schema}, public")).await;
        let answer = self.client.simple_query(text).await;
        match answer {
            Ok(messages) => {
                self.run("RELEASE s").await;
                let rows = messages.into_iter().filter_map(|message| match message {
                    SimpleQueryMessage::Row(row) => {
                        Some((0..row.len()).map(|at| row.get(at).map(str::to_owned)).collect())
                    }
                    _ => None,
                });
                Ok(rows.collect())
            }
            Err(error) => {
                self.run("ROLLBACK TO s; RELEASE s").await;
                let state = error.code().map(|state| state.code().to_owned());
                Err(state.unwrap_or_else(|| panic!("{error:?}\n{text}")))
            }
        }
    }

    /// Numbers of the types of parameters and of columns.
    pub(crate) async fn describe(
        &self,
        schema: &str,
        text: &str,
        parameters: &[u32],
    ) -> Result<(Vec<u32>, Vec<u32>), String> {
        self.run(&format!("SAVEPOINT d; SET LOCAL search_path = {schema}, public")).await;
        let types: Vec<Oid> = parameters.iter().filter_map(|oid| Oid::from_oid(*oid)).collect();
        let prepared = self.client.prepare_typed(text, &types).await;
        let end = if prepared.is_ok() { "RELEASE d" } else { "ROLLBACK TO d; RELEASE d" };
        self.run(end).await;
        match prepared {
            Ok(statement) => Ok((
                statement.params().iter().map(Oid::oid).collect(),
                statement.columns().iter().map(|column| column.type_().oid()).collect(),
            )),
            Err(error) => {
                Err(error.code().map_or_else(|| format!("{error:?}"), |state| state.code().to_owned()))
            }
        }
    }

    pub(crate) async fn types(&self, oids: &[u32]) -> Vec<Type> {
        let list = oids.iter().map(ToString::to_string).collect::<Vec<_>>().join(",");
        let text = format!(
            "SELECT t.oid, format_type(t.oid, -1), CASE WHEN typarray <> 0 THEN format_type(typarray, -1) END, \
             typcategory, typcollation <> 0 FROM unnest(ARRAY[{list}]::oid[]) WITH ORDINALITY AS n(oid, at) \
             JOIN pg_type t ON t.oid = n.oid ORDER BY at"
        );
        self.rows("home", &text).await.unwrap().iter().map(|row| type_of(row)).collect()
    }

    /// What home knows of the names.
    pub(crate) async fn catalog(&self, lookup: &Lookup) -> Catalog {
        let mut catalog = Catalog::default();
        for called in &lookup.relations {
            let found =
                self.rows("home", &format!("SELECT to_regclass('{}')::oid", called.name)).await.unwrap();
            if let Some(oid) = &found[0][0] {
                catalog.relations.push(self.relation(called, oid).await);
            }
        }
        for called in &lookup.functions {
            let text = format!(
                "SELECT prokind, provolatile, proretset, pronamespace::regnamespace, pronargs - pronargdefaults, \
                 CASE WHEN provariadic = 0 THEN pronargs END FROM pg_proc WHERE proname = '{}'",
                called.name
            );
            for row in self.rows("home", &text).await.unwrap() {
                let number = |at: usize| row[at].as_ref().map(|text| text.parse::<usize>().unwrap());
                let letter = |at: usize| row[at].clone().unwrap().chars().next().unwrap();
                catalog.functions.push(Function {
                    called: called.clone(),
                    schema: row[3].clone().unwrap(),
                    extension: false,
                    kind: letter(0),
                    volatility: letter(1),
                    returns_set: letter(2) == 't',
                    arguments: number(4).unwrap()..=number(5).unwrap_or(usize::MAX),
                });
            }
        }
        catalog
    }

    async fn relation(&self, called: &Called, oid: &str) -> Relation {
        let text = format!(
            "SELECT t.oid, format_type(t.oid, -1), CASE WHEN typarray <> 0 THEN format_type(typarray, -1) END, \
             typcategory, typcollation <> 0, attname, attnotnull FROM pg_attribute JOIN pg_type t ON t.oid = atttypid \
             WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
        );
        let columns = self.rows("home", &text).await.unwrap();
        let columns = columns.iter().map(|row| Column {
            name: row[5].clone().unwrap(),
            kind: type_of(row),
            not_null: row[6].as_deref() == Some("t"),
            bytewise: false,
        });
        let text = format!(
            "SELECT contype, a.attname, confrelid::regclass, b.attname FROM pg_constraint c \
             JOIN pg_attribute a ON a.attrelid = conrelid AND a.attnum = conkey[1] \
             LEFT JOIN pg_attribute b ON b.attrelid = confrelid AND b.attnum = confkey[1] \
             WHERE conrelid = {oid} AND cardinality(conkey) = 1"
        );
        let mut keys = Vec::new();
        for row in self.rows("home", &text).await.unwrap() {
            let own = vec![row[1].clone().unwrap()];
            match row[0].as_deref() {
                Some("p") => keys.extend([Key::Unique(own.clone()), Key::Primary(own)]),
                Some("u") => keys.push(Key::Unique(own)),
                _ => keys.push(Key::Foreign {
                    columns: own,
                    schema: "home".into(),
                    table: row[2].clone().unwrap(),
                    theirs: vec![row[3].clone().unwrap()],
                }),
            }
        }
        let (called, kind) = (called.clone(), RelationKind::Table);
        Relation { called, schema: "home".into(), kind, columns: columns.collect(), keys }
    }

    /// The plan for a text, and the numbers of its parameters' types.
    pub(crate) async fn plan(&self, text: &str, tier: Tier, wishes: Wishes) -> Result<Plan, String> {
        let query = Query::read(text).map_err(|refusal| refusal.message)?;
        let catalog = self.catalog(&query.lookup()).await;
        let told = |unfit: Unfit| unfit.to_string();
        let shape = query.shape(&catalog, tier, &wishes).map_err(told)?;
        let (parameters, _) =
            self.describe("whole", text, &[]).await.map_err(|state| format!("the query itself: {state}"))?;
        let columns = match shape.probe() {
            None => Vec::new(),
            Some(probe) => {
                let described = self.describe("home", probe, &parameters).await;
                described.map_err(|state| format!("{state} for the probe {probe}"))?.1
            }
        };
        let (columns, parameters) = (self.types(&columns).await, self.types(&parameters).await);
        let types = Types { columns, parameters, ..Types::default() };
        shape.plan(&types).map_err(told)
    }

    /// Carries a plan of T2 out over some stores, as the gate would.
    pub(crate) async fn combine(&self, plan: &Plan, values: &[&str], stores: &[&str]) -> Answer {
        let [piece] = plan.pieces.as_slice() else { panic!("{plan:#?}") };
        let Answered::Combined { sql, parameters, fold } = &plan.answered else { panic!("{plan:#?}") };
        let mut rows = Vec::new();
        for store in stores {
            let sent = self.execute(store, &piece.sql, &piece.parameters, values, store, &[]).await?;
            assert!(sent.iter().all(|row| row.len() == piece.columns.len()), "{plan:#?}");
            rows.extend(sent);
        }
        if let (Tier::Fold, Some(fold)) = (plan.tier, fold) {
            rows = crate::fold::folded(&rows, fold);
        }
        let arrays: Vec<String> = (0..piece.columns.len()).map(|at| array(&rows, at)).collect();
        self.execute("home", sql, parameters, values, "", &arrays).await
    }

    async fn execute(
        &self,
        schema: &str,
        text: &str,
        parameters: &[Parameter],
        values: &[&str],
        store: &str,
        arrays: &[String],
    ) -> Answer {
        let literal = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let mut list: Vec<String> = Vec::new();
        for parameter in parameters {
            list.push(match parameter {
                Parameter::Client(at) => values[*at].to_owned(),
                Parameter::Store => literal(store),
                Parameter::Now => "now()".to_owned(),
            });
        }
        list.extend(arrays.iter().map(|text| literal(text)));
        if list.is_empty() {
            return self.rows(schema, text).await;
        }
        self.rows(schema, &format!("PREPARE x AS {text}")).await?;
        let answer = self.rows(schema, &format!("EXECUTE x({})", list.join(", "))).await;
        self.run("DEALLOCATE x").await;
        answer
    }

    /// The answer of one Postgres that has all rows.
    pub(crate) async fn direct(&self, text: &str, values: &[&str]) -> Answer {
        if values.is_empty() {
            return self.rows("whole", text).await;
        }
        self.rows("whole", &format!("PREPARE w AS {text}")).await?;
        let answer = self.rows("whole", &format!("EXECUTE w({})", values.join(", "))).await;
        self.run("DEALLOCATE w").await;
        answer
    }

    /// The types of the result's columns.
    pub(crate) async fn result(&self, text: &str) -> Vec<Type> {
        let columns = self.describe("whole", text, &[]).await.unwrap().1;
        self.types(&columns).await
    }
}

fn type_of(row: &[Option<String>]) -> Type {
    Type {
        oid: row[0].as_deref().unwrap().parse().unwrap(),
        name: row[1].clone().unwrap(),
        array: row[2].clone(),
        category: row[3].clone().unwrap().chars().next().unwrap(),
        collatable: row[4].as_deref() == Some("t"),
    }
}

/// An array as text.
fn array(rows: &Rows, at: usize) -> String {
    let quoted = |text: &str| format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
    let values = rows.iter().map(|row| row[at].as_deref().map_or_else(|| "NULL".to_owned(), quoted));
    format!("{{{}}}", values.collect::<Vec<_>>().join(","))
}
