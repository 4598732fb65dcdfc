//! What handlers may use: named in the settings of the host, never in Git.

use crate::notices::Secrets;
use crate::store::Store;
use std::path::PathBuf;
use std::str::FromStr;

/// `NAME=VALUE` of the settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Named<T> {
    /// What Schedules call it.
    pub name: String,
    /// What it is here.
    pub value: T,
}

impl<T: FromStr> FromStr for Named<T>
where
    T::Err: std::fmt::Display,
{
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = text.split_once('=').filter(|(name, _)| !name.is_empty()).ok_or("expected NAME=VALUE")?;
        Ok(Self { name: name.to_owned(), value: value.parse().map_err(|error: T::Err| error.to_string())? })
    }
}

/// A program that `exec` may run, and the digest that its file must have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Program {
    /// Where it is.
    pub path: PathBuf,
    /// Its SHA-256 in hexadecimal; `None`: whatever stands there.
    pub sha256: Option<String>,
}

impl FromStr for Program {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (path, sha256) = match text.rsplit_once("@sha256:") {
            Some((path, digest)) if digest.len() == 64 && digest.bytes().all(|b| b.is_ascii_hexdigit()) => {
                (path, Some(digest.to_ascii_lowercase()))
            }
            Some(_) => return Err("a digest is 64 hexadecimal digits after @sha256:".to_owned()),
            None => (text, None),
        };
        if !path.starts_with('/') {
            return Err("the path of a program begins with /".to_owned());
        }
        Ok(Self { path: path.into(), sha256 })
    }
}

/// What the jobs of Schedules may use on this host.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct WorkArgs {
    /// A program that `exec` may run, pinned by its digest: NAME=/PATH@sha256:HEX
    #[arg(
        long = "program",
        env = "PINTLE_PROGRAMS",
        value_name = "NAME=PATH",
        value_delimiter = ',',
        help_heading = "Jobs of schedules"
    )]
    pub programs: Vec<Named<Program>>,
    /// A folder that reports and exports go to: NAME=/DIR
    #[arg(
        long = "destination",
        env = "PINTLE_DESTINATIONS",
        value_name = "NAME=DIR",
        value_delimiter = ',',
        help_heading = "Jobs of schedules"
    )]
    pub destinations: Vec<Named<PathBuf>>,
    /// The database of an instance, for `backup`: INSTANCE=postgres://…
    #[arg(
        long = "backup-database",
        env = "PINTLE_BACKUP_DATABASES",
        value_name = "INSTANCE=URL",
        value_delimiter = ',',
        hide_env_values = true,
        help_heading = "Jobs of schedules"
    )]
    pub databases: Vec<Named<String>>,
    /// The folder that backups go to
    #[arg(long, env = "PINTLE_BACKUP_DIR", value_name = "DIR", help_heading = "Jobs of schedules")]
    pub backup_dir: Option<PathBuf>,
    /// Let `http` call addresses of this host and of private networks
    #[arg(long, env = "PINTLE_ALLOW_PRIVATE_ADDRESSES", help_heading = "Jobs of schedules")]
    pub allow_private_addresses: bool,
}

/// What handlers work with.
#[derive(Debug, Clone)]
pub struct Tools {
    /// The database.
    pub store: Store,
    /// Redis, for queues that others serve.
    pub redis_url: String,
    /// What signs requests.
    pub secrets: Secrets,
    /// What the settings name.
    pub named: WorkArgs,
}

impl Tools {
    pub(super) fn destination(&self, name: Option<&str>) -> Result<&PathBuf, super::Failure> {
        let name = name.ok_or_else(|| super::Failure::invalid("the job names no `destination`"))?;
        find(&self.named.destinations, name)
            .ok_or_else(|| super::Failure::invalid(format!("this host has no destination `{name}`: --destination")))
    }
}

/// What is called `name`.
pub(super) fn find<'a, T>(named: &'a [Named<T>], name: &str) -> Option<&'a T> {
    named.iter().find(|one| one.name == name).map(|one| &one.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_pinned_by_its_digest_and_named_by_a_whole_path() {
        let digest = "ab".repeat(32);
        let pinned: Named<Program> = format!("sync=/opt/sync@sha256:{digest}").parse().unwrap();
        assert_eq!(pinned.value, Program { path: "/opt/sync".into(), sha256: Some(digest) });
        assert!("sync=/opt/sync@sha256:ab".parse::<Named<Program>>().is_err());
        assert!("sync=opt/sync".parse::<Named<Program>>().is_err());
        assert!("=/opt/sync".parse::<Named<Program>>().is_err());
    }
}
