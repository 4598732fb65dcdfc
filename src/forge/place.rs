//! Which forge, which repository, which pull request: from flags, or from what the forge's own CI says.

use std::path::Path;

/// A kind of forge.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Forge {
    /// GitHub, github.com or Enterprise
    Github,
    /// GitLab, gitlab.com or your own
    Gitlab,
    /// Forgejo, and Gitea
    Forgejo,
}

/// Where to say something; in CI the forge's own variables say it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ForgeArgs {
    /// The kind of forge
    #[arg(long, env = "PINTLE_FORGE", value_enum)]
    pub forge: Option<Forge>,
    /// The address of its API, such as `https://api.github.com` or `https://git.example/api/v1`
    #[arg(long, env = "PINTLE_FORGE_URL", value_name = "URL")]
    pub forge_url: Option<String>,
    /// The repository: owner/name; on GitLab the project's path or number
    #[arg(long, env = "PINTLE_FORGE_REPO", value_name = "REPO")]
    pub forge_repo: Option<String>,
    /// The file that holds the token; or PINTLE_FORGE_TOKEN
    #[arg(long, env = "PINTLE_FORGE_TOKEN_FILE", value_name = "FILE")]
    pub forge_token_file: Option<std::path::PathBuf>,
}

/// A repository on a forge, and how to speak to it.
#[derive(Debug, Clone)]
pub struct Place {
    /// The kind.
    pub forge: Forge,
    /// The address of its API, without a slash at its end.
    pub url: String,
    /// The repository.
    pub repo: String,
    /// What lets us speak.
    pub token: String,
}

impl ForgeArgs {
    /// The place, or what is missing; `None` when nothing names a forge.
    pub fn place(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<Place>, String> {
        let Some(forge) = self.forge.or_else(|| around(variable)) else { return Ok(None) };
        let (urls, repos, tokens): (&[&str], &[&str], &[&str]) = match forge {
            Forge::Github => (&["GITHUB_API_URL"], &["GITHUB_REPOSITORY"], &["GITHUB_TOKEN"]),
            Forge::Gitlab => (&["CI_API_V4_URL"], &["CI_PROJECT_ID"], &["GITLAB_TOKEN"]),
            Forge::Forgejo => {
                (&["FORGEJO_API_URL", "GITHUB_API_URL"], &["GITHUB_REPOSITORY"], &["FORGEJO_TOKEN", "GITHUB_TOKEN"])
            }
        };
        let first = |names: &[&str]| names.iter().find_map(|name| variable(name)).filter(|text| !text.is_empty());
        let known = (forge == Forge::Github).then(|| "https://api.github.com".to_owned());
        let url = self.forge_url.clone().or_else(|| first(urls)).or(known).ok_or("--forge-url is not set")?;
        let repo = self.forge_repo.clone().or_else(|| first(repos)).ok_or("--forge-repo is not set")?;
        let token = match &self.forge_token_file {
            Some(file) => Some(read(file)?),
            None => variable("PINTLE_FORGE_TOKEN").or_else(|| first(tokens)),
        };
        let token = token.ok_or("no token: PINTLE_FORGE_TOKEN, or --forge-token-file FILE")?;
        Ok(Some(Place { forge, url: url.trim_end_matches('/').to_owned(), repo, token }))
    }
}

/// The forge in whose CI this runs.
fn around(variable: &dyn Fn(&str) -> Option<String>) -> Option<Forge> {
    let set = |name: &str| variable(name).is_some_and(|text| text == "true");
    // Forgejo sets GitHub's variables as well.
    match () {
        () if set("FORGEJO_ACTIONS") || set("GITEA_ACTIONS") => Some(Forge::Forgejo),
        () if set("GITHUB_ACTIONS") => Some(Forge::Github),
        () if set("GITLAB_CI") => Some(Forge::Gitlab),
        () => None,
    }
}

/// The pull request that CI runs for, and its head commit, as the forge says.
pub fn pull_request(forge: Forge, variable: &dyn Fn(&str) -> Option<String>) -> Option<u64> {
    if forge == Forge::Gitlab {
        return variable("CI_MERGE_REQUEST_IID")?.parse().ok();
    }
    let reference = variable("GITHUB_REF")?;
    reference.strip_prefix("refs/pull/")?.split('/').next()?.parse().ok()
}

fn read(file: &Path) -> Result<String, String> {
    let text = std::fs::read_to_string(file).map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    Ok(text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(variables: &[(&str, &str)]) -> Result<Option<Place>, String> {
        let variables = variables.to_vec();
        let variable =
            move |name: &str| variables.iter().find(|(have, _)| *have == name).map(|(_, text)| (*text).to_owned());
        ForgeArgs::default().place(&variable)
    }

    #[test]
    fn each_ci_is_known_by_its_own_variables() {
        let github = [("GITHUB_ACTIONS", "true"), ("GITHUB_REPOSITORY", "acme/state"), ("GITHUB_TOKEN", "t")];
        let found = place(&github).unwrap().unwrap();
        assert_eq!((found.forge, found.url.as_str()), (Forge::Github, "https://api.github.com"));
        let forgejo =
            [&github[..], &[("FORGEJO_ACTIONS", "true"), ("GITHUB_API_URL", "https://git.example/api/v1/")]].concat();
        let found = place(&forgejo).unwrap().unwrap();
        assert_eq!((found.forge, found.url.as_str()), (Forge::Forgejo, "https://git.example/api/v1"));
        let gitlab = [("GITLAB_CI", "true"), ("CI_API_V4_URL", "https://gl.example/api/v4"), ("CI_PROJECT_ID", "7")];
        assert!(place(&gitlab).unwrap_err().contains("token"));
        assert!(place(&[]).unwrap().is_none());
    }
}
