//! Cases: what counts as an approval, and for whom.

use super::story::{MAIN, REPO, Story, instance, policy};
use crate::change::Oid;
use crate::trust::{POLICY_PATH, Role, Times};
use jiff::{SignedDuration, Timestamp};

type Edits<'a> = Vec<(&'a str, Option<&'a str>)>;

/// Gold needs two of sre and release, one of whom did not write it.
fn gold(story: &mut Story, author: &str) -> Oid {
    story.raise(author, story.first, "g", "9Gi")
}

#[test]
fn an_author_counts_beside_one_approval_and_never_alone() {
    for (author, approvers, accepted) in [
        ("alice", vec!["bob"], true),
        ("alice", vec![], false),
        ("alice", vec!["alice"], false),
        ("alice", vec!["alice", "alice2"], false),
        ("alice", vec!["alice2"], false),
        ("alice2", vec!["bob"], true),
        ("alice", vec!["carol"], false),
        ("alice", vec!["nobody"], false),
        ("alice", vec!["zbot"], false),
        ("carol", vec!["bob"], false),
        ("carol", vec!["bob", "erin"], true),
        ("nobody", vec!["bob"], false),
        ("nobody", vec!["bob", "erin"], true),
        ("bob", vec!["erin"], true),
        ("stranger", vec!["alice"], false),
    ] {
        let mut story = Story::default();
        let (first, work) = (story.first, gold(&mut story, author));
        let mut tip = work;
        for who in &approvers {
            tip = story.approve(who, tip, first, work);
        }
        story.expect(tip, accepted, &format!("{author} approved by {approvers:?}"));
    }
}

#[test]
fn what_counted_is_told_with_key_commit_role_and_rules() {
    let mut story = Story::default();
    let (first, work) = (story.first, gold(&mut story, "alice"));
    let approval = story.approve("bob", work, first, work);
    let verdict = story.verdict(approval);
    let steps = verdict.steps();
    assert_eq!(
        steps.iter().map(|step| (step.commit, step.seq)).collect::<Vec<_>>(),
        [(first, 1), (work, 2), (approval, 3)]
    );
    let told: Vec<_> =
        steps[1].counted.iter().map(|one| (&*one.person, one.role, one.commit, one.rules.len())).collect();
    assert_eq!(told, [("alice", Role::Author, work, 1), ("bob", Role::Approver, approval, 1)]);
    assert!(verdict.held.is_none() && verdict.refused.is_none());
    let json = serde_json::to_string(steps).unwrap();
    assert_eq!(serde_json::from_str::<Vec<crate::trust::Acceptance>>(&json).unwrap(), steps);
}

#[test]
fn a_held_step_names_the_rule_who_is_missing_and_the_command() {
    let mut story = Story::default();
    let work = gold(&mut story, "alice");
    let held = story.verdict(work).held.unwrap();
    assert_eq!((held.commit, held.subject.as_str()), (work, "Edit"));
    assert_eq!((&*held.rules[0].name, held.rules[0].needed, held.rules[0].have.len()), ("gold", 2, 0));
    assert_eq!(held.reasons[0].code.as_str(), "PIN0510");
    assert!(held.reasons[0].hint.ends_with(&format!(": pintle approve {}", work.short())), "{}", held.reasons[0].hint);
}

#[test]
fn implicit_rules_take_a_bare_authors_signature() {
    for (who, accepted) in [("carol", true), ("gina", true), ("nobody", false), ("stranger", false), ("zbot", false)] {
        let mut story = Story::default();
        let work = story.edit(who, story.first, &[("docs/a.md", Some("x"))]);
        story.expect(work, accepted, who);
    }
}

#[test]
fn a_trailer_that_is_for_something_else_counts_for_nothing() {
    let mut story = Story::default();
    let (first, work) = (story.first, gold(&mut story, "carol"));
    let other = story.raise("carol", first, "b", "1Gi");
    let change = story.change(first, work);
    let another = story.change(first, other);
    let by_bob = story.approve("bob", work, first, work);
    let line = |repo: &str, git_ref: &str, base: Oid, change| {
        format!("Approve: v1 repo={repo} ref={git_ref} base={base} change={change}")
    };
    let good = line(REPO, MAIN, first, change);
    let cases = [
        ("good", format!("Yes\n\n{good}\n"), true),
        ("no trailer", "Yes\n".into(), false),
        ("another repository", format!("Yes\n\n{}\n", line("other", MAIN, first, change)), false),
        ("another ref", format!("Yes\n\n{}\n", line(REPO, "refs/heads/dev", first, change)), false),
        ("another base", format!("Yes\n\n{}\n", line(REPO, MAIN, work, change)), false),
        ("another change", format!("Yes\n\n{}\n", line(REPO, MAIN, first, another)), false),
        ("two trailers", format!("Yes\n\n{good}\n{good}\n"), false),
        ("in the middle", format!("Yes\n\n{good}\n\nThe end.\n"), false),
        ("with actions", format!("Yes\n\n{good} actions={}\n", "a".repeat(64)), true),
    ];
    for (case, message, accepted) in cases {
        let tip = story.say("erin", by_bob, &message);
        story.expect(tip, accepted, case);
    }
    let files = story.edited(by_bob, &[("README.md", Some("more"))]);
    let full = story.raw_commit(Some("erin"), &[by_bob], &files, &format!("Yes\n\n{good}\n"));
    assert_eq!(story.accepted(full), first, "an approval that changes something");
}

#[test]
fn approvals_have_an_age_and_no_future() {
    let day = SignedDuration::from_hours(24);
    let minute = SignedDuration::from_mins(1);
    for (after, accepted) in
        [(day, true), (day * 14 - minute, true), (day * 14 + minute, false), (-minute * 9, true), (-minute * 11, false)]
    {
        let mut story = Story::default();
        let (first, work) = (story.first, gold(&mut story, "alice"));
        let tip = story.approve("bob", work, first, work);
        story.now = Timestamp::from_second(story.time).unwrap() + after;
        let is = story.verdict(tip).accepted.unwrap().commit() == tip;
        assert_eq!(is, accepted, "{after:?}");
    }
}

#[test]
fn approve_then_change_needs_another_approval() {
    let mut story = Story::default();
    let (first, work) = (story.first, gold(&mut story, "alice"));
    let approved = story.approve("bob", work, first, work);
    let tip = story.raise("alice", approved, "g", "99Gi");
    assert_eq!(story.accepted(tip), approved);
    let held = story.verdict(tip).held.unwrap();
    assert_eq!(held.commit, tip);
}

#[test]
fn an_unsigned_commit_slipped_in_under_an_author_counts_for_nobody() {
    for (slipped, accepted) in
        [("alice", true), ("nobody", false), ("gina", false), ("bob", false), ("stranger", false)]
    {
        let mut story = Story::default();
        let first = story.first;
        let below = story.raise(slipped, first, "g", "9Gi");
        let above = story.raise("alice", below, "g", "10Gi");
        let tip = story.approve("dave", above, first, above);
        story.expect(tip, accepted, slipped);
    }
}

#[test]
fn a_change_across_rules_needs_all_of_them() {
    let mut story = Story::default();
    let first = story.first;
    let both = story.edit(
        "carol",
        first,
        &[("docs/a.md", Some("x")), ("instances/g.yaml", Some(&instance("g", "gold", "9Gi")))],
    );
    story.expect(both, false, "docs is met and gold is not");
    let held = story.verdict(both).held.unwrap();
    assert_eq!(
        held.rules.iter().map(|rule| (&*rule.name, rule.met())).collect::<Vec<_>>(),
        [("gold", false), ("docs", true)]
    );
}

#[test]
fn rules_match_either_side_and_what_they_take_is_still_asked_of_its_owners() {
    let gold_to_silver = instance("g", "silver", "8Gi");
    let silver_to_gold = instance("a", "gold", "8Gi");
    let moved = instance("a", "silver", "9Gi");
    let acme = instance("b", "silver", "8Gi").replace("type: shared-saas", "type: partner-deployed\n  partner: acme");
    let previous = instance("a2", "silver", "8Gi").replace("name: a2", "name: a2\n  previousName: a");
    let ended = instance("a", "silver", "8Gi") + "  lifecycle: terminated\n";
    let cases: Vec<(Edits<'_>, Vec<&str>)> = vec![
        (vec![("instances/g.yaml", Some(&gold_to_silver))], vec!["gold", "rest"]),
        (vec![("instances/a.yaml", Some(&silver_to_gold))], vec!["gold", "rest"]),
        (vec![("instances/a.yaml", None)], vec!["removal"]),
        (vec![("instances/g.yaml", None)], vec!["gold", "removal"]),
        (vec![("instances/a.yaml", Some(&ended))], vec!["removal"]),
        (vec![("instances/a.yaml", None), ("instances/a2.yaml", Some(&previous))], vec!["removal"]),
        (vec![("instances/a.yaml", None), ("secure/a.yaml", Some(&moved))], vec!["secure", "rest"]),
        (vec![("instances/b.yaml", Some(&acme))], vec!["acme", "rest"]),
        (vec![("README.md", Some("x"))], vec!["rest"]),
        (vec![(".pintle/guard.yaml", Some("x"))], vec!["trust"]),
    ];
    for (edits, expected) in cases {
        let mut story = Story::default();
        let work = story.edit("nobody", story.first, &edits);
        let held = story.verdict(work).held.unwrap();
        let names: Vec<&str> = held.rules.iter().map(|rule| &*rule.name).collect();
        assert_eq!(names, expected, "{edits:?}");
    }
}

#[test]
fn a_rule_over_instances_reaches_what_they_resolve_through() {
    let gold = instance("g", "gold", "8Gi")
        .replace("type: shared-saas", "type: partner-deployed\n  partner: kora\n  profiles: [big]");
    let profile = |values: &str| {
        format!(
            "apiVersion: pintle/v1\nkind: Profile\nmetadata: {{name: big}}\nspec:\n  appliesTo: Instance\n  values: {{{values}}}\n"
        )
    };
    let partner = |name: &str, contact: &str| {
        format!("apiVersion: pintle/v1\nkind: Partner\nmetadata: {{name: {name}}}\nspec: {{displayName: {contact}}}\n")
    };
    let (kora, lone, big) = (partner("kora", "Kora"), partner("lone", "Lone"), profile("lifecycle: active"));
    let (kora_2, lone_2, big_2, ended) = (
        partner("kora", "K"),
        partner("lone", "L"),
        profile("lifecycle: active, driver: exec"),
        profile("lifecycle: terminated"),
    );
    let start = [
        ("instances/g.yaml", Some(&*gold)),
        ("partners/kora.yaml", Some(&*kora)),
        ("partners/lone.yaml", Some(&*lone)),
        ("profiles/big.yaml", Some(&*big)),
    ];
    let cases: [(&str, Edits<'_>, &[&str]); 5] = [
        ("the partner of a gold instance", vec![("partners/kora.yaml", Some(&kora_2))], &["gold", "rest"]),
        ("a partner of none", vec![("partners/lone.yaml", Some(&lone_2))], &["rest"]),
        ("its profile", vec![("profiles/big.yaml", Some(&big_2))], &["gold", "rest"]),
        ("a profile that ends it", vec![("profiles/big.yaml", Some(&ended))], &["gold", "removal", "rest"]),
        (
            "let go and changed in one",
            vec![("partners/kora.yaml", Some(&kora_2)), ("instances/g.yaml", None)],
            &["gold", "removal", "rest"],
        ),
    ];
    for (case, edits, expected) in cases {
        let mut story = Story::default();
        let files = story.edited(story.first, &start);
        story.first = story.raw_commit(Some("alice"), &[], &files, "Begin\n");
        let work = story.edit("nobody", story.first, &edits);
        let held = story.verdict(work).held.unwrap();
        assert_eq!(held.rules.iter().map(|rule| &*rule.name).collect::<Vec<_>>(), expected, "{case}");
    }
}

#[test]
fn an_approval_counts_while_main_moves_elsewhere_and_lapses_in_the_same_document() {
    for (moved, accepted) in [("b", true), ("a", false)] {
        let mut story = Story::default();
        let first = story.first;
        let branch = story.edit(
            "carol",
            first,
            &[("instances/a.yaml", Some(&(instance("a", "silver", "8Gi") + "  driver: exec\n")))],
        );
        let approval = story.approve("bob", branch, first, branch);
        let main = story.raise("nobody", first, moved, "9Gi");
        let main = story.approve("erin", main, first, main);
        story.poll(main);
        let text = if moved == "a" { "9Gi" } else { "8Gi" };
        let merged = instance("a", "silver", text) + "  driver: exec\n";
        let files = story.edited(main, &[("instances/a.yaml", Some(&merged))]);
        let tip = story.raw_commit(None, &[main, approval], &files, "Merge\n");
        story.expect(tip, accepted, moved);
    }
}

#[test]
fn an_approved_reverted_and_merged_again_branch_is_held() {
    let mut story = Story::default();
    let first = story.first;
    let branch = story.raise("carol", first, "a", "9Gi");
    let approval = story.approve("bob", branch, first, branch);
    let merged = story.merge(first, approval, first, &[]);
    assert_eq!(story.poll(merged).accepted.unwrap().commit(), merged);
    let revert = story.raise("carol", merged, "a", "8Gi");
    let reverted = story.approve("bob", revert, merged, revert);
    assert_eq!(story.poll(reverted).accepted.unwrap().commit(), reverted);
    let again = story.raise("nobody", reverted, "a", "9Gi");
    story.evidence = vec![approval];
    story.expect(again, false, "the old approval applies again");
}

#[test]
fn the_approvals_ref_survives_a_squash() {
    let mut story = Story::default();
    let first = story.first;
    let branch = story.raise("alice", first, "g", "9Gi");
    let one = story.approve("bob", branch, first, branch);
    let two = story.approve("erin", one, first, branch);
    let squashed = story.raise("nobody", first, "g", "9Gi");
    story.expect(squashed, false, "without the ref");
    story.evidence = vec![two, Oid([9; 20])];
    story.expect(squashed, true, "with the ref");
    assert_eq!(story.verdict(squashed).notes.len(), 1, "missing evidence is told");
}

#[test]
fn a_late_trailer_lifts_the_first_of_two_held_steps_and_with_it_both() {
    let mut story = Story::default();
    let first = story.first;
    let one = story.raise("carol", first, "a", "9Gi");
    let two = story.raise("carol", one, "b", "9Gi");
    let late_two = story.approve("bob", two, first, two);
    assert_eq!(story.accepted(late_two), late_two, "an approval of both together");
    let mut story = Story::default();
    let first = story.first;
    let one = story.merge(first, first, first, &[("instances/a.yaml", Some(&instance("a", "silver", "9Gi")))]);
    let branch = story.raise("carol", first, "b", "9Gi");
    let approved = story.approve("bob", branch, first, branch);
    let two = story.merge(one, approved, first, &[]);
    assert_eq!(story.poll(two).accepted.unwrap().commit(), first);
    let late = story.approve("erin", two, first, one);
    story.expect(late, true, "both");
}

#[test]
fn polling_often_and_polling_once_accept_the_same_points() {
    let mut story = Story::default();
    let (mut tip, mut tips) = (story.first, Vec::new());
    for round in 1..6 {
        let base = tip;
        let branch = story.raise("alice", base, "g", &format!("{}Gi", 8 + round));
        let approval = story.approve("bob", branch, base, branch);
        tip = story.merge(base, approval, base, &[]);
        tips.push(tip);
        tip = story.raise("nobody", tip, "a", &format!("{}Gi", 8 + round));
        tips.push(tip);
        tip = story.approve("erin", tip, tips[tips.len() - 2], tip);
        tips.push(tip);
    }
    let once: Vec<Oid> = story.verdict(tip).steps().iter().map(|step| step.commit).collect();
    for tip in &tips {
        story.poll(*tip);
    }
    let often: Vec<Oid> = story.recorded.iter().map(|step| step.commit).collect();
    assert_eq!(once, often);
    assert_eq!(often.last(), Some(&tip));
}

#[test]
fn touch_and_pin_are_enforced_where_the_policy_requires_them() {
    let mut story = Story::default();
    let first = story.first;
    let acme = |memory| {
        instance("n", "silver", memory).replace("type: shared-saas", "type: partner-deployed\n  partner: acme")
    };
    let work = story.edit("nobody", first, &[("instances/n.yaml", Some(&acme("8Gi")))]);
    let tip = story.approve("gina", work, first, work);
    story.expect(tip, true, "touch and PIN");
    let strict = crate::trust::read_policy(policy(1).as_bytes(), story.now).unwrap();
    let key = super::story::key("gina");
    for (flags, good) in [(5, true), (0xff, true), (1, false), (4, false), (0, false)] {
        let signed = crate::trust::verify(&super::world::sign(&key, flags, b"x").encode(), b"x").unwrap();
        assert_eq!(strict.signer(&signed, story.now).is_ok(), good, "{flags}");
    }
}

#[test]
fn age_gates_the_first_acceptance_only() {
    let mut story = Story::default();
    let (first, work) = (story.first, gold(&mut story, "alice"));
    let tip = story.approve("bob", work, first, work);
    story.poll(tip);
    story.now += SignedDuration::from_hours(24 * 400);
    assert_eq!(story.accepted(tip), tip, "a year later, by the records");
    story.recorded.clear();
    assert_eq!(story.accepted(tip), first, "without records, by the clock");
    let verdict = story.ask(tip, Times::Signed);
    assert_eq!(verdict.accepted.unwrap().commit(), tip, "without records, by the signers' times");
    assert_eq!(verdict.notes.len(), 1, "and says so");
}

#[test]
fn a_record_alone_accepts_nothing() {
    let mut story = Story::default();
    let (first, work) = (story.first, gold(&mut story, "alice"));
    let tip = story.approve("bob", work, first, work);
    story.poll(tip);
    let evil = story.raise("alice", first, "g", "66Gi");
    let mut forged = story.recorded.clone();
    forged.truncate(2);
    forged[1].commit = evil;
    story.recorded = forged;
    let verdict = story.verdict(evil);
    assert_eq!(verdict.accepted.unwrap().commit(), first);
    assert_eq!(verdict.refused.unwrap().reason.code.as_str(), "PIN0523");
    assert!(policy(1).contains(REPO) && POLICY_PATH.ends_with("trust.yaml"));
}
