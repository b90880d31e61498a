//! A service finds the extensions it declared, under the names that its migrations use.

use stuffgate_tests::testkit::{Answer, Client};
use stuffgate_tests::{World, WorldPlan};

/// Alice in a schema partition, bob in a database of his own.
fn world() -> World {
    WorldPlan::default()
        .users(["alice", "bob"])
        .in_databases(["bob"])
        .extensions(["pgcrypto", "citext", "uuid-ossp", "pg_trgm"])
        .start()
}

async fn ok(session: &mut Client, sql: &str) -> Answer {
    let answer = session.simple(sql).await.unwrap();
    assert_eq!(answer.errors, [], "{sql}");
    answer
}

const MIGRATION: [&str; 7] = [
    "CREATE TABLE accounts (
       id uuid PRIMARY KEY DEFAULT uuid_generate_v4(),
       other uuid NOT NULL DEFAULT public.uuid_generate_v4(),
       token uuid NOT NULL DEFAULT gen_random_uuid(),
       email citext NOT NULL UNIQUE,
       alias public.citext,
       secret text NOT NULL)",
    "CREATE INDEX by_words ON accounts USING gin (secret gin_trgm_ops)",
    "CREATE INDEX by_words_too ON public.accounts USING gin (secret public.gin_trgm_ops)",
    "CREATE FUNCTION is_known(who public.citext) RETURNS boolean LANGUAGE sql AS
       'SELECT EXISTS (SELECT FROM public.accounts WHERE email = who)'",
    "ALTER TABLE accounts ADD COLUMN nicknames citext[] DEFAULT '{}'",
    "INSERT INTO public.accounts (email, alias, secret)
       VALUES ('Alice@Example.org', 'Al', crypt('open sesame', gen_salt('bf', 4)))",
    "CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA public",
];

/// Questions of one value, and what they answer.
const QUESTIONS: [(&str, &str); 11] = [
    ("SELECT count(*) FROM accounts WHERE email = 'ALICE@example.ORG' AND alias = 'AL'", "1"),
    ("SELECT is_known('alice@EXAMPLE.org')", "t"),
    ("SELECT secret = crypt('open sesame', secret) FROM accounts", "t"),
    ("SELECT secret = public.crypt('wrong', secret) FROM accounts", "f"),
    ("SELECT encode(digest('x', 'sha256'), 'hex') = encode(public.digest('x', 'sha256'), 'hex')", "t"),
    ("SELECT uuid_generate_v5(uuid_ns_dns(), 'x') = public.uuid_generate_v5(public.uuid_ns_dns(), 'x')", "t"),
    ("SELECT id <> other AND other <> token FROM accounts", "t"),
    ("SELECT 'words' % 'word' AND public.similarity('words', 'word') > 0.5", "t"),
    ("SELECT 'words' OPERATOR(public.%) 'word'", "t"),
    ("SELECT count(*) FROM pg_indexes WHERE schemaname = 'public' AND indexdef LIKE '%gin_trgm_ops%'", "2"),
    ("SELECT 'x'::public.citext = 'X'::citext", "t"),
];

#[tokio::test]
async fn declared_extensions_are_there_under_any_name_in_either_kind_of_partition() {
    let world = world();
    for user in ["alice", "bob"] {
        let mut session = world.connect(user).await;
        for extension in ["pgcrypto", "citext", "\"uuid-ossp\"", "pg_trgm"] {
            for form in ["", " WITH SCHEMA public", " WITH SCHEMA \"public\" CASCADE"] {
                let sql = format!("CREATE EXTENSION IF NOT EXISTS {extension}{form}");
                let answer = ok(&mut session, &sql).await;
                assert_eq!(answer.tags, ["CREATE EXTENSION"], "{user}: {sql}");
                let notice = answer.notices.first().unwrap_or_else(|| panic!("{user}: {sql}: no notice"));
                assert_eq!(notice.code(), "42710", "{user}: {sql}");
                assert!(notice.message().ends_with("already exists, skipping"), "{user}: {notice:?}");
            }
        }
        for sql in MIGRATION {
            ok(&mut session, sql).await;
        }
        for (question, expected) in QUESTIONS {
            assert_eq!(ok(&mut session, question).await.value(), Some(expected), "{user}: {question}");
            let answer = session.extended(question, &[]).await.unwrap();
            assert_eq!(answer.value(), Some(expected), "{user}: {question}");
        }
        let twice = "INSERT INTO accounts (email, secret) VALUES ('ALICE@EXAMPLE.ORG', '')";
        let answer = session.simple(twice).await.unwrap();
        assert_eq!((answer.code(), &*answer.errors[0].0[&'n']), ("23505", "accounts_email_key"), "{user}");
    }
}

#[tokio::test]
async fn an_extension_that_was_not_declared_is_refused_with_the_way_to_it() {
    let world = world();
    let mut alice = world.connect("alice").await;
    for extension in ["hstore", "file_fdw"] {
        for form in ["CREATE EXTENSION IF NOT EXISTS", "CREATE EXTENSION"] {
            let answer = alice.simple(&format!("{form} {extension}")).await.unwrap();
            assert_eq!(answer.code(), "42501", "{extension}");
            assert!(answer.errors[0].hint().contains("--extension"), "{answer:?}");
        }
    }
    // In a database of its own a service may what the owner of a database may on plain Postgres.
    let mut bob = world.connect("bob").await;
    ok(&mut bob, "CREATE EXTENSION hstore").await;
    assert_eq!(ok(&mut bob, "SELECT 'a=>1'::hstore -> 'a'").await.value(), Some("1"));
    let answer = bob.simple("CREATE EXTENSION file_fdw").await.unwrap();
    assert_eq!(answer.code(), "42501", "{answer:?}");
    assert!(!answer.errors[0].hint().is_empty(), "{answer:?}");
}
