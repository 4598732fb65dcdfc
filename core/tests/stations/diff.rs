//! Desired, base and live: each cause and each action has its story.

use super::scenario::golden;

#[test]
fn what_is_new_is_created_and_what_is_the_same_is_left_alone() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/same: {displayName: S}
        ## commit
        Partner/same: {displayName: S}
        Partner/new: {displayName: N}
    "
    ));
}

#[test]
fn a_changed_document_is_intent() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/acme: {displayName: Old, quotas: {instances: 1}}
        ## commit
        Partner/acme [labels: {tier: gold}]: {displayName: New}
    "
    ));
}

#[test]
fn a_changed_row_is_drift() {
    insta::assert_snapshot!(golden(
        r#"
        ## commit
        Partner/acme: {displayName: Acme}
        ## live
        set Partner/acme spec.displayName "Other"
        ## commit
        Partner/acme: {displayName: Acme}
    "#
    ));
}

#[test]
fn both_changed_is_a_conflict() {
    insta::assert_snapshot!(golden(
        r#"
        ## commit
        Partner/acme: {displayName: Acme}
        ## live
        set Partner/acme spec.displayName "Other"
        set Partner/acme spec.lifecycle "suspended"
        ## commit
        Partner/acme: {displayName: New}
    "#
    ));
}

#[test]
fn a_row_that_already_says_what_the_new_document_says_is_only_recorded() {
    insta::assert_snapshot!(golden(
        r#"
        ## commit
        Partner/acme: {displayName: Acme}
        ## live
        set Partner/acme spec.displayName "New"
        ## commit
        Partner/acme: {displayName: New}
    "#
    ));
}

#[test]
fn another_default_alone_is_software_and_waits() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/acme: {displayName: Acme}
        ## live
        older-defaults Partner/acme spec.lifecycle
        ## commit
        Partner/acme: {displayName: Acme}
    "
    ));
}

#[test]
fn a_row_of_somebody_else_is_adopted_when_it_is_declared() {
    insta::assert_snapshot!(golden(
        r#"
        ## live
        insert Partner/acme {"annotations": {}, "labels": {}, "spec": {"displayName": "Acme", "lifecycle": "active"}}
        insert Partner/bolt {"annotations": {}, "labels": {}, "spec": {"displayName": "Bolt", "lifecycle": "suspended"}}
        ## commit
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
    "#
    ));
}

#[test]
fn a_row_that_nobody_declared_is_left_alone() {
    insta::assert_snapshot!(golden(
        r#"
        ## live
        insert Partner/stranger {"annotations": {}, "labels": {}, "spec": {"displayName": "Stranger"}}
        ## commit
        Partner/acme: {displayName: Acme}
    "#
    ));
}

#[test]
fn what_left_the_documents_is_deleted_once() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
        ## commit
        Partner/acme: {displayName: Acme}
    "
    ));
    insta::assert_snapshot!(
        "deleted_and_gone",
        golden(
            "
        ## commit
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
        ## commit
        Partner/acme: {displayName: Acme}
        ## live
        ## commit
        Partner/acme: {displayName: Acme}
    "
        )
    );
}

#[test]
fn a_document_that_comes_back_restores_its_row_by_intent() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
        ## commit
        Partner/acme: {displayName: Acme}
        ## commit
        Partner/acme: {displayName: Acme}
        Partner/bolt: {displayName: Bolt}
    "
    ));
}

#[test]
fn a_setting_is_compared_by_itself() {
    insta::assert_snapshot!(golden(
        "
        ## commit
        PlatformConfig/all: {settings: {mail.retries: 3, ui.theme: dark, ui.old: 1}}
        ## commit
        PlatformConfig/moved: {settings: {ui.theme: light}}
        PlatformConfig/other: {settings: {mail.retries: 3}}
    "
    ));
}
