//! What runs beside the daemon on a developer's machine and in the tests: private servers, signed
//! scratch repositories. Nothing here is used by a daemon in production.

pub mod servers;
