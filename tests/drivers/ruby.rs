//! Clients written in Ruby.

use crate::harness::Driver;

#[test]
fn ruby_pg() {
    Driver::new("ruby_pg", "ruby", "ruby/ruby_pg.rb").of_the_system().cases(29).run();
}
