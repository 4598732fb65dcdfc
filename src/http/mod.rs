//! Metrics and health, on loopback. `/livez` touches nothing; `/readyz` asks the database. Beside them, for who holds the
//! token, what is live.

mod snapshot;

pub use snapshot::SNAPSHOT;

use crate::daemon::Gauges;
use crate::store::Store;
use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use metrics_exporter_prometheus::{PrometheusBuilder, PrometheusHandle};
use pintle_core::diagnostic::Code;
use snapshot::Shown;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use tokio_util::sync::CancellationToken;

/// The alarms that are counted, each whether it is raised or not.
const ALARMS: [Code; 7] = [
    Code::GlassBroken,
    Code::KeyRevoked,
    Code::KeyRunsOut,
    Code::NoSpareRoot,
    Code::TipDisappeared,
    Code::Stale,
    Code::MainBlocked,
];

#[derive(Clone)]
struct Served {
    store: Store,
    gauges: Arc<Gauges>,
    metrics: PrometheusHandle,
}

/// Serves on `address` until `stop`; nothing when there is none.
pub async fn serve(
    address: Option<SocketAddr>,
    store: Store,
    gauges: Arc<Gauges>,
    token: Option<&str>,
    stop: CancellationToken,
) -> std::io::Result<tokio::task::JoinHandle<()>> {
    let Some(address) = address else { return Ok(tokio::spawn(async {})) };
    let listener = tokio::net::TcpListener::bind(address).await?;
    tracing::info!(address = %listener.local_addr()?, "metrics on http://{}/metrics", listener.local_addr()?);
    let shown = token.map(|token| Shown::new(store.clone(), token));
    let served = Served { store, gauges, metrics: recorder() };
    let routes = Router::new()
        .route("/livez", get(|| async { "ok\n" }))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics_page))
        .with_state(served);
    let routes = match shown {
        Some(shown) => routes.merge(Router::new().route(SNAPSHOT, get(snapshot::snapshot)).with_state(shown)),
        None => routes,
    };
    Ok(tokio::spawn(async move {
        let ended = axum::serve(listener, routes).with_graceful_shutdown(stop.cancelled_owned()).await;
        if let Err(error) = ended {
            tracing::error!(%error, "serving metrics ended: {error}");
        }
    }))
}

/// One recorder a process, however often it is asked for.
fn recorder() -> PrometheusHandle {
    static RECORDER: OnceLock<PrometheusHandle> = OnceLock::new();
    RECORDER
        .get_or_init(|| {
            let recorder = PrometheusBuilder::new().build_recorder();
            let handle = recorder.handle();
            let _ = metrics::set_global_recorder(recorder);
            handle
        })
        .clone()
}

async fn readyz(State(served): State<Served>) -> (StatusCode, String) {
    match served.store.check_ready().await {
        Ok(()) => (StatusCode::OK, "ready\n".to_owned()),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {error}\n")),
    }
}

async fn metrics_page(State(served): State<Served>) -> String {
    served.gauges.publish();
    if let Ok(numbers) = served.store.numbers().await {
        for (kind, count) in &numbers.drifted {
            metrics::gauge!("pintle_drifted_objects", "kind" => kind.clone()).set(*count as f64);
        }
        metrics::gauge!("pintle_job_oldest_queued_seconds").set(numbers.oldest_queued_s);
        metrics::gauge!("pintle_jobs_dead").set(numbers.dead as f64);
    }
    if let Ok(Some(source)) = served.store.source_state().await {
        metrics::gauge!("pintle_source_fetch_age_seconds").set(source.fetched_ago_s.unwrap_or(f64::INFINITY));
        metrics::gauge!("pintle_main_blocked_seconds").set(source.held_for_s.unwrap_or(0.0));
        for code in ALARMS {
            let count =
                source.alarms.as_array().into_iter().flatten().filter(|one| one["code"] == code.as_str()).count();
            metrics::gauge!("pintle_alarms", "code" => code.as_str()).set(count as f64);
        }
    }
    served.metrics.run_upkeep();
    served.metrics.render()
}
