-- What a process parsed is kept on its host, sealed under this.
ALTER TABLE pintle.sources ADD COLUMN cache_key uuid NOT NULL DEFAULT gen_random_uuid();
