//! Pull requests as people do them.

stories! {
    fast_forward: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        tip p: accepted p"
    the_merge_button: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        m - on 0,p: merge 0
        tip m: accepted m"
    a_branch_updated_from_main_by_merging: "
        w alice on 0: a=9Gi
        p bob on w: approve 0..w
        o carol on 0: put docs/x.md hi
        poll o
        u - on p,o: merge 0
        m - on o,u: merge o
        tip m: accepted m"
    a_branch_updated_from_main_by_rebasing_counts_by_the_approvals_ref: "
        w alice on 0: a=9Gi
        p bob on w: approve 0..w
        push p
        o carol on 0: put docs/x.md hi
        poll o
        r alice on o: a=9Gi
        m - on o,r: merge o
        tip m: accepted m"
    a_long_lived_branch_with_many_updates: "
        w alice on 0: g=9Gi
        o carol on 0: put docs/1.md hi
        u - on w,o: merge 0
        v alice on u: g=10Gi
        o2 carol on o: put docs/2.md hi
        u2 - on v,o2: merge o
        poll o2
        p bob on u2: approve o2..u2
        m - on o2,p: merge o2
        tip m: accepted m"
    a_revert_of_a_held_commit_needs_nobody: "
        w alice on 0: g=66Gi
        r alice on w: g=8Gi
        tip r: accepted r"
    a_revert_of_an_accepted_commit_needs_approval: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        poll p
        r carol on p: g=8Gi
        tip r: accepted p, held PIN0510"
    two_authors_approve_by_trailer: "
        w alice on 0: g=9Gi
        x dave on w: g=10Gi
        p bob on x: approve 0..x
        tip p: accepted 0, held PIN0516
        q alice on p: approve 0..x
        tip q: accepted q"
    what_was_squashed_and_taken_back_is_not_revived_by_updating_the_branch: "
        w alice on 0: put docs/x.md hi
        s - on 0: files w
        p bob on s: approve 0..s
        poll p
        r carol on p: del docs/x.md
        poll r
        u - on w,r: merge 0
        m - on r,u: files u
        tip m: accepted r, held PIN0510"
    a_new_document_that_the_forge_puts_under_a_weaker_path_is_another_change: "
        w - on 0: put secure/n.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: n, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 8Gi}}\\n
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0510      # two are asked below secure/
        m - on 0: put instances/n.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: n, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 8Gi}}\\n
        push p
        tip m: accepted 0, held PIN0510"
}
