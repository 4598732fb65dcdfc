// Somebody else's worker: node worker.mjs MODULES SOCKET QUEUE. Does what the job's data says.
import { createRequire } from 'node:module';
const [modules, path, name] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { Queue, Worker } = require('bullmq');

const Redis = require('ioredis');
const connection = new Redis(path, { maxRetriesPerRequest: null });
// A Worker alone does not write down which BullMQ serves the queue.
await new Queue(name, { connection }).waitUntilReady();
const failures = {
  text: () => new Error('no such list'),
  empty: () => new Error(),
  aggregate: () => new AggregateError([new Error('connect ECONNREFUSED')]),
};
const worker = new Worker(name, async ({ data }) => {
  if (data.data?.throws) throw failures[data.data.throws]();
  return { key: data.key, trigger: data.trigger };
}, { connection });
await worker.waitUntilReady();
console.log('ready');
