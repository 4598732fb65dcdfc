// Somebody else's producer on Pintle's own queue: node producer.mjs MODULES SOCKET JOB. Prints how the job ended.
import { createRequire } from 'node:module';
const [modules, path, job] = process.argv.slice(2);
const require = createRequire(`${modules}/package.json`);
const { Queue } = require('bullmq');

const Redis = require('ioredis');
const connection = new Redis(path, { maxRetriesPerRequest: null });
const queue = new Queue('rows', { connection, prefix: 'pintle', skipMetasUpdate: true });
const { id } = await queue.add(job, {});
for (;;) {
  const found = await queue.getJob(id);
  const state = await found.getState();
  if (state === 'completed' || state === 'failed') {
    console.log(JSON.stringify({ state, reason: found.failedReason ?? null }));
    process.exit(0);
  }
  await new Promise((resolve) => setTimeout(resolve, 50));
}
