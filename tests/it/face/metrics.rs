//! Health and metrics.

use super::begun;
use super::said::{Said, ask, pintle};
use crate::harness::{Daemon, World, suite};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What it answers: the status line, and the rest.
async fn answer(address: &str, path: &str) -> (String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let question = format!("GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\n\r\n");
    stream.write_all(question.as_bytes()).await.unwrap();
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    let (first, rest) = text.split_once("\r\n").unwrap();
    (first.to_owned(), rest.to_owned())
}

fn address(daemon: &Daemon) -> String {
    let log = daemon.log();
    let from = log.find("metrics on http://").unwrap() + "metrics on http://".len();
    log[from..].split('/').next().unwrap().to_owned()
}

#[tokio::test]
async fn a_daemon_says_on_loopback_that_it_lives_is_ready_and_how_far_it_is() {
    let (_world, daemon) = begun(&[("PINTLE_NO_METRICS", "false"), ("PINTLE_METRICS", "127.0.0.1:0")]).await;
    let address = address(&daemon);
    for path in ["/livez", "/readyz"] {
        assert_eq!(answer(&address, path).await.0, "HTTP/1.1 200 OK", "{path}");
    }
    let (status, page) = answer(&address, "/metrics").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    let value = |series: &str| -> f64 {
        let line =
            page.lines().find(|line| line.starts_with(series)).unwrap_or_else(|| panic!("no {series} in\n{page}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("pintle_commit_applied_lag_seconds") >= 0.0);
    assert!(value("pintle_last_success_timestamp_seconds") > 1_700_000_000.0);
    assert!(value("pintle_drifted_objects{kind=\"Instance\"}").abs() < f64::EPSILON);
    assert!(value("pintle_job_oldest_queued_seconds").abs() < f64::EPSILON);
    daemon.stop().await;
}

#[tokio::test]
async fn what_is_live_is_shown_to_who_holds_the_token_and_planned_against_as_the_database_is() {
    let token = tempfile::NamedTempFile::new().unwrap();
    let file = token.path().to_str().unwrap();
    std::fs::write(file, "ab".repeat(16)).unwrap();
    let settings = [("PINTLE_NO_METRICS", "false"), ("PINTLE_METRICS", "127.0.0.1:0"), ("PINTLE_API_TOKEN_FILE", file)];
    let guard = "limits: [{match: {kind: Suite}, action: delete, count: 1}]\n".to_owned();
    let [one, two] = ["one", "two"].map(|name| (format!("suites/{name}.yaml"), suite(name, "x")));
    let stays = ("suites/stays.yaml", suite("stays", "x"));
    let files = [(".pintle/guard.yaml", guard), stays, (&one.0, one.1.clone()), (&two.0, two.1.clone())];
    let world = World::new(&files).await;
    let daemon = Daemon::start(&world, "daemon", &settings);
    world.settled().await;
    let server = format!("http://{}", address(&daemon));
    assert_eq!(answer(&address(&daemon), "/api/superadmin/snapshot").await.0, "HTTP/1.1 401 Unauthorized");
    // One goes within the day, and so no other may.
    world.repository.remove("suites/one.yaml");
    world.repository.commit("alice", "One goes");
    world.settled().await;
    world.repository.git(&["checkout", "--quiet", "-b", "more"]);
    world.repository.remove("suites/two.yaml");
    world.repository.commit("alice", "Another");
    let plan = |more: &[&str]| ask(&world, &[&["plan", "-o", "json"], more].concat()).ends(3).json();
    let known = plan(&["--server", &server, "--server-token-file", file]);
    let rows = plan(&[]);
    assert_eq!((&known["actions"], &known["refused"]), (&rows["actions"], &rows["refused"]));
    assert_eq!(known["refused"][0]["before"], 1, "{known}");
    ask(&world, &["simulate", "--for", "1h", "--server", &server, "--server-token-file", file]).ends(3);
    std::fs::write(file, "cd".repeat(16)).unwrap();
    let said = ask(&world, &["plan", "--server", &server, "--server-token-file", file]).ends(1);
    assert!(said.err.contains("does not take this token"), "{}", said.err);
    daemon.stop().await;
}

#[test]
fn metrics_are_refused_on_an_address_that_others_reach() {
    for address in ["0.0.0.0:9464", "[::]:9464", "192.0.2.1:9464"] {
        let said = Said::of(pintle(&["run", "--metrics", address])).ends(1);
        assert_eq!(
            said.err,
            "error: metrics are served on loopback only\n  next: put a proxy that authenticates before them\n"
        );
    }
}
