//! Rules: both sides, what is reached, what is taken from its owners, what profiles bring.

stories! {
    a_move_across_a_path_rule_with_an_edit_needs_both_sides: "
        w - on 0: move instances/a.yaml secure/a.yaml
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0510
        q alice on p: approve 0..w
        tip q: accepted q"
    a_document_hidden_in_the_docs_folder_is_not_the_docs_owners_matter: "
        w alice on 0: put docs/x.yaml apiVersion: pintle/v1\\nkind: Suite\\nmetadata: {name: x}\\nspec: {description: x, owner: x}\\n
        tip w: accepted 0, held PIN0510
        p bob on w: approve 0..w
        tip p: accepted p"
    a_document_moved_into_the_docs_folder_is_still_asked_of_its_owners: "
        w carol on 0: move instances/a.yaml docs/a.yaml
        tip w: accepted 0, held PIN0510"
    deletion_needs_the_rule_for_it: "
        w - on 0: del instances/a.yaml
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0510
        q alice on p: approve 0..w
        tip q: accepted q"
    a_mode_alone_needs_a_rule_as_well: "
        w - on 0: mode README.md 100755
        tip w: accepted 0, held PIN0510
        p bob on w: approve 0..w
        tip p: accepted p"
    hiding_a_document_by_the_ignore_file_deletes_it: "
        w - on 0: put .pintle/ignore instances/a.yaml
        p bob on w: approve 0..w
        q carol on p: approve 0..w
        tip q: accepted 0, held PIN0510
        r alice on q: approve 0..w
        tip r: accepted r"
    a_foreign_instance_is_not_taken_by_its_new_owner_alone: "
        w - on 0: put instances/b.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: b, labels: {tier: silver}}\\nspec: {type: partner-deployed, partner: acme}\\n
        p gina on w: approve 0..w
        tip p: accepted 0, held PIN0510
        q bob on p: approve 0..w
        tip q: accepted q"
    a_new_instance_of_a_partner_is_that_partners_matter: "
        w - on 0: put instances/n.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: n}\\nspec: {type: partner-deployed, partner: acme}\\n
        p gina on w: approve 0..w
        tip p: accepted 0, held PIN0510      # a new instance may be pinned: that is asked of release
        q dave on p: approve 0..w
        tip q: accepted q"
    a_channel_that_gold_instances_follow_needs_what_gold_needs: "
        c - on 0: put channels/s.yaml apiVersion: pintle/v1\\nkind: Channel\\nmetadata: {name: s}\\nspec: {mode: manual, component: platform, target: 1.0.0}\\n; put instances/g.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: g, labels: {tier: gold}}\\nspec: {type: shared-saas, update: {channel: s}}\\n
        p bob on c: approve 0..c
        q alice on p: approve 0..c
        poll q
        w - on q: put channels/s.yaml apiVersion: pintle/v1\\nkind: Channel\\nmetadata: {name: s}\\nspec: {mode: manual, component: platform, target: 2.0.0}\\n
        r bob on w: approve q..w
        tip r: accepted q, held PIN0510
        s alice on r: approve q..w
        tip s: accepted s"
    a_version_that_gold_instances_are_pinned_to_needs_what_gold_needs: "
        c - on 0: put versions/v.yaml apiVersion: pintle/v1\\nkind: Version\\nmetadata: {name: v}\\nspec: {component: platform, version: 1.0.0, stage: released}\\n; put instances/g.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: g, labels: {tier: gold}}\\nspec: {type: shared-saas, update: {pin: {version: 1.0.0, reason: r}}}\\n
        p bob on c: approve 0..c
        q alice on p: approve 0..c
        poll q
        w - on q: put versions/v.yaml apiVersion: pintle/v1\\nkind: Version\\nmetadata: {name: v}\\nspec: {component: platform, version: 1.0.0, stage: yanked}\\n
        r bob on w: approve q..w
        tip r: accepted q, held PIN0510"
    reach_never_replaces_the_rule_that_a_change_needs_by_itself: "
        c - on 0: put channels/s.yaml apiVersion: pintle/v1\\nkind: Channel\\nmetadata: {name: s}\\nspec: {mode: manual, component: platform, target: 1.0.0}\\n; put instances/n.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: n}\\nspec: {type: partner-deployed, partner: acme, update: {channel: s}}\\n
        o dave on c: approve 0..c
        p bob on o: approve 0..c
        poll p
        w gina on p: put channels/s.yaml apiVersion: pintle/v1\\nkind: Channel\\nmetadata: {name: s}\\nspec: {mode: manual, component: platform, target: 2.0.0}\\n
        r gina on w: approve p..w
        tip r: accepted p, held PIN0510"
    a_profile_that_ends_instances_is_taken_up_by_removal: "
        c - on 0: put profiles/end.yaml apiVersion: pintle/v1\\nkind: Profile\\nmetadata: {name: end}\\nspec: {appliesTo: Instance, values: {lifecycle: terminated}}\\n
        p bob on c: approve 0..c
        poll p
        w - on p: put instances/a.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: a, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 8Gi}, profiles: [end]}\\n
        r bob on w: approve p..w
        tip r: accepted p, held PIN0510
        s alice on r: approve p..w
        tip s: accepted s"
    a_profile_that_pins_is_taken_up_by_those_who_pin: "
        c - on 0: put profiles/pin.yaml apiVersion: pintle/v1\\nkind: Profile\\nmetadata: {name: pin}\\nspec: {appliesTo: Instance, values: {update: {pin: {version: 1.0.0, reason: r}}}}\\n
        p bob on c: approve 0..c
        poll p
        w - on p: put instances/a.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: a, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 8Gi}, profiles: [pin]}\\n
        r bob on w: approve p..w
        tip r: accepted p, held PIN0510
        s dave on r: approve p..w
        tip s: accepted s"
    independent_asks_for_someone_who_did_not_write_it: "
        w bob on 0: g=9Gi
        x alice on w: g=10Gi
        p alice on x: approve 0..x
        q bob on p: approve 0..x
        tip q: accepted 0, held PIN0510
        r erin on q: approve 0..x
        tip r: accepted r"
    an_exact_rollback_of_a_young_step_needs_fewer: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        poll p
        r - on p: g=8Gi
        q bob on r: approve p..r
        tip q: accepted p, held PIN0510      # nobody is known to have written it: independent asks for one more
        s bob on p: g=8Gi
        t erin on s: approve p..s
        tip t: accepted t"
    what_was_rolled_back_is_done_again_only_as_an_ordinary_change_and_can_be_rolled_back_again: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        poll p
        r carol on p: g=8Gi
        q erin on r: approve p..r
        tip q: accepted q
        poll q
        s carol on q: g=9Gi
        t erin on s: approve q..s
        tip t: accepted q, held PIN0510
        u bob on t: approve q..s
        tip u: accepted u
        poll u
        x carol on u: g=8Gi
        y erin on x: approve u..x
        tip y: accepted y"
    an_inverse_that_does_more_is_no_rollback: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        poll p
        r bob on p: g=7Gi
        q erin on r: approve p..r
        tip q: accepted q
        s - on q: g=6Gi
        t erin on s: approve q..s
        tip t: accepted q, held PIN0510"
    a_rollback_over_a_security_fix_is_an_ordinary_change: "
        v alice on 0: put versions/v.yaml apiVersion: pintle/v1\\nkind: Version\\nmetadata: {name: v1-1-0}\\nspec: {version: 1.1.0, security: [CVE-1]}\\n
        x bob on v: approve 0..v
        w alice on x: put instances/g.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: g, labels: {tier: gold, release: 1.2.0}}\\nspec: {type: shared-saas, resources: {memory: 8Gi}}\\n
        q bob on w: approve x..w
        poll q
        s carol on q: files x
        t erin on s: approve q..s
        tip t: accepted q, held PIN0510"
    a_rollback_after_a_week_is_an_ordinary_change: "
        w alice on 0: g=9Gi
        p bob on w: approve 0..w
        poll p
        now 9d
        wait 8d
        s carol on p: g=8Gi
        t erin on s: approve p..s
        tip t: accepted p, held PIN0510"
    a_field_bind_lets_other_fields_of_the_document_move: "
        c alice on 0: policy 2 [sre,_release]}\\nbreakGlass=>[sre,_release],_bind:_field}\\nbreakGlass
        d bob on c: approve 0..c
        poll d
        w - on d: put instances/a.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: a, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 8Gi, cpu: 2}}\\n
        p bob on w: approve d..w
        o - on d: a=9Gi
        q erin on o: approve d..o
        poll q
        m - on q,p: put instances/a.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: a, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 9Gi, cpu: 2}}\\n
        tip m: accepted m"
    a_document_bind_does_not: "
        w - on 0: put instances/a.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: a, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 8Gi, cpu: 2}}\\n
        p bob on w: approve 0..w
        o - on 0: a=9Gi
        q erin on o: approve 0..o
        poll q
        m - on q,p: put instances/a.yaml apiVersion: pintle/v1\\nkind: Instance\\nmetadata: {name: a, labels: {tier: silver}}\\nspec: {type: shared-saas, resources: {memory: 9Gi, cpu: 2}}\\n
        tip m: accepted q, held PIN0510"
}
