//! A random run of faults: commits, hand edits and schedules go on while processes are killed and stopped and servers go
//! away. At the end everything must be as the repository says, and ledger, rows, ticks and audit must agree.
//!
//! A short run is one of the tests. `scripts/chaos --minutes 5 --seed 7` is a long one; the seed makes the same faults in
//! the same order. (What they meet depends on the machine; a failure is repeated more often than not.)
//!
//! Nothing waits for a time: a fault lasts until work went on or failed under it, and the next comes when work went on
//! after it, or at once.

use crate::harness::{Clock, Daemon, Database, Line, World, eventually, eventually_within, folder, suite};
use crate::schedules::{leases_expire, no_tick_is_lost};
use nix::sys::signal::Signal;
use pintle::dev::servers::{Options, PrivatePostgres};
use pintle::store::pool::migrate;
use std::time::{Duration, Instant};

const CRM: &str = "suites/crm.yaml";
const SHORT: Duration = Duration::from_secs(12);
/// Faults and commits of a run, however slow the machine is.
const LEAST: usize = 8;
/// Each chunk to and from a slow Redis.
const SLOW: Duration = Duration::from_millis(100);
/// Rows that strangers write to.
const OTHERS: u64 = 200;
/// Three processes, so that there is always another.
const NAMES: [&str; 3] = ["one", "two", "three"];

/// Numbers that look random, and are the same for a seed (SplitMix64).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % sides
    }
}

struct Chaos {
    // Dropped in this order: a daemon's log lies in the folder of the world.
    daemons: Vec<(usize, Daemon)>,
    clocks: Vec<Clock>,
    world: World,
    postgres: PrivatePostgres,
    programs: String,
    dice: Dice,
    commits: u64,
    told: Vec<String>,
}

impl Drop for Chaos {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("what was done:\n{}", self.told.join("\n"));
        }
    }
}

impl Chaos {
    async fn begin(seed: u64) -> Self {
        let options = Options { fast: true, keep_redis: false };
        let postgres = PrivatePostgres::start_with(&folder().join("chaos"), options).await.unwrap();
        let url = postgres.url("postgres");
        migrate(&url).await.unwrap();
        let job = "{kind: exec, program: mark}";
        let mark = format!(
            "apiVersion: pintle/v1\nkind: Schedule\nmetadata: {{name: mark}}\nspec:\n  cron: [\"* * * * * *\"]\n  overlap: allow\n  missed: {{policy: run-all, catchUpWindow: 1h, max: 1000}}\n  job: {job}\n"
        );
        let others: Vec<String> = (0..OTHERS).map(|n| suite(&format!("s{n}"), "left alone")).collect();
        let files = [
            (CRM, suite("crm", "state 0")),
            ("suites/others.yaml", others.join("---\n")),
            ("schedules/mark.yaml", mark),
        ];
        let mut world = World::on(Database::at(url), &files).await;
        world.redis.behind_a_proxy().await;
        let clocks = NAMES.iter().map(|name| Clock::new(world.path(), name)).collect();
        let programs =
            crate::schedules::program(&world, "mark", "echo $PINTLE_KEY >> \"$PINTLE_PROGRAM.keys\"; sleep 0.2");
        let mut chaos = Self {
            world,
            postgres,
            daemons: Vec::new(),
            clocks,
            programs,
            dice: Dice(seed),
            commits: 0,
            told: Vec::new(),
        };
        (0..NAMES.len()).for_each(|at| chaos.start(at));
        chaos.world.settled().await;
        chaos
    }

    fn start(&mut self, at: usize) {
        let mut settings = vec![("PINTLE_PROGRAMS", self.programs.as_str())];
        settings.extend(self.clocks[at].environment());
        self.daemons.push((at, Daemon::start(&self.world, NAMES[at], &settings)));
    }

    async fn turn(&mut self) {
        let (what, ticks) = (self.dice.roll(15), self.dice.roll(3));
        let at = self.dice.roll(self.daemons.len() as u64) as usize;
        self.told.push(format!("{what} at {at}, then {ticks} ticks"));
        match what {
            0..3 => self.commit(),
            3 | 4 => self.edit_by_hand().await,
            5 => {
                let (name, daemon) = self.daemons.swap_remove(at);
                daemon.kill().await;
                self.start(name);
            }
            6 => {
                let (name, daemon) = self.daemons.swap_remove(at);
                daemon.stop().await;
                self.start(name);
            }
            7 => {
                self.daemons[at].1.signal(Signal::SIGSTOP);
                self.go_on(1).await;
                self.daemons[at].1.signal(Signal::SIGCONT);
            }
            8 => self.world.redis.ask::<()>(&["FLUSHALL"]).await,
            9 => {
                self.world.redis.kill().await;
                self.go_on(1).await;
                self.world.redis.start().await;
            }
            10 => self.postgres_dies().await,
            11 => self.clocks[self.daemons[at].0].set(self.dice.roll(7_201) as i64 - 3_600),
            12 => self.redis_is(Line::Cut).await,
            13 => self.redis_is(Line::Slow(SLOW)).await,
            // Though they live.
            _ => leases_expire(&self.world).await,
        }
        self.go_on(ticks).await;
    }

    /// Waits until so many more ticks were decided about: somebody leads, and Postgres takes what it writes.
    async fn go_on(&self, ticks: u64) {
        let before = self.world.database.count("SELECT count(*) FROM pintle.runs").await;
        self.world.database.until(&format!("((SELECT count(*) FROM pintle.runs) >= {before} + {ticks})")).await;
    }

    /// For as long as two ticks take to be decided about: that needs no Redis.
    async fn redis_is(&self, line: Line) {
        self.world.redis.line(line);
        self.go_on(2).await;
        self.world.redis.line(Line::Open);
    }

    /// It comes back when somebody has missed it.
    async fn postgres_dies(&mut self) {
        self.go_on(1).await;
        let missed = || {
            let logs = self.daemons.iter().map(|(_, daemon)| daemon.log());
            logs.map(|log| log.matches("Postgres cannot be reached").count()).sum::<usize>()
        };
        let before = missed();
        self.postgres.kill().await.unwrap();
        eventually("somebody misses Postgres", async || missed() > before).await;
        self.postgres.start_again().await.unwrap();
    }

    fn commit(&mut self) {
        self.commits += 1;
        self.world.repository.change("alice", CRM, &suite("crm", &format!("state {}", self.commits)));
    }

    /// A stranger writes to a row; to another each time, or it would be taken for a fight, which waits.
    async fn edit_by_hand(&mut self) {
        let name = format!("s{}", self.dice.roll(OTHERS));
        let edit = format!(
            "UPDATE pintle.suites SET spec = jsonb_set(spec, '{{owner}}', '\"somebody else\"') WHERE name = '{name}'"
        );
        drop(self.world.database.try_run(&edit).await);
    }

    /// Everything comes to rest: the last commit is applied, the schedule suspended, nothing on its way.
    async fn rest(&mut self) {
        // What is signed well ahead of a host's clock is held until somebody sets that right.
        self.clocks.iter().for_each(|clock| clock.set(0));
        let path = "schedules/mark.yaml";
        let text = std::fs::read_to_string(self.world.repository.path.join(path)).unwrap();
        self.world.repository.change("alice", path, &text.replace("  job:", "  suspend: true\n  job:"));
        let head = self.world.repository.head();
        let rest = format!(
            "SELECT (SELECT applied_commit = '{head}' FROM pintle.sources) AND (SELECT bool_and(suspended) FROM pintle.schedule_clocks)
                AND NOT EXISTS (SELECT FROM pintle.job_state WHERE state IN ('queued', 'released', 'running'))
                AND NOT EXISTS (SELECT FROM pintle.suites WHERE drifted)"
        );
        let (database, began) = (&self.world.database, Instant::now());
        let mut told = false;
        let resting = async || {
            let rests = database.ask(&rest).await.as_deref() == Some("true");
            if !rests && !told && began.elapsed() > Duration::from_mins(1) {
                told = true;
                let stands = "SELECT jsonb_build_object('verdict', verdict, 'waiting', (SELECT jsonb_agg(to_jsonb(w)) FROM pintle.waiting w), 'applied', applied_commit, 'error', fetch_error) FROM pintle.sources";
                eprintln!("after a minute: {:?}, head {head}", database.ask(stands).await);
            }
            rests
        };
        eventually_within(Duration::from_mins(3), "everything comes to rest", resting).await;
    }

    /// Ledger, Redis, rows, ticks and audit agree.
    async fn agree(&self) {
        self.world.assert_whole().await;
        let db = &self.world.database;
        assert_eq!(db.list("SELECT job_id || ' ' || reason FROM pintle.job_state WHERE state = 'dead'").await, [""; 0]);
        no_tick_is_lost(&self.world).await;
        let keys = std::fs::read_to_string(self.world.path().join("mark.sh.keys")).unwrap();
        let ran: std::collections::HashSet<&str> = keys.lines().collect();
        let done =
            db.list("SELECT job_id || '/run' FROM pintle.job_state WHERE queue <> 'rows' AND state = 'done'").await;
        let undone: Vec<&String> = done.iter().filter(|key| !ran.contains(key.as_str())).collect();
        assert!(undone.is_empty(), "called done and never ran: {undone:?}");
    }
}

#[tokio::test]
async fn whatever_fails_in_whatever_order_everything_ends_as_declared_and_the_books_agree() {
    let set = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let seed = set("PINTLE_CHAOS_SEED").unwrap_or(1);
    let length = set("PINTLE_CHAOS_SECONDS").map_or(SHORT, Duration::from_secs);
    let mut chaos = Chaos::begin(seed).await;
    let began = Instant::now();
    while began.elapsed() < length || chaos.told.len() < LEAST {
        chaos.turn().await;
    }
    chaos.rest().await;
    chaos.agree().await;
    let db = &chaos.world.database;
    let [ticks, tries, changes] = [
        "SELECT count(*) FROM pintle.runs WHERE outcome = 'run'",
        "SELECT count(*) FROM pintle.audit_logs WHERE stage = 'intent'",
        "SELECT count(*) FROM pintle.audit_logs WHERE stage = 'effect'",
    ];
    eprintln!(
        "seed {seed}: {} faults and commits in {:?}; {} ticks ran in {} tries, {} rows changed",
        chaos.told.len(),
        began.elapsed(),
        db.count(ticks).await,
        db.count(tries).await,
        db.count(changes).await
    );
    for (_, daemon) in std::mem::take(&mut chaos.daemons) {
        daemon.stop().await;
    }
}
