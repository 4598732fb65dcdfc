-- A version may change its name, and two may trade numbers, in one commit: what is tombstoned does not
-- count, and the rest is compared when the transaction ends.
ALTER TABLE pintle.versions
    DROP CONSTRAINT versions_source_id_component_version_key,
    ADD CONSTRAINT versions_one_of_a_number EXCLUDE (source_id WITH =, component WITH =, version WITH =)
        WHERE (tombstoned_at IS NULL) DEFERRABLE INITIALLY DEFERRED;
