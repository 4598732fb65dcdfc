//! Cases: approvals.
