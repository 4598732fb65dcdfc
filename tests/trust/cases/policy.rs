//! Policy life: judged by what was accepted before, one version at a time.

stories! {
    a_commit_that_adds_its_own_key_and_uses_it: "
        w mallory on 0: policy 2 people:\\n=>people:\\n__mallory:_{keys:_[{key:_<mallory>}]}\\n; a=9Gi
        p mallory on w: approve 0..w
        tip p: accepted 0, held PIN0510"
    a_commit_that_lowers_its_own_threshold: "
        w alice on 0: policy 2 approvals:_2,_from:_[root]=>approvals:_1,_from:_[root]
        tip w: accepted 0, held PIN0510
        p bob on w: approve 0..w
        tip p: accepted p"
    a_policy_with_the_version_it_had: "
        w alice on 0: policy 1 independent:_1=>independent:_2
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    a_policy_two_versions_on: "
        w alice on 0: policy 3
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    an_old_policy_restored: "
        w alice on 0: policy 2 independent:_1=>independent:_2
        p bob on w: approve 0..w
        poll p
        x alice on p: policy 1
        q bob on x: approve p..x
        tip q: accepted p, held PIN0514"
    a_threshold_over_the_number_of_people: "
        w alice on 0: policy 2 approvals:_2,_from:_[root]=>approvals:_4,_from:_[root]
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    a_threshold_of_zero: "
        w alice on 0: policy 2 approvals:_2,_from:_[root]=>approvals:_0,_from:_[root]
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    a_negative_threshold: "
        w alice on 0: policy 2 approvals:_2,_from:_[root]=>approvals:_-1,_from:_[root]
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    a_threshold_that_would_wrap_around: "
        w alice on 0: policy 2 approvals:_2,_from:_[root]=>approvals:_4294967297,_from:_[root]
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    the_policy_deleted: "
        w alice on 0: del .pintle/trust.yaml
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    the_policy_a_symlink: "
        w alice on 0: mode .pintle/trust.yaml 120000
        p bob on w: say hello
        tip p: accepted 0, refused PIN0519"
    a_case_variant_of_the_policy: "
        w alice on 0: put .pintle/Trust.yaml x
        tip w: accepted 0, refused PIN0519"
    a_case_variant_of_its_folder: "
        w alice on 0: put .Pintle/trust.yaml x
        tip w: accepted 0, refused PIN0519"
    duplicate_yaml_keys: "
        w alice on 0: policy 2 rules:\\n=>groups:_{x:_[bob]}\\nrules:\\n
        tip w: accepted 0, held PIN0514"
    one_key_under_two_people: "
        w alice on 0: policy 2 <bob>=><carol>
        tip w: accepted 0, held PIN0514"
    another_repository: "
        w alice on 0: policy 2 5b1c7c0e=>6b1c7c0e
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    a_new_key_signs_an_approval_of_its_own_addition: "
        w alice on 0: policy 2 people:\\n=>people:\\n__frank:_{keys:_[{key:_<frank>}]}\\n
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514
        q frank on p: approve 0..w
        tip q: accepted q"
    when_root_changes_the_new_root_agrees_as_well: "
        w alice on 0: policy 2 root:_[alice,_bob,_carol]=>root:_[dave,_erin]
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0510
        q dave on p: approve 0..w
        r erin on q: approve 0..w
        tip r: accepted r"
    a_change_id_that_this_pintle_does_not_make: "
        w alice on 0: policy 2 rules:\\n=>changeIds:_[v9]\\nrules:\\n
        p bob on w: approve 0..w
        tip p: accepted 0, held PIN0514"
    a_document_broken_then_its_file_deleted: "
        w alice on 0: put instances/a.yaml a: [
        tip w: accepted 0, held PIN0513
        x alice on w: del instances/a.yaml
        p bob on x: approve 0..x
        q dave on p: approve 0..x
        tip q: accepted q"
    a_reinstated_key_counts_again: "
        r carol on 0: revoke dave
        push r
        w - on 0: a=9Gi
        p dave on w: approve 0..w
        tip p: accepted 0, held PIN0512
        c alice on 0: policy 2 breakGlass=>reinstated:_[{fingerprint:_'@dave',_reason:_found}]\\nbreakGlass
        d bob on c: approve 0..c
        poll d
        m - on d,p: merge 0
        tip m: accepted m"
}
