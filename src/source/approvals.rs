//! Approvals fetched one by one, where they cannot be had together: one bad approval, which anybody who
//! may push can leave there, must hold neither the branch nor the other approvals.

use super::fetch::{Listed, Listing};
use super::mirror::{FetchError, Mirror};
use super::objects::APPROVALS;
use std::collections::HashSet;
use std::sync::PoisonError;
use std::time::Duration;
use tokio::time::Instant;

/// How long one approval alone may take, or it would keep those after it waiting.
const APPROVAL_LIMIT: Duration = Duration::from_secs(10);
/// Approvals that are fetched one by one in one tick.
const MAX_ONE_BY_ONE: usize = 200;
/// Of those, how many that failed before: a forge is not asked for each bad one every few seconds.
const MAX_RETRIES: usize = 10;

impl Mirror {
    /// Fetches the approvals that are new, one by one, passing over those that cannot be had.
    pub(super) async fn fetch_approvals(&self, deadline: Instant) -> Result<(), FetchError> {
        let pattern = format!("{APPROVALS}*");
        let list = ["--git-dir=.", "ls-remote", "--quiet", "--refs", "--", &self.url, &pattern];
        let printed = self.git().run("ls-remote", &list, deadline).await?;
        let due = self.due(&Listing::parse(&printed, APPROVALS)).map_err(FetchError::Mirror)?;
        for approval in due {
            let refspec = format!("+{0}:{0}", approval.name);
            let limit = deadline.min(Instant::now() + APPROVAL_LIMIT);
            let ended = self.fetch_refs(&[&refspec], limit).await;
            if Instant::now() >= deadline {
                return Err(FetchError::TimedOut);
            }
            self.note(approval, ended);
        }
        Ok(())
    }

    /// What to fetch of the listed: first what was never tried, then a few of those that failed, the
    /// least tried before the others, so that bad ones never take the place of good ones for good.
    fn due(&self, listing: &Listing) -> Result<Vec<Listed>, git2::Error> {
        let repository = git2::Repository::open_bare(&self.folder)?;
        if listing.complete {
            forget_gone(&repository, &listing.refs)?;
        }
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let there: HashSet<&Listed> = listing.refs.iter().collect();
        failed.retain(|approval, _| there.contains(approval));
        let is_new = |approval: &Listed| {
            let have = repository.refname_to_id(&approval.name);
            !have.is_ok_and(|have| have.as_bytes() == approval.oid.0)
        };
        let failures = |approval: &Listed| failed.get(approval).copied().unwrap_or(0);
        let mut due: Vec<Listed> = listing.refs.iter().filter(|approval| is_new(approval)).cloned().collect();
        due.sort_by_key(failures);
        let untried = due.iter().filter(|approval| failures(approval) == 0).count();
        due.truncate(MAX_ONE_BY_ONE.min(untried + MAX_RETRIES));
        Ok(due)
    }

    /// Remembers how fetching one approval ended; told once, and tried again later.
    fn note(&self, approval: Listed, ended: Result<(), FetchError>) {
        let mut failed = self.failed.lock().unwrap_or_else(PoisonError::into_inner);
        let Err(error) = ended else {
            failed.remove(&approval);
            return;
        };
        let name = approval.name.clone();
        let failures = failed.entry(approval).or_default();
        *failures += 1;
        if *failures == 1 {
            tracing::warn!(approval = name, %error, "passing over {name}, which cannot be fetched: {error}");
        }
    }
}

/// Removes approvals that the remote no longer has, as pruning does when all are fetched together.
fn forget_gone(repository: &git2::Repository, there: &[Listed]) -> Result<(), git2::Error> {
    let there: HashSet<&str> = there.iter().map(|approval| approval.name.as_str()).collect();
    let have: Vec<git2::Reference<'_>> =
        repository.references_glob(&format!("{APPROVALS}*"))?.collect::<Result<_, _>>()?;
    for mut reference in have {
        if !reference.name().is_ok_and(|name| there.contains(name)) {
            reference.delete()?;
        }
    }
    Ok(())
}
