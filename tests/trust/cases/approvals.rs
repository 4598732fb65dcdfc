//! Approvals: what counts, what lapses, what was meant for something else.

stories! {
    an_author_counts_beside_one_approval: "
        w alice on 0: g=9Gi
        tip w: accepted 0, held PIN0510
        p bob on w: approve 0..w
        tip p: accepted p"
    an_author_alone_counts_only_where_a_rule_says_implicit: "
        w alice on 0: a=9Gi
        tip w: accepted 0, held PIN0510
        d alice on 0: put docs/x.md hi
        tip d: accepted d"
    an_unsigned_commit_slipped_in_under_an_authors_signed_one: "
        s - on 0: b=9Gi
        w alice on s: a=9Gi
        p bob on w: approve 0..w
        tip p: accepted p               # one approval suffices for silver
        g - on 0: g=10Gi
        h alice on g: g=9Gi
        q bob on h: approve 0..h
        tip q: accepted 0, held PIN0516 # gold needs two, and alice wrote only a part"
    someone_without_authority_under_an_authors_signed_one: "
        s stranger on 0: g=10Gi
        w alice on s: g=9Gi
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0516"
    an_evil_update_from_main_inside_a_branch: "
        w alice on 0: g=9Gi
        m carol on 0: put docs/m.md hi
        poll m
        u - on w,m: merge 0; put docs/evil.md hi
        p bob on u: approve m..u
        x - on m,p: merge m
        tip x: accepted m, held PIN0516"
    a_clean_update_from_main_inside_a_branch: "
        w alice on 0: g=9Gi
        m carol on 0: put docs/m.md hi
        poll m
        u - on w,m: merge 0
        p bob on u: approve m..u
        x - on m,p: merge m
        tip x: accepted x"
    one_person_with_two_keys_is_one: "
        w - on 0: g=9Gi
        p alice on w: approve 0..w
        q alice2 on p: approve 0..w
        tip q: accepted 0, held PIN0510"
    approve_then_change: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        x alice on p: g=10Gi
        tip x: accepted p, held PIN0510
        y alice on w: g=10Gi
        q bob on y: approve 0..w
        tip q: accepted w, held PIN0510"
    a_trailer_for_another_repository: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w repo=00000000-0000-4000-8000-000000000000
        tip p: accepted 0, held PIN0512"
    a_trailer_for_another_ref: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w ref=refs/heads/other
        tip p: accepted 0, held PIN0512"
    a_trailer_with_a_base_that_was_never_accepted: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w base=w
        tip p: accepted 0, held PIN0512"
    a_trailer_for_another_change: "
        o - on 0: b=9Gi
        w - on 0: a=9Gi
        p bob on w: approve 0..o
        tip p: accepted 0, held PIN0510"
    two_trailers_in_one_commit: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w twice
        tip p: accepted 0, held PIN0512"
    a_trailer_in_the_middle_of_the_body: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w middle
        tip p: accepted 0, held PIN0510"
    an_empty_signed_commit_without_a_trailer: "
        w - on 0: a=9Gi
        p bob on w: say Looks good to me
        tip p: accepted 0, held PIN0510"
    a_trailer_on_a_commit_that_changes_something: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w; b=9Gi
        tip p: accepted 0, held PIN0512"
    an_approver_outside_the_group: "
        w - on 0: a=9Gi
        p carol on w: approve 0..w
        tip p: accepted 0, held PIN0510"
    a_machine_where_no_rule_says_so: "
        w - on 0: a=9Gi
        p zbot on w: approve 0..w
        tip p: accepted 0, held PIN0510"
    one_commit_under_two_rules_with_one_unmet: "
        w alice on 0: g=9Gi; put .pintle/guard.yaml x
        p bob on w: approve 0..w
        tip p: accepted p
        x dave on p: g=10Gi; put .pintle/guard.yaml y
        q erin on x: approve p..x
        tip q: accepted p, held PIN0510"
    too_old: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        now 15d
        tip p: accepted 0, held PIN0512
        wait 14d
        q bob on p: approve 0..w
        tip q: accepted q"
    too_far_ahead: "
        w - on 0: a=9Gi
        wait 2d
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0512"
    base_moved_elsewhere_counts: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        o - on 0: b=9Gi
        q erin on o: approve 0..o
        poll q
        m - on q,p: merge 0
        tip m: accepted m"
    base_moved_in_the_same_document_lapses: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        o - on 0: a=10Gi
        q erin on o: approve 0..o
        poll q
        b - on q: a=8Gi
        r erin on b: approve q..b
        poll r
        m - on r,p: merge 0
        tip m: accepted r, held PIN0510"
    two_approved_branches_between_two_polls: "
        v - on 0: a=9Gi
        p bob on v: approve 0..v
        w - on 0: b=9Gi
        q bob on w: approve 0..w
        m - on 0,p: merge 0
        n - on m,q: merge 0
        tip n: accepted n"
    a_late_trailer_for_the_first_of_two_held_steps_lifts_both: "
        v - on 0: a=9Gi
        w - on v: b=9Gi
        p bob on w: approve v..w base=0
        tip p: accepted 0, held PIN0510
        q bob on p: approve 0..v
        tip q: accepted q"
    an_approved_reverted_and_merged_again_branch: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        m - on 0,p: merge 0
        poll m
        r - on m: a=8Gi
        s erin on r: approve m..r
        poll s
        n - on s,p: files m
        tip n: accepted s, held PIN0510"
    an_authors_implicit_word_is_not_said_again_by_merging_the_reverted_branch_once_more: "
        w alice on 0: put docs/x.md hi
        m - on 0,w: merge 0
        poll m
        r carol on m: del docs/x.md
        poll r
        n - on r,w: files m
        tip n: accepted r, held PIN0510"
    an_abandoned_branch_withdrawn: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        x erin on p: withdraw 0..w
        push x
        m - on 0,p: merge 0
        tip m: accepted 0, held PIN0517"
    a_withdrawal_that_main_itself_holds: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        push p
        x erin on 0: withdraw 0..w
        m - on x,p: merge 0
        tip m: accepted x, held PIN0517"
    who_means_it_after_a_withdrawal_approves_again: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        x erin on p: withdraw 0..w
        q bob on x: approve 0..w
        tip q: accepted q"
    a_withdrawal_by_someone_whom_no_rule_asks_counts_for_nothing: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        x carol on p: withdraw 0..w
        push x
        m - on 0,p: merge 0
        tip m: accepted m"
    a_wip_branch_that_the_forge_merged: "
        w alice on 0: g=9Gi
        m - on 0,w: merge 0
        tip m: accepted 0, held PIN0510"
    an_approval_of_the_whole_way_goes_on_counting_when_a_part_of_it_came_first: "
        d carol on 0: put docs/x.md hi
        w - on d: a=9Gi
        p bob on w: approve 0..w
        tip p: accepted p"
    polling_at_each_commit_and_polling_once_accept_the_same: "
        d carol on 0: put docs/x.md hi
        w - on d: a=9Gi
        p bob on w: approve 0..w
        poll d
        tip p: accepted p
        poll w
        poll p
        tip p: accepted p"
    an_approval_under_the_approvals_ref_survives_a_squash: "
        w alice on 0: a=9Gi
        p bob on w: approve 0..w
        s - on 0: files w
        tip s: accepted 0, held PIN0510
        push p
        tip s: accepted s"
    a_denied_change_is_held_whatever_its_approvals: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        deny 0..w
        tip p: accepted 0, held PIN0512"
    a_denied_key_counts_for_nothing: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        denykey bob
        tip p: accepted 0, held PIN0512"
}
