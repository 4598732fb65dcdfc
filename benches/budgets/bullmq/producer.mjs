// The producer of the floor.
//
//   REDIS_URL=… node producer.mjs JOBS            all at once, 500 a call
//   REDIS_URL=… node producer.mjs JOBS PER_SECOND at their times, whether or not the worker keeps up
//
// Prints {"began": ms since the epoch}.
import { Queue } from 'bullmq';
import IORedis from 'ioredis';

const [jobs, rate] = process.argv.slice(2).map(Number);
const connection = new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const queue = new Queue('noop', { connection });
await queue.waitUntilReady();
const now = () => performance.timeOrigin + performance.now();
const began = now();
const CHUNK = 500;

const add = (from, to, at) =>
  queue.addBulk(Array.from({ length: to - from }, (_, n) => ({ name: 'noop', data: { n: from + n, at: at(from + n) } })));

if (rate) {
  // Those that are due by now, together: the same way in which a scheduler adds what is due.
  const at = (n) => began + (n * 1000) / rate;
  const under_way = [];
  for (let added = 0; added < jobs; ) {
    const due = Math.min(jobs, Math.floor(((now() - began) * rate) / 1000) + 1);
    if (due > added) under_way.push(add(added, due, at));
    added = Math.max(added, due);
    await new Promise((again) => setTimeout(again, 1));
  }
  await Promise.all(under_way);
} else {
  for (let added = 0; added < jobs; added += CHUNK) await add(added, Math.min(jobs, added + CHUNK), () => began);
}
console.log(JSON.stringify({ began }));
await queue.close();
connection.disconnect();
