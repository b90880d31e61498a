//! Clients written in PHP.

use crate::harness::Driver;

#[test]
fn php_pgsql() {
    Driver::new("php_pgsql", "php", "php/pgsql.php").of_the_system().cases(27).run();
}

#[test]
fn php_pdo_pgsql() {
    Driver::new("php_pdo_pgsql", "php", "php/pdo_pgsql.php").of_the_system().cases(26).run();
}
