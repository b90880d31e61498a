//! Clients written in Perl.

use crate::harness::Driver;

#[test]
fn perl_dbd_pg() {
    Driver::new("perl_dbd_pg", "perl", "perl/dbd_pg.pl").of_the_system().cases(27).run();
}
