// The worker of the floor: does nothing with each job, and says how long each took from when it was meant to be added, but
// for the first UNCOUNTED.
//
//   REDIS_URL=… node worker.mjs CONCURRENCY JOBS UNCOUNTED
//
// Prints "ready" when it listens, and at the end {"done": ms since the epoch, "p50": ms, "p99": ms}.
import { Worker } from 'bullmq';
import IORedis from 'ioredis';

const [concurrency, jobs, uncounted] = process.argv.slice(2).map(Number);
const connection = new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const now = () => performance.timeOrigin + performance.now();
const took = [];
let ended = 0;
const worker = new Worker('noop', async () => {}, {
  connection,
  concurrency,
  removeOnComplete: { count: 100 },
});
worker.on('completed', async (job) => {
  if (job.data.n >= uncounted) took.push(now() - job.data.at);
  if (++ended < jobs) return;
  const done = now();
  took.sort((a, b) => a - b);
  const share = (part) => took[Math.min(took.length - 1, Math.floor(took.length * part))];
  console.log(JSON.stringify({ done, p50: share(0.5), p99: share(0.99) }));
  await worker.close();
  connection.disconnect();
});
await worker.waitUntilReady();
console.log('ready');
