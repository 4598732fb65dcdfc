-- What each kind's rows must satisfy and how they are looked up. Columns are generated from spec;
-- a hand-made row that breaks a rule is refused as an applied one would be.
ALTER TABLE pintle.partners
    ADD display_name text GENERATED ALWAYS AS (spec ->> 'displayName') STORED NOT NULL,
    ADD lifecycle    text GENERATED ALWAYS AS (spec ->> 'lifecycle') STORED NOT NULL
        CHECK (lifecycle IN ('active', 'suspended', 'terminated'));

ALTER TABLE pintle.suites
    ADD description text GENERATED ALWAYS AS (spec ->> 'description') STORED;

ALTER TABLE pintle.versions
    ADD component text GENERATED ALWAYS AS (spec ->> 'component') STORED NOT NULL,
    ADD version   text GENERATED ALWAYS AS (spec ->> 'version') STORED NOT NULL,
    ADD stage     text GENERATED ALWAYS AS (spec ->> 'stage') STORED NOT NULL
        CHECK (stage IN ('draft', 'candidate', 'released', 'deprecated', 'yanked', 'eol')),
    ADD UNIQUE (source_id, component, version);

ALTER TABLE pintle.channels
    ADD mode      text GENERATED ALWAYS AS (spec ->> 'mode') STORED NOT NULL CHECK (mode IN ('auto', 'manual', 'frozen')),
    ADD component text GENERATED ALWAYS AS (spec ->> 'component') STORED NOT NULL,
    ADD upstream  text GENERATED ALWAYS AS (spec #>> '{upstream,channel}') STORED,
    ADD rollout   text GENERATED ALWAYS AS (spec ->> 'rollout') STORED,
    ADD FOREIGN KEY (source_id, upstream) REFERENCES pintle.channels (source_id, name),
    ADD FOREIGN KEY (source_id, rollout) REFERENCES pintle.rollouts (source_id, name),
    ADD CHECK (upstream IS DISTINCT FROM name);
CREATE INDEX ON pintle.channels (source_id, upstream);
CREATE INDEX ON pintle.channels (source_id, rollout);

ALTER TABLE pintle.windows
    ADD timezone text GENERATED ALWAYS AS (spec ->> 'timezone') STORED NOT NULL;

ALTER TABLE pintle.profiles
    ADD applies_to text GENERATED ALWAYS AS (spec ->> 'appliesTo') STORED NOT NULL;

ALTER TABLE pintle.instances
    ADD type      text GENERATED ALWAYS AS (spec ->> 'type') STORED NOT NULL
        CHECK (type IN ('shared-saas', 'partner-deployed', 'self-hosted-enterprise')),
    ADD lifecycle text GENERATED ALWAYS AS (spec ->> 'lifecycle') STORED NOT NULL
        CHECK (lifecycle IN ('active', 'suspended', 'terminated')),
    ADD driver    text GENERATED ALWAYS AS (spec ->> 'driver') STORED NOT NULL,
    ADD region    text GENERATED ALWAYS AS (labels ->> 'region') STORED,
    ADD channel   text GENERATED ALWAYS AS (spec #>> '{update,channel}') STORED,
    ADD pinned    text GENERATED ALWAYS AS (spec #>> '{update,pin,version}') STORED,
    ADD FOREIGN KEY (source_id, partner) REFERENCES pintle.partners (source_id, name),
    ADD FOREIGN KEY (source_id, channel) REFERENCES pintle.channels (source_id, name),
    ADD CHECK (type <> 'shared-saas' OR partner IS NULL);
CREATE INDEX ON pintle.instances (source_id, partner);
CREATE INDEX ON pintle.instances (source_id, channel);
CREATE INDEX ON pintle.instances (source_id, region);

ALTER TABLE pintle.tenants
    ADD instance     text GENERATED ALWAYS AS (spec ->> 'instance') STORED NOT NULL,
    ADD display_name text GENERATED ALWAYS AS (spec ->> 'displayName') STORED NOT NULL,
    ADD lifecycle    text GENERATED ALWAYS AS (spec ->> 'lifecycle') STORED NOT NULL,
    ADD region       text GENERATED ALWAYS AS (spec ->> 'region') STORED,
    ALTER partner SET NOT NULL,
    ADD FOREIGN KEY (source_id, partner) REFERENCES pintle.partners (source_id, name),
    ADD FOREIGN KEY (source_id, instance) REFERENCES pintle.instances (source_id, name);
CREATE INDEX ON pintle.tenants (source_id, partner);
CREATE INDEX ON pintle.tenants (source_id, instance);

ALTER TABLE pintle.members
    ALTER partner SET NOT NULL,
    ADD FOREIGN KEY (source_id, partner) REFERENCES pintle.partners (source_id, name);
CREATE INDEX ON pintle.members (source_id, partner);

ALTER TABLE pintle.schedules
    ADD job_kind  text GENERATED ALWAYS AS (spec #>> '{job,kind}') STORED NOT NULL,
    ADD suspended boolean GENERATED ALWAYS AS (coalesce((spec ->> 'suspend')::boolean, false)) STORED;

ALTER TABLE pintle.guardrails
    ADD match_kind text GENERATED ALWAYS AS (spec #>> '{match,kind}') STORED;

ALTER TABLE pintle.capabilities
    ADD description text GENERATED ALWAYS AS (spec ->> 'description') STORED;

ALTER TABLE pintle.rollouts
    ADD CHECK (jsonb_typeof(spec -> 'waves') = 'array');

ALTER TABLE pintle.platform_config
    ADD value jsonb GENERATED ALWAYS AS (spec -> 'value') STORED;
