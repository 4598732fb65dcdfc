//! Broken glass and ratifying; keys that are revoked by one.

stories! {
    broken_glass_lets_one_change_of_its_scope_through: "
        now 10m
        w bob on 0: g=9Gi
        tip w: accepted 0, held PIN0510
        k bob on w: glass 0..w
        tip k: accepted k"
    broken_glass_never_touches_the_policy: "
        w bob on 0: put .pintle/guard.yaml x
        k bob on w: glass 0..w
        tip k: accepted 0, held PIN0518"
    broken_glass_never_deletes: "
        w bob on 0: del instances/g.yaml
        k bob on w: glass 0..w
        tip k: accepted 0, held PIN0518"
    broken_glass_never_leaves_its_scope: "
        now 10m
        w bob on 0: g=9Gi; put secure/x hi
        k bob on w: glass 0..w
        tip k: accepted 0, held PIN0518"
    only_those_who_may_break_it_do: "
        w dave on 0: g=9Gi
        k dave on w: glass 0..w
        tip k: accepted 0, held PIN0518"
    a_machine_breaks_no_glass: "
        w zbot on 0: g=9Gi
        k zbot on w: glass 0..w
        tip k: accepted 0, held PIN0518"
    broken_glass_is_open_for_an_hour: "
        now 10m
        w bob on 0: g=9Gi
        k bob on w: glass 0..w
        now 90m
        tip k: accepted 0, held PIN0518"
    who_broke_it_breaks_it_again_only_when_it_was_ratified: "
        now 10m
        w bob on 0: g=9Gi
        k bob on w: glass 0..w
        poll k
        x bob on k: g=10Gi
        l bob on x: glass k..x
        tip l: accepted k, held PIN0518
        r alice on k: ratify 0..w base=k
        s erin on r: ratify 0..w base=k
        poll s
        y bob on s: g=10Gi
        m bob on y: glass s..y
        tip m: accepted m"
    one_of_two_does_not_ratify: "
        now 10m
        w bob on 0: g=9Gi
        k bob on w: glass 0..w
        poll k
        r alice on k: ratify 0..w base=k
        poll r
        y bob on r: g=10Gi
        m bob on y: glass r..y
        tip m: accepted r, held PIN0518"
    it_is_ratified_at_one_poll_after_the_other: "
        now 10m
        w bob on 0: g=9Gi
        k bob on w: glass 0..w
        poll k
        r alice on k: ratify 0..w base=k
        poll r
        s erin on r: ratify 0..w base=k
        poll s
        y bob on s: g=10Gi
        m bob on y: glass s..y
        tip m: accepted m"
    who_was_revoked_first_revokes_nobody: "
        r carol on 0: revoke bob
        s bob on 0: revoke carol
        push r
        push s
        w alice on 0: policy 2
        q carol on w: approve 0..w
        tip q: accepted q"
    a_revocation_by_one_root_person_works_at_once: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        r carol on 0: revoke bob
        push r
        tip p: accepted 0, held PIN0512"
    a_revocation_by_anyone_else_is_nothing: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        r dave on 0: revoke bob
        push r
        tip p: accepted p"
    one_person_cannot_take_away_the_power_to_decide: "
        r carol on 0: revoke bob
        s carol on 0: revoke alice
        t carol on 0: revoke alice2
        push r
        push s
        push t
        w carol on 0: policy 2
        tip w: accepted 0, held PIN0510"
    a_record_that_this_host_did_not_write_brings_nothing_that_a_revocation_stopped: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        poll p
        r carol on p: revoke bob
        push r
        tip p: accepted p
        believe 1
        tip p: accepted 0, refused PIN0523"
    a_revocation_changes_nothing_that_is_accepted: "
        w - on 0: a=9Gi
        p bob on w: approve 0..w
        poll p
        r carol on p: revoke bob
        push r
        tip p: accepted p"
}
