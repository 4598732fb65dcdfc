//! Cases: policies.
