//! placeholder until the shell stands
fn main() {}
