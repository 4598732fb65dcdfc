// Bull Board on http://127.0.0.1:3000 over Pintle's own queues and the one that worker.mjs serves.
//
//   REDIS_URL=redis://localhost:6379 QUEUES=aurora-prices node board.mjs
//
// Read-only on purpose for Pintle's queues: pausing belongs to the ledger (`pintle pause`), and a job that somebody
// retries in Redis finds nothing to do.
import { createBullBoard } from '@bull-board/api';
import { BullMQAdapter } from '@bull-board/api/bullMQAdapter';
import { ExpressAdapter } from '@bull-board/express';
import { Queue } from 'bullmq';
import express from 'express';
import Redis from 'ioredis';

const connection = new Redis(process.env.REDIS_URL ?? 'redis://localhost:6379', { maxRetriesPerRequest: null });
const own = ['rows', 'work', 'external'].map((name) => new Queue(name, { connection, prefix: 'pintle', skipMetasUpdate: true }));
const theirs = (process.env.QUEUES ?? 'aurora-prices').split(',').map((name) => new Queue(name, { connection }));

const serverAdapter = new ExpressAdapter();
createBullBoard({
  queues: [
    ...own.map((queue) => new BullMQAdapter(queue, { readOnlyMode: true, description: 'Pintle' })),
    ...theirs.map((queue) => new BullMQAdapter(queue)),
  ],
  serverAdapter,
});

const app = express();
app.use('/', serverAdapter.getRouter());
const port = Number(process.env.PORT ?? 3000);
app.listen(port, '127.0.0.1', () => console.log(`Bull Board on http://127.0.0.1:${port}`));
