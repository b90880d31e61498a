//! The database that a client connected to is there under that name, whatever its store calls it.

use crate::house::House;

#[tokio::test]
async fn statements_find_the_database_under_the_name_that_the_client_knows() {
    let house = House::with(2).await;
    let mut client = house.user("alice").await;
    for (sql, expected) in [
        ("SELECT count(*)::text FROM pg_database WHERE datname = 'todo'", "1"),
        ("SELECT count(*)::text FROM pg_database WHERE datname IN ('nowhere', 'todo')", "1"),
        (
            "SELECT table_name::text FROM information_schema.tables WHERE table_catalog = 'todo' AND table_name = 'whose'",
            "whose",
        ),
        ("SELECT name FROM todo.public.whose", "alice"),
        ("SELECT todo.public.whose.name FROM todo.public.whose", "alice"),
        ("SELECT count(*)::text FROM pg_database WHERE datname = 'nowhere'", "0"),
    ] {
        let simple = client.simple(sql).await.expect("an answer");
        assert_eq!(simple.value(), Some(expected), "{sql}: {:?}", simple.errors);
        let extended = client.extended(sql, &[]).await.expect("an answer");
        assert_eq!(extended.value(), Some(expected), "{sql}: {:?}", extended.errors);
    }
    for (sql, value, expected) in [
        ("SELECT count(*)::text FROM pg_database WHERE datname = $1", "todo", "1"),
        ("SELECT count(*)::text FROM pg_database WHERE datname = $1", "nowhere", "0"),
        (
            "SELECT count(*)::text FROM information_schema.tables WHERE table_catalog = $1 AND table_name = 'whose'",
            "todo",
            "1",
        ),
    ] {
        let found = client.extended(sql, &[Some(value)]).await.expect("an answer");
        assert_eq!(found.value(), Some(expected), "{sql}: {:?}", found.errors);
    }
}

#[tokio::test]
async fn each_store_is_found_under_that_name_by_one_prepared_statement() {
    let house = House::with(2).await;
    let mut client = house.client("svc", &[]).await.expect("a session");
    for (user, whose) in [("alice", "alice"), ("bob", "bob"), ("alice", "alice")] {
        client.simple(&format!("SET stuffgate.user = '{user}'")).await.expect("bound");
        let sql = "SELECT w.name FROM whose w, pg_database WHERE datname = $1";
        let found = client.extended(sql, &[Some("todo")]).await.expect("an answer");
        assert_eq!(found.value(), Some(whose), "{:?}", found.errors);
    }
}
