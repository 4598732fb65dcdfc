-- A run is looked for by its tick or its schedule; whose tick a job is, the job says.
DROP INDEX pintle.runs_job_id_idx;
