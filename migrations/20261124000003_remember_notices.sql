-- What was told last, by event: each transition is told once, over restarts too.
ALTER TABLE pintle.sources ADD COLUMN told jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(told) = 'object');
