//! The two servers, as a daemon would meet them.

use super::{DoctorArgs, Finding};
use crate::chain::chain;
use crate::queue::delivery::examine;
use crate::store::release::ROWS;
use crate::store::{Store, StoreError};

const POSTGRES: &str = "postgres";
const REDIS: &str = "redis";

/// Reachable, migrated, and by a role that owns nothing.
pub(super) async fn postgres(args: &DoctorArgs) -> Vec<Finding> {
    let Some(url) = &args.servers.database_url else {
        return vec![Finding::warn(
            POSTGRES,
            "not checked: --database-url is not set",
            "set --database-url (PINTLE_DATABASE_URL), or try everything with pintle dev",
        )];
    };
    let store = match Store::open(url, 1) {
        Ok(store) => store,
        Err(error) => return vec![Finding::fail(POSTGRES, chain(&error), "write it as postgres://USER@HOST/DATABASE")],
    };
    let role = match store.examine().await {
        Ok(role) => role,
        Err(error) => {
            return vec![Finding::fail(
                POSTGRES,
                chain(&error),
                "see that the server runs and --database-url is right: psql \"$PINTLE_DATABASE_URL\"",
            )];
        }
    };
    let mut findings =
        vec![Finding::ok(POSTGRES, format!("version {}, as {}", role.version, role.role)), schema(&store).await];
    let too_much = [
        (role.superuser, "is a superuser"),
        (role.owns, "owns the schema"),
        (role.member_of_owner && !role.owns, "can become the owner of the schema"),
    ];
    let too_much: Vec<&str> = too_much.into_iter().filter_map(|(is, what)| is.then_some(what)).collect();
    findings.push(match (too_much.is_empty(), args.dev) {
        (true, _) => Finding::ok("role", format!("{} owns nothing it should not", role.role)),
        (false, true) => Finding::ok("role", format!("{} {}; fine for pintle dev and nothing else", role.role, too_much.join(" and "))),
        (false, false) => Finding::fail("role", format!("{} {}: it could rewrite the audit log", role.role, too_much.join(" and ")), "CREATE ROLE pintle LOGIN IN ROLE pintle_engine, and connect as that; the owner only migrates (for pintle dev: doctor --dev)"),
    });
    findings
}

async fn schema(store: &Store) -> Finding {
    match store.check_schema().await {
        Ok(()) => Finding::ok("schema", "up to date"),
        Err(error @ StoreError::OlderSchema(_)) => {
            Finding::fail("schema", error.to_string(), "pintle migrate --database-url URL (as the owner)")
        }
        Err(error) => Finding::fail(
            "schema",
            chain(&error),
            error.hint().unwrap_or("pintle migrate --database-url URL (as the owner)"),
        ),
    }
}

/// Reachable, keeps what it is given, and nobody else uses the queue.
pub(super) async fn redis(args: &DoctorArgs) -> Vec<Finding> {
    let Some(url) = &args.servers.redis_url else {
        return vec![Finding::warn(
            REDIS,
            "not checked: --redis-url is not set",
            "set --redis-url (PINTLE_REDIS_URL), or try everything with pintle dev",
        )];
    };
    let report = match examine(url, ROWS.queue).await {
        Ok(report) => report,
        Err(error) => {
            return vec![Finding::fail(
                REDIS,
                chain(&error),
                "see that the server runs and --redis-url is right: redis-cli -u \"$PINTLE_REDIS_URL\" PING",
            )];
        }
    };
    let major: u32 = report.version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    let mut findings = vec![if major >= 6 {
        Finding::ok(REDIS, format!("version {}", report.version))
    } else {
        Finding::fail(REDIS, format!("version {} is too old", report.version), "use Redis 6.2 or newer")
    }];
    findings.push(match report.policy.as_deref() {
        Some("noeviction") => Finding::ok("eviction", "maxmemory-policy is noeviction"),
        Some(policy) => Finding::fail(
            "eviction",
            format!("maxmemory-policy is {policy}: deliveries could vanish"),
            "redis-cli CONFIG SET maxmemory-policy noeviction, and the same in redis.conf",
        ),
        None => Finding::warn("eviction", "the server does not say its maxmemory-policy", "see that it is noeviction"),
    });
    findings.push(match report.interference {
        None => Finding::ok("queue", "nobody else uses it"),
        Some(what) => Finding::warn(
            "queue",
            what,
            "stop the other BullMQ client, or give Pintle a Redis (or database number) of its own",
        ),
    });
    findings
}
