// Records when cron-parser fires: its versions, then a line `zone|cron|instant instant …` for each case of cases.json
// that it can read. It is what BullMQ reads a repeated job's pattern with, and it is asked as BullMQ asks it: anew for
// every tick.
//
// Recorded with Node.js 20.20.2 (ICU 78.2, IANA 2025c), luxon 3.7.2, and cron-parser 4.9.0, on which bullmq
// 5.81.5 depends.
// Again, in a copy of this folder:
//
//     npm install cron-parser@4.9.0 luxon@3.7.2
//     node record.mjs > DIR/cron-parser.txt
//
// oracle.rs says what becomes of DIR.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const cronParser = require('cron-parser');
const { IANAZone } = require('luxon');

/** What luxon says of a zone, said from memory: offsets change on quarters of hours, and to ask takes long. */
function remember() {
  const known = new Map();
  const offset = IANAZone.prototype.offset;
  IANAZone.prototype.offset = function (moment) {
    const quarter = `${this.name}${Math.floor(moment / 900_000)}`;
    if (!known.has(quarter)) known.set(quarter, offset.call(this, moment));
    return known.get(quarter);
  };
  return known;
}

const HOUR = 3_600_000;
const cases = JSON.parse(readFileSync(new URL('cases.json', import.meta.url), 'utf8'));

const write = (moment) => new Date(moment).toISOString().replace('.000Z', 'Z');

/** What is looked at: all of it, or what is around the changes of the clocks and the first week of every year. */
function spans(zone, how) {
  const [from, to] = [Date.parse(cases.from), Date.parse(cases.to)];
  if (how === 'whole') return [[from, to]];
  const around = cases.zones[zone].map(Date.parse).map((at) => [at - cases.around * HOUR, at + cases.around * HOUR]);
  for (let year = new Date(from).getUTCFullYear(); year < new Date(to).getUTCFullYear(); year += 1) {
    around.push([Date.UTC(year, 0, 1), Date.UTC(year, 0, 8)]);
  }
  return around.sort(([a], [b]) => a - b);
}

function fires(cron, tz, [start, end]) {
  const found = [];
  for (let at = start - 1000; ; ) {
    at = cronParser.parseExpression(cron, { tz, currentDate: new Date(at) }).next().getTime();
    if (at >= end) return found;
    found.push(write(at));
  }
}

/** Whether it knows every sign of `cron`; it knows no `W`. */
function isRead(cron) {
  try {
    cronParser.parseExpression(cron);
    return true;
  } catch {
    return false;
  }
}

const version = require('cron-parser/package.json').version;
console.log(`cron-parser ${version}, IANA ${process.versions.tz}`);
const known = remember();
for (const zone of Object.keys(cases.zones)) {
  known.clear();
  for (const [cron, how] of Object.entries(cases.cron).filter(([cron]) => isRead(cron))) {
    const found = spans(zone, how).flatMap((span) => fires(cron, zone, span));
    console.log(`${zone}|${cron}|${found.join(' ')}`);
  }
}
