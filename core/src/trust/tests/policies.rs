//! Cases: the policy file and its life.

use super::story::{Story, key, policy};
use crate::change::Oid;
use crate::trust::Word;
use crate::trust::{Glob, POLICY_PATH, read_policy};
use jiff::Timestamp;

#[test]
fn a_weak_or_contradictory_policy_is_refused_with_its_place() {
    let good = policy(1);
    assert!(read_policy(good.as_bytes(), Timestamp::UNIX_EPOCH).is_ok());
    let alice = key("alice").line();
    let cases: Vec<(&str, String)> = vec![
        ("threshold over people", good.replace("approvals: 2, from: [root]", "approvals: 4, from: [root]")),
        (
            "machines are not people",
            good.replace("approvals: 2, from: [sre, release]}", "approvals: 5, from: [sre, release]}"),
        ),
        ("zero", good.replace("approvals: 2, from: [root]", "approvals: 0, from: [root]")),
        ("negative", good.replace("approvals: 2, from: [root]", "approvals: -1, from: [root]")),
        ("text for a number", good.replace("approvals: 2, from: [root]", "approvals: \"2\", from: [root]")),
        ("a float", good.replace("approvals: 2, from: [root]", "approvals: 2.0, from: [root]")),
        ("unknown member", good.replace("release: [alice, dave]", "release: [alice, dvae]")),
        ("unknown group", good.replace("from: [root]", "from: [rot]")),
        ("nobody", good.replace("from: [root]", "from: []")),
        ("one key under two people", good.replace(&key("bob").line(), &alice)),
        ("no rule for the policy", good.replace("\".pintle/**\"", "\"pintle/**\"")),
        ("implicit root", good.replace("approvals: 2, from: [root]", "approvals: 2, from: [root], implicit: true")),
        ("duplicate key", format!("version: 2\n{good}")),
        ("an RSA key", good.replace(&alice, "ssh-rsa AAAAB3NzaC1yc2E=")),
        ("unknown field", good.replace("independent", "independant")),
        ("a tag", good.replace("version: 1", "version: !!int 1")),
        ("two rules of one name", good.replace("name: gold", "name: trust")),
        ("independent over approvals", good.replace("independent: 1", "independent: 3")),
        ("otherwise with more", good.replace("{otherwise: true}", "{otherwise: true, kind: Instance}")),
        ("an empty match", good.replace("{otherwise: true}", "{}")),
        ("an empty list in a match", good.replace("[\"docs/**\"]", "[]")),
        ("an odd glob", good.replace("docs/**", "docs/{a,b}")),
        ("touch of a plain key", good.replacen("\"}", "\", require: [touch]}", 1)),
        ("two documents", format!("{good}---\n{good}")),
        ("no version", good.replace("version: 1\n", "")),
        (
            "an expired key leaves too few",
            good.replace(
                &format!("{}\"", key("erin").line()),
                &format!("{}\", notAfter: 2020-01-01T00:00:00Z", key("erin").line()),
            )
            .replace("approvals: 2, from: [sre, release]}", "approvals: 4, from: [sre, release]}"),
        ),
        ("a bad duration", format!("{good}approvalMaxAge: 14\n")),
        (
            "break-glass over the policy",
            format!("{good}breakGlass: {{from: [sre], approvals: 1, match: {{paths: [\"**\"]}}, ratifyWithin: 24h}}\n"),
        ),
        ("a bad fingerprint", format!("{good}revoked: [{{fingerprint: \"SHA256:x\", reason: lost}}]\n")),
        ("nothing", String::new()),
    ];
    for (case, text) in cases {
        assert_ne!(text, good, "{case}: the case is the good policy");
        let problems = read_policy(text.as_bytes(), "2026-01-01T00:00:00Z".parse().unwrap()).expect_err(case);
        assert!(!problems.is_empty(), "{case}");
    }
    let two = good.replace("from: [root]", "from: [rot]").replace("dave]", "dvae]");
    assert!(read_policy(two.as_bytes(), Timestamp::UNIX_EPOCH).unwrap_err().len() >= 2, "all at once");
}

/// A change of the policy by alice, approved by bob, both root.
fn change(story: &mut Story, base: Oid, text: Option<&str>) -> Oid {
    let work = story.edit("alice", base, &[(POLICY_PATH, text)]);
    story.approve("bob", work, base, work)
}

#[test]
fn a_policy_moves_one_version_at_a_time_and_stays_in_its_repository() {
    let relaxed = |version| {
        policy(version)
            .replace("approvals: 2, from: [sre, release], independent: 1", "approvals: 1, from: [sre, release]")
    };
    let cases = [
        ("one more", Some(relaxed(2)), true),
        ("the same", Some(relaxed(1)), false),
        ("two more", Some(relaxed(3)), false),
        ("another repository", Some(relaxed(2).replace("5b1c7c0e", "5b1c7c0f")), false),
        ("removed", None, false),
        ("broken", Some("version: [".into()), false),
        ("invalid", Some(policy(2).replace("from: [root]", "from: [rot]")), false),
    ];
    for (case, text, good) in cases {
        let mut story = Story::default();
        let first = story.first;
        let tip = change(&mut story, first, text.as_deref());
        story.expect(tip, good, case);
        if !good {
            let held = story.verdict(tip).held.unwrap();
            assert!(held.reasons.iter().any(|reason| reason.code.as_str() == "PIN0514"), "{case}: {:?}", held.reasons);
        }
    }
}

#[test]
fn a_commit_is_judged_by_what_was_accepted_before_it_never_by_its_own_policy() {
    let mut story = Story::default();
    let first = story.first;
    let open = policy(2).replace("approvals: 2, from: [root]", "approvals: 1, from: [root, release]");
    let work = story.edit("alice", first, &[(POLICY_PATH, Some(&open))]);
    let tip = story.approve("dave", work, first, work);
    story.expect(tip, false, "lowers its own threshold");
    let mine = policy(2).replace(&key("bob").line(), &key("mallory").line());
    let work = story.edit("mallory", first, &[(POLICY_PATH, Some(&mine))]);
    let tip = story.approve("mallory", work, first, work);
    let tip = story.approve("alice", tip, first, work);
    story.expect(tip, false, "adds its own key and uses it");
}

#[test]
fn an_old_policy_cannot_come_back_and_a_revoked_key_only_loses_its_future() {
    let mut story = Story::default();
    let first = story.first;
    let by_erin = story.raise("nobody", first, "a", "9Gi");
    let tip = story.approve("erin", by_erin, first, by_erin);
    story.poll(tip);
    let erin = crate::trust::PublicKey::from_line(&key("erin").line()).unwrap().fingerprint();
    let revoked = format!("{}revoked: [{{fingerprint: \"{erin}\", reason: laptop lost}}]\n", policy(2));
    let second = change(&mut story, tip, Some(&revoked));
    let verdict = story.poll(second);
    assert_eq!(verdict.accepted.unwrap().policy_version(), 2, "{:?}", verdict.held);
    let work = story.raise("nobody", second, "a", "10Gi");
    let late = story.approve("erin", work, second, work);
    story.expect(late, false, "revoked, new commit");
    let good = story.approve("dave", late, second, work);
    story.expect(good, true, "another person");
    let back = change(&mut story, second, Some(&policy(1)));
    story.expect(back, false, "an old policy restored");
}

#[test]
fn path_patterns_have_one_reading() {
    for (pattern, path, expected) in [
        ("docs/**", "docs/a", true),
        ("docs/**", "docs/a/b", true),
        ("docs/**", "docs", true),
        ("docs/**", "docsx/a", false),
        ("**/*.md", "a.md", true),
        ("**/*.md", "x/y/a.md", true),
        ("*.md", "x/a.md", false),
        ("a/**/b", "a/b", true),
        ("a/**/b", "a/x/y/b", true),
        ("a/?.yaml", "a/b.yaml", true),
        ("a/?.yaml", "a/bc.yaml", false),
        ("*a*b*", "xxaxxbxx", true),
        ("*a*b*", "xxbxxaxx", false),
        ("**", "any/thing", true),
    ] {
        assert_eq!(Glob::parse(pattern).unwrap().matches(path), expected, "{pattern} {path}");
    }
    for bad in ["", "/a", "a//b", "a/", "a[b]", "{a}", "!a", "a**", "../a", "a\\b"] {
        assert!(Glob::parse(bad).is_err(), "{bad}");
    }
}

#[test]
fn when_root_changes_the_new_root_and_every_added_key_agree() {
    let with_frank = |root: &str| {
        let person = format!("people:\n  frank: {{keys: [{{key: \"{}\"}}]}}\n", key("frank").line());
        policy(2).replace("people:\n", &person).replace("root: [alice, bob, carol]", &format!("root: [{root}]"))
    };
    let cases = [
        ("added without his key", "alice, bob, carol", vec!["bob"], false),
        ("added with his key", "alice, bob, carol", vec!["bob", "frank"], true),
        ("joins root silently", "alice, bob, frank", vec!["bob"], false),
        ("joins root with his key", "alice, bob, frank", vec!["bob", "frank"], true),
        ("one of the new root", "dave, frank", vec!["bob", "frank"], false),
        ("both of the new root", "dave, frank", vec!["bob", "frank", "dave"], true),
        ("only the new root", "dave, frank", vec!["frank", "dave"], false),
    ];
    for (case, root, approvers, good) in cases {
        let mut story = Story::default();
        let first = story.first;
        let work = story.edit("alice", first, &[(POLICY_PATH, Some(&with_frank(root)))]);
        let tip = approvers.iter().fold(work, |tip, who| story.approve(who, tip, first, work));
        story.expect(tip, good, case);
    }
}

#[test]
fn an_approver_needs_the_right_at_the_base_as_well_as_now() {
    let frank = format!("people:\n  frank: {{keys: [{{key: \"{}\"}}]}}\n", key("frank").line());
    let wider = policy(2)
        .replace("people:\n", &frank)
        .replace("sre: [bob, erin, zbot]", "sre: [bob, erin, zbot, carol, frank]");
    for (who, at_first, accepted) in [
        ("carol", true, false),
        ("carol", false, true),
        ("frank", true, false),
        ("frank", false, true),
        ("erin", true, true),
    ] {
        let mut story = Story::default();
        let first = story.first;
        let work = story.edit("alice", first, &[(POLICY_PATH, Some(&wider))]);
        let work_2 = story.approve("bob", work, first, work);
        let second = story.approve("frank", work_2, first, work);
        assert_eq!(story.poll(second).accepted.unwrap().commit(), second);
        let change = story.raise("nobody", second, "a", "9Gi");
        let base = if at_first { first } else { second };
        let id = story.change(second, change);
        let tip = story.state(who, change, Word::Approve, base, id);
        story.expect(tip, accepted, &format!("{who} {at_first}"));
    }
}

#[test]
fn an_unknown_writer_may_be_any_one_of_the_approvers() {
    for (author, independent, accepted) in [
        ("nobody", 2, false),
        ("nobody", 1, true),
        ("stranger", 2, false),
        ("carol", 2, true),
        ("bob", 2, false),
        ("bob", 1, true),
    ] {
        let mut story = Story::default();
        let strict = policy(1).replace("independent: 1", &format!("independent: {independent}"));
        let files = story.edited(story.first, &[(POLICY_PATH, Some(&strict))]);
        story.first = story.raw_commit(Some("alice"), &[], &files, "Begin\n");
        let first = story.first;
        let work = story.raise(author, first, "g", "9Gi");
        let tip = story.approve("bob", work, first, work);
        let tip = story.approve("erin", tip, first, work);
        story.expect(tip, accepted, &format!("{author} {independent}"));
    }
}

#[test]
fn a_key_added_after_the_base_speaks_for_nobody_there() {
    for (at_first, accepted) in [(true, false), (false, true)] {
        let mut story = Story::default();
        let first = story.first;
        let more =
            policy(2).replacen("dave: {keys: [", &format!("dave: {{keys: [{{key: \"{}\"}}, ", key("newkey").line()), 1);
        let work = story.edit("alice", first, &[(POLICY_PATH, Some(&more))]);
        let tip = story.approve("bob", work, first, work);
        let second = story.approve("newkey", tip, first, work);
        assert_eq!(story.poll(second).accepted.unwrap().commit(), second);
        let change = story.raise("nobody", second, "a", "9Gi");
        let base = if at_first { first } else { second };
        let id = story.change(second, change);
        let tip = story.state("newkey", change, Word::Approve, base, id);
        story.expect(tip, accepted, if at_first { "base before the key" } else { "base after the key" });
    }
}
