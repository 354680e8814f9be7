//! Statements of all drivers: what is a place for a parameter, and what is not.

use super::*;

fn text(query: &str, driver: Driver) -> (String, Vec<String>, Vec<usize>) {
    let made = Statement::new(query, driver).unwrap();
    (made.text, made.names, made.order)
}

fn names(list: &[&str]) -> Vec<String> {
    list.iter().map(|&name| name.to_owned()).collect()
}

#[test]
fn names_become_the_places_of_each_server() {
    let query = "UPDATE t SET a=@a, b=@b WHERE a<>@a";
    assert_eq!(
        text(query, Driver::Postgres),
        (
            "UPDATE t SET a=$1, b=$2 WHERE a<>$1".into(),
            names(&["a", "b"]),
            vec![0, 1]
        )
    );
    assert_eq!(
        text(query, Driver::Mariadb),
        (
            "UPDATE t SET a=?, b=? WHERE a<>?".into(),
            names(&["a", "b"]),
            vec![0, 1, 0]
        )
    );
    assert_eq!(
        text(query, Driver::Sqlite).0,
        "UPDATE t SET a=?1, b=?2 WHERE a<>?1"
    );
}

#[test]
fn quotes_and_comments_are_left_alone() {
    for (query, driver) in [
        ("SELECT '@a ? it''s', \"@b\" -- @c ; x\n", Driver::Postgres),
        (
            "SELECT $$@a;$$, $t$ @b $$ $t$, E'\\'@c' /* @d /* ; */ @e */",
            Driver::Postgres,
        ),
        ("SELECT '\\'@a?', `@b?` # @c ?\n", Driver::Mariadb),
        ("SELECT [@a?], '\\', \"?\" /* ? */;", Driver::Sqlite),
        ("SELECT @@version, x.'a'@'b'", Driver::Mariadb),
    ] {
        let (made, found, _) = text(query, driver);
        assert_eq!((made.as_str(), found), (query, Vec::new()), "{driver:?}");
    }
    assert_eq!(
        text("SELECT '\\' , @a", Driver::Postgres).0,
        "SELECT '\\' , $1",
        "a backslash escapes nothing there"
    );
}

#[test]
fn what_would_be_counted_wrongly_is_refused() {
    for (query, driver) in [
        ("SELECT ?", Driver::Mariadb),
        ("SELECT ?1", Driver::Sqlite),
        ("SELECT :a", Driver::Sqlite),
        ("SELECT $1", Driver::Postgres),
        ("SELECT 1; DROP TABLE t", Driver::Sqlite),
        ("SELECT 1; 'x'", Driver::Postgres),
        ("SELECT 'a", Driver::Postgres),
        ("SELECT '\\'", Driver::Mariadb),
        ("SELECT /* a", Driver::Sqlite),
        ("  ", Driver::Sqlite),
    ] {
        assert!(Statement::new(query, driver).is_err(), "{query}");
    }
    assert!(Statement::new("SELECT 1; -- done", Driver::Sqlite).is_ok());
    assert!(Statement::new("SELECT a::text, '{}'::jsonb ? 'a'", Driver::Postgres).is_ok());
}

#[test]
fn any_text_is_read_or_refused() {
    // Every short text of these, so that no slice falls between.
    let letters = ['@', 'a', '\'', '\\', '$', '-', '/', '*', 'ä', ';', ' '];
    for driver in [Driver::Postgres, Driver::Mariadb, Driver::Sqlite] {
        for number in 0..letters.len().pow(4) {
            let pick = |place: u32| letters[number / letters.len().pow(place) % letters.len()];
            let query: String = (0..4).map(pick).collect();
            drop(Statement::new(&query, driver));
        }
    }
}
