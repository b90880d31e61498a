use std::io::Read;
fn main() {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text).unwrap();
    let names = sql::Names {
        schema: "stuff_todo_0a1b2c3d",
        extensions: "extensions",
        database: "todo",
        store_database: "theirs",
    };
    match sql::rewrite(text.as_bytes(), &names) {
        Some(r) => print!("{}", String::from_utf8(r.text).unwrap()),
        None => print!("{text}"),
    }
}
