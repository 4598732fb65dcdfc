//! What a database and the role in it are like, for `pintle doctor`.

use super::{Store, StoreError};
use sqlx::Row;

/// Who connects, and what that role may do beyond what the daemon needs.
#[derive(Debug, Clone)]
pub struct RoleReport {
    /// The server's version, such as `17.2`.
    pub version: String,
    /// The role that logs in.
    pub role: String,
    /// It may do anything.
    pub superuser: bool,
    /// It owns the schema.
    pub owns: bool,
    /// It can become the owner.
    pub member_of_owner: bool,
}

impl Store {
    /// Looks at the server and at the role that logs in.
    pub async fn examine(&self) -> Result<RoleReport, StoreError> {
        let failed = || StoreError::during("look at the role");
        let row = sqlx::query(
            "SELECT current_setting('server_version') AS version, r.rolname::text AS role, r.rolsuper AS superuser,
                coalesce(n.nspowner = r.oid, false) AS owns, coalesce(pg_has_role(r.oid, n.nspowner, 'MEMBER'), false) AS member
             FROM pg_roles r LEFT JOIN pg_namespace n ON n.nspname = 'pintle' WHERE r.rolname = session_user",
        )
        .fetch_one(&self.pool)
        .await
        .map_err(failed())?;
        Ok(RoleReport {
            version: row.try_get("version").map_err(failed())?,
            role: row.try_get("role").map_err(failed())?,
            superuser: row.try_get("superuser").map_err(failed())?,
            owns: row.try_get("owns").map_err(failed())?,
            member_of_owner: row.try_get("member").map_err(failed())?,
        })
    }
}
