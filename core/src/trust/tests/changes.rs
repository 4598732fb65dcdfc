//! Cases: changes.
