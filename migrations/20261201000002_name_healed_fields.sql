-- Which fields a job heals: one that drifts again and again is told by its name. Null for what heals nothing.
ALTER TABLE pintle.jobs ADD COLUMN healed text[];
