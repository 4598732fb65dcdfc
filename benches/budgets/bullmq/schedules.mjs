// Job schedulers, each with its next job: what BullMQ does again for each with every tick.
//
//   REDIS_URL=… node schedules.mjs COUNT
//
// Prints {"took": ms}.
import { Queue } from 'bullmq';
import IORedis from 'ioredis';

const count = Number(process.argv[2]);
const connection = new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue('schedules', { connection });
await queue.waitUntilReady();
const zones = ['Africa/Lagos', 'Europe/Berlin', 'America/New_York', 'Asia/Tokyo', 'UTC'];
const began = performance.now();
const AT_ONCE = 500;
for (let from = 0; from < count; from += AT_ONCE) {
  await Promise.all(
    Array.from({ length: Math.min(AT_ONCE, count - from) }, (_, n) =>
      queue.upsertJobScheduler(`s${from + n}`, { pattern: '0 * * * *', tz: zones[(from + n) % zones.length] }, { name: 'noop' }),
    ),
  );
}
console.log(JSON.stringify({ took: performance.now() - began }));
await queue.close();
connection.disconnect();
