//! Prepared statements live with the session, whichever server it is given.

use crate::house::House;

#[tokio::test]
async fn unnamed_and_named_statements_survive_a_change_of_server() {
    let house = House::with(1).await;
    let (mut one, mut other) = (house.user("alice").await, house.user("alice").await);
    for round in 0..3 {
        let answer = one.extended("SELECT $1::int + 1", &[Some("41")]).await.expect("an answer");
        assert_eq!(answer.value(), Some("42"), "round {round}: {:?}", answer.errors);
        let answer = other.extended("SELECT $1::int + 2", &[Some("41")]).await.expect("an answer");
        assert_eq!(answer.value(), Some("43"), "round {round}: {:?}", answer.errors);
    }
}
