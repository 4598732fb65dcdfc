//! `backup`: dumps the databases of the selected instances, and reads each dump whole before it gets its name.

use super::exec::finish;
use super::files::{Partial, stamp};
use super::tools::find;
use super::{Failure, Tools};
use crate::store::work::Work;
use pintle_core::render::plural;
use std::path::Path;
use tokio::process::Command;
use tokio_util::sync::CancellationToken;

pub(super) async fn back_up(tools: &Tools, work: &Work, stop: &CancellationToken) -> Result<String, Failure> {
    let folder = tools.named.backup_dir.as_ref();
    let folder = folder.ok_or_else(|| Failure::invalid("this host has no folder for backups: --backup-dir"))?;
    let instances = super::health_report::selected(tools, work).await?;
    let known = |name: &str| find(&tools.named.databases, name);
    let unknown: Vec<&str> = instances.iter().map(|one| &*one.key.name).filter(|name| known(name).is_none()).collect();
    if !unknown.is_empty() {
        let shown = unknown.iter().take(5).copied().collect::<Vec<_>>().join(", ");
        return Err(Failure::invalid(format!(
            "{} of {} selected instances have no database on this host ({shown}…): --backup-database",
            unknown.len(),
            instances.len()
        )));
    }
    if instances.is_empty() {
        return Err(Failure::invalid("the job selects no instance"));
    }
    for instance in &instances {
        let name = &*instance.key.name;
        dump(work, &folder.join(name), known(name).map_or("", String::as_str), stop)
            .await
            .map_err(|failure| Failure { reason: format!("{name}: {}", failure.reason), ..failure })?;
    }
    Ok(format!("{} dumped to {}", plural(instances.len() as i64, "database"), folder.display()))
}

async fn dump(work: &Work, folder: &Path, url: &str, stop: &CancellationToken) -> Result<(), Failure> {
    let name = format!("{}-{}.dump", work.schedule, stamp(work.tick));
    if folder.join(&name).exists() {
        // An earlier try of the same tick came as far as this one.
        return Ok(());
    }
    let (address, password) = without_password(url)?;
    let partial = Partial::new(folder, &name, &work.mark())?;
    // The arguments of a process are seen by every user of the host; its environment is not.
    let mut pg_dump = Command::new("pg_dump");
    pg_dump.args(["--format=custom", "--no-password", "--dbname", &address, "--file"]).arg(partial.path());
    pg_dump.env("PGAPPNAME", "pintle backup").env_remove("PGOPTIONS");
    if let Some(password) = password {
        pg_dump.env("PGPASSWORD", password);
    }
    classed(finish("pg_dump", pg_dump, String::new(), stop).await)?;
    // The list of a dump can be read though its data is damaged: all of it is.
    for read in [&["--list"][..], &["--file", "/dev/null"]] {
        let mut pg_restore = Command::new("pg_restore");
        pg_restore.args(read).arg(partial.path());
        classed(finish("pg_restore", pg_restore, String::new(), stop).await)?;
    }
    partial.finish().map(|_| ())
}

/// What fails here is a database or a disk, which may be back: trying again may help.
fn classed(ended: Result<String, Failure>) -> Result<(), Failure> {
    ended.map(|_| ()).map_err(|failure| Failure::transient(failure.reason))
}

/// `postgres://user:password@host/database` without its password, and the password. One that stands elsewhere would be
/// seen by everybody.
fn without_password(url: &str) -> Result<(String, Option<String>), Failure> {
    let Some((scheme, rest)) = url.split_once("://").filter(|_| !url.to_ascii_lowercase().contains("password=")) else {
        return Err(Failure::invalid(
            "the database is not named as postgres://USER:PASSWORD@HOST/DATABASE: --backup-database",
        ));
    };
    let authority = rest.find(['/', '?']).map_or(rest, |end| &rest[..end]);
    let Some((user, password)) = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')) else {
        return Ok((url.to_owned(), None));
    };
    let after = &rest[user.len() + 1 + password.len()..];
    let plain = percent_encoding::percent_decode_str(password).decode_utf8_lossy().into_owned();
    Ok((format!("{scheme}://{user}{after}"), Some(plain)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_leaves_the_address() {
        let (address, password) = without_password("postgres://app:s%40c:ret@db:5432/shop?sslmode=require").unwrap();
        assert_eq!(address, "postgres://app@db:5432/shop?sslmode=require");
        assert_eq!(password.as_deref(), Some("s@c:ret"));
        for plain in ["postgres://app@db/shop", "postgres:///shop?host=/run/a:b@c"] {
            assert_eq!(without_password(plain).unwrap(), (plain.to_owned(), None));
        }
        for shown in ["postgres://db/shop?user=app&password=x", "host=db password=x"] {
            assert!(without_password(shown).is_err(), "{shown}");
        }
    }
}
