//! `pintle init`, its hooks, `pintle doctor`, `pintle trust`.

use super::sandbox::{Said, Sandbox};

#[test]
fn what_init_makes_is_accepted_by_verify() {
    let sandbox = Sandbox::empty();
    let folder = sandbox.path("new").display().to_string();
    let answer = sandbox.pintle("alice", &["init", &folder, "-o", "json"]).ends(0).json();
    let introduction = |key: &str| answer["introduction"][key].as_str().unwrap().to_owned();
    let (commit, policy) = (introduction("commit"), introduction("policySha256"));
    let arguments = [
        "verify",
        "--repo",
        &folder,
        "--repo-id",
        &introduction("repoId"),
        "--introduction-commit",
        &commit,
        "--introduction-policy",
        &policy,
        "-o",
        "json",
    ];
    assert_eq!(sandbox.pintle("nobody", &arguments).ends(0).json()["verdict"], "accepted");
    sandbox.pintle("nobody", &["validate", &folder]).ends(0);
    let settings = sandbox.path("pintle.toml");
    std::fs::write(&settings, answer["settings"].as_str().unwrap()).unwrap();
    sandbox.pintle("nobody", &["verify", "--repo", &folder, "--config", settings.to_str().unwrap()]).ends(0);
}

#[test]
fn init_writes_nothing_beside_its_folder_and_refuses_a_full_one() {
    let sandbox = Sandbox::empty();
    let before = std::fs::read_dir(sandbox.path("")).unwrap().count();
    let folder = sandbox.path("new").display().to_string();
    sandbox.pintle("alice", &["init", &folder, "--hooks"]).ends(0);
    assert_eq!(std::fs::read_dir(sandbox.path("")).unwrap().count(), before + 1);
    assert_eq!(std::fs::read_dir(sandbox.path("home")).unwrap().count(), 0);
    let said = sandbox.pintle("alice", &["init", &folder]).ends(1);
    assert!(said.err.contains("is not empty") && said.err.contains("next:"), "{}", said.err);
}

#[test]
fn init_without_a_usable_key_says_which_to_make() {
    let sandbox = Sandbox::empty();
    let folder = sandbox.path("new").display().to_string();
    let key = sandbox.path("ecdsa").display().to_string();
    sandbox
        .command("ssh-keygen", "nobody", &sandbox.path(""))
        .args(["-q", "-t", "ecdsa", "-N", "", "-f", &key])
        .status()
        .unwrap();
    for arguments in [vec!["init", folder.as_str()], vec!["init", folder.as_str(), "--key", key.as_str()]] {
        let said = sandbox.pintle("nobody", &arguments).ends(1);
        assert!(said.err.contains("ssh-keygen -t ed25519"), "{}", said.err);
        assert!(!sandbox.path("new").exists());
    }
}

#[test]
fn hooks_refuse_unsound_documents_and_unsigned_commits() {
    let sandbox = Sandbox::new();
    sandbox.pintle("alice", &["init", ".", "--hooks"]).ends(0);
    let remote = sandbox.path("remote.git").display().to_string();
    sandbox.git("nobody", &["init", "--quiet", "--bare", &remote]);
    let git = |person: &str, arguments: &[&str]| -> Said {
        sandbox.command("git", person, &sandbox.path("repo")).args(arguments).output().unwrap().into()
    };
    sandbox.write("partners/acme.yaml", "kind: nonsense\n");
    assert!(git("alice", &["commit", "--all", "--message", "Broken"]).ends(1).err.contains("not sound"));
    sandbox.git("nobody", &["checkout", "--quiet", "."]);
    git("alice", &["push", "--quiet", &remote, "main"]).ends(0);
    sandbox.write(
        "partners/acme.yaml",
        "apiVersion: pintle/v1\nkind: Partner\nmetadata: {name: acme}\nspec: {displayName: Akme}\n",
    );
    git("alice", &["commit", "--quiet", "--all", "--no-gpg-sign", "--message", "Unsigned"]).ends(0);
    assert!(git("alice", &["push", &remote, "main"]).ends(1).err.contains("is not signed"));
}

#[test]
fn the_doctor_names_what_fails_and_refuses_the_examples_id() {
    let mut sandbox = Sandbox::new();
    let answer = sandbox.pintle("alice", &["doctor", "-o", "json"]).ends(0).json();
    assert_eq!(answer["healthy"], true);
    let policy = sandbox.read(".pintle/trust.yaml");
    let old = policy.lines().find(|line| line.starts_with("repoId:")).unwrap();
    let policy = policy.replace(old, "repoId: 00000000-0000-4000-8000-706e746c6501");
    sandbox.write(".pintle/trust.yaml", &policy);
    sandbox.git("alice", &["commit", "--quiet", "--all", "--amend", "--no-edit"]);
    sandbox.introduction = (sandbox.head(), pintle_core::change::Digest::of(policy.as_bytes()).to_string());
    let answer = sandbox.pintle("alice", &["doctor", "-o", "json"]).ends(1).json();
    let failed: Vec<&str> = answer["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|one| one["status"] == "fail")
        .map(|one| one["check"].as_str().unwrap())
        .collect();
    assert_eq!(failed, ["repo id"]);
    sandbox.introduction.1 = "0".repeat(64);
    let said = sandbox.pintle("alice", &["doctor"]).ends(1).out;
    assert!(said.contains("FAIL  introduction") && said.contains("next: "), "{said}");
}

#[test]
fn allowed_signers_let_git_say_who_signed() {
    let sandbox = Sandbox::new();
    sandbox.rename("bob", "Akme");
    let file = sandbox.path("allowed");
    std::fs::write(&file, sandbox.pintle("nobody", &["trust", "allowed-signers"]).ends(0).out).unwrap();
    let setting = format!("gpg.ssh.allowedSignersFile={}", file.display());
    assert_eq!(sandbox.git("nobody", &["-c", &setting, "log", "--format=%G? %GS", "-1"]), "G bob@x.example");
}

#[test]
fn a_policy_nobody_can_satisfy_is_told_with_its_place() {
    let sandbox = Sandbox::new();
    sandbox.pintle("nobody", &["trust", "check"]).ends(0);
    let policy =
        sandbox.read(".pintle/trust.yaml").replace("approvals: 2, from: [platform]", "approvals: 9, from: [platfrom]");
    sandbox.write(".pintle/trust.yaml", &policy);
    let said = sandbox.pintle("nobody", &["trust", "check"]).ends(1).out;
    assert!(said.contains("PIN0501") && said.contains(".pintle/trust.yaml:") && said.contains("platfrom"), "{said}");
    let show = sandbox.pintle("nobody", &["trust", "show"]).ends(0).out;
    assert!(show.contains("rest: 2 of platform for everything that no other rule matches."), "{show}");
}
