//! The example repository.
