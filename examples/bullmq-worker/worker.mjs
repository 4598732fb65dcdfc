// Serves the queue of a Schedule: `job: {kind: queue, queue: aurora-prices, name: sync, data: {lists: [retail]}}`.
//
//   REDIS_URL=redis://localhost:6379 QUEUE=aurora-prices node worker.mjs
//
// What comes is `{formatVersion, schedule, tick, key, fence, attempt, select, data}`. The same key may come again: what was
// done under it is not done twice. What is returned stands in `pintle schedules history`; what is thrown is tried again.
import { Queue, Worker } from 'bullmq';
import Redis from 'ioredis';

// A worker's connection waits for ever; `maxRetriesPerRequest` must be null for it.
const connection = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379', { maxRetriesPerRequest: null });

const name = process.env.QUEUE ?? 'aurora-prices';
// A queue that is opened writes down which BullMQ serves it; a worker alone does not, and Pintle hands nothing over to
// a version that it does not know.
const queue = new Queue(name, { connection });

// Keep this where it outlives the process: a table with the key as its primary key.
const done = new Map();

const worker = new Worker(
  name,
  async (job) => {
    const { key, tick, attempt, data } = job.data;
    if (done.has(key)) return done.get(key);
    console.log(`${job.name} for the tick ${tick}, try ${attempt}: ${JSON.stringify(data)}`);
    const result = `${data?.lists?.length ?? 0} lists synced`;
    done.set(key, result);
    return result;
  },
  // Pintle decides about trying again, so each job has one attempt; it takes finished jobs away once it read them.
  { connection, concurrency: 5 },
);

worker.on('ready', () => console.log(`serving ${worker.name}`));
worker.on('failed', (job, error) => console.error(`${job?.id} failed: ${error.message}`));

for (const signal of ['SIGTERM', 'SIGINT']) {
  process.on(signal, async () => {
    await worker.close();
    await queue.close();
    await connection.quit();
  });
}
