//! History: what descends from what is accepted, and merges of every shape.

stories! {
    force_push_behind_what_is_accepted: "
        w carol on 0: put docs/x.md hi
        poll w
        tip 0: accepted w, refused PIN0520"
    a_tip_beside_what_is_accepted: "
        w carol on 0: put docs/x.md hi
        poll w
        x carol on 0: put docs/y.md hi
        tip x: accepted w, refused PIN0521"
    an_unaccepted_tip_rewritten_away: "
        w alice on 0: a=9Gi
        poll w
        x carol on 0: put docs/x.md hi
        tip x: accepted x"
    an_unrelated_root: "
        u alice on nothing: files 0
        tip u: accepted 0, refused PIN0521
        v alice on u: a=9Gi
        tip v: accepted 0, refused PIN0521"
    a_tip_that_descends_only_from_the_introductions_ancestor: "
        w carol on 0: put docs/x.md hi
        poll w
        y carol on 0: put docs/y.md hi
        z carol on y: put docs/z.md hi
        tip z: accepted w, refused PIN0521"
    an_octopus: "
        v carol on 0: put docs/v.md hi
        w carol on 0: put docs/w.md hi
        o - on 0,v,w: put docs/v.md hi; put docs/w.md hi
        tip o: accepted 0, held PIN0516"
    an_evil_merge: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        m - on 0,p: merge 0; a=66Gi
        tip m: accepted 0, held PIN0510"
    a_merge_that_resolves_towards_one_side_of_a_conflict: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        o - on 0: a=10Gi
        q bob on o: approve 0..o
        poll q
        m - on q,p: files p
        tip m: accepted q, held PIN0510"
    a_foxtrot: "
        w carol on 0: put docs/x.md hi
        poll w
        y carol on 0: put docs/y.md hi
        m - on y,w: merge 0
        tip m: accepted m"
    ours_moves_nothing: "
        w alice on 0: a=9Gi
        p bob on w: approve 0..w
        m - on 0,p: files 0
        tip m: accepted 0, same
        n - on m: put README.md hello
        q bob on n: approve 0..n
        tip q: accepted q"
    criss_cross: "
        v alice on 0: put docs/v.md hi
        w alice on 0: put docs/w.md hi
        x - on v,w: merge 0
        y - on w,v: merge 0
        z alice on x: put docs/z.md hi
        m - on y,z: merge 0
        tip m: accepted y, held PIN0516      # two merge bases: nobody's word is for the whole"
    a_squash_is_healed_by_an_approval_on_top: "
        w alice on 0: a=9Gi
        s - on 0: files w
        tip s: accepted 0, held PIN0510
        p bob on s: approve 0..s
        tip p: accepted p"
    a_rebase_is_healed_by_the_approvals_ref: "
        v alice on 0: a=9Gi
        w alice on v: b=9Gi
        p bob on w: approve 0..w
        push p
        o carol on 0: put docs/x.md hi
        poll o
        r - on o: a=9Gi
        s - on r: b=9Gi
        tip s: accepted s"
    two_merges_of_one_branch: "
        w alice on 0: a=9Gi
        p bob on w: approve 0..w
        m - on 0,p: merge 0
        poll m
        n - on m,p: files m
        tip n: accepted m, same
        x carol on n: put docs/x.md hi
        tip x: accepted x"
    stacked_branches: "
        v alice on 0: a=9Gi
        p bob on v: approve 0..v
        w alice on p: b=9Gi
        q bob on w: approve p..w base=0
        m - on 0,p: merge 0
        poll m
        n - on m,q: merge p
        tip n: accepted n"
    a_revoked_key_in_accepted_history_is_fine: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        poll p
        v alice on p: policy 2 breakGlass=>revoked:_[{fingerprint:_'SHA256:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',_reason:_x}]\\nbreakGlass
        q carol on v: approve p..v
        tip q: accepted q"
    a_rewritten_history_is_considered_when_an_operator_looked_and_still_needs_its_approvals: "
        w alice on 0: a=9Gi
        p bob on w: approve 0..w
        poll p
        x alice on 0: a=9Gi; b=9Gi
        tip x: accepted p, refused PIN0521
        consider x
        tip x: accepted p, refused PIN0521
        q erin on x: approve p..x
        push q
        tip x: accepted x
        y carol on x: put docs/x.md hi
        tip y: accepted y"
    a_rewritten_history_never_brings_back_an_older_policy: "
        w alice on 0: policy 2 independent:_1=>independent:_2
        p bob on w: approve 0..w
        poll p
        x alice on 0: a=9Gi
        consider x
        q bob on x: approve p..x
        r carol on q: approve p..x
        push r
        tip x: accepted p, refused PIN0521"
}
