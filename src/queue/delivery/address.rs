//! Where Redis is now. An address is a server, or the Sentinels that know which server is the primary; they are asked
//! each time something is opened, so that a failover needs nobody.

use super::connection::connection_config;
use super::error::DeliveryError;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use redis::{ErrorKind, RedisError};

const SENTINEL_PORT: &str = ":26379";

/// `redis+sentinel://[user:password@]host[:26379][,host…]/service[/db]`, or `rediss+sentinel` where all of them speak TLS.
struct Sentinels<'a> {
    scheme: &'a str,
    /// Of the primary, with its `@`. Sentinels are asked without.
    credentials: &'a str,
    hosts: Vec<&'a str>,
    service: &'a str,
    database: &'a str,
}

/// The address of the server that takes writes.
pub(super) async fn primary(redis_url: &str) -> Result<String, DeliveryError> {
    let Some(sentinels) = Sentinels::parse(redis_url)? else { return Ok(redis_url.to_owned()) };
    let mut last = None;
    // All at once: one that does not answer costs no time.
    let mut answers: FuturesUnordered<_> = sentinels.hosts.iter().map(|host| sentinels.ask(host)).collect();
    while let Some(answer) = answers.next().await {
        match answer {
            Ok(Some((host, port))) => return Ok(sentinels.server(&host, port)),
            Ok(None) => {}
            Err(error) => last = Some(error),
        }
    }
    Err(DeliveryError::NoPrimary { service: sentinels.service.to_owned(), source: last })
}

impl<'a> Sentinels<'a> {
    fn parse(redis_url: &'a str) -> Result<Option<Self>, DeliveryError> {
        let Some((scheme, rest)) = redis_url.split_once("+sentinel://") else { return Ok(None) };
        let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
        let hosts = authority.rfind('@').map_or(authority, |at| &authority[at + 1..]);
        let credentials = &authority[..authority.len() - hosts.len()];
        let (service, database) = path.split_once('/').unwrap_or((path, ""));
        let hosts: Vec<&str> = hosts.split(',').filter(|host| !host.is_empty()).collect();
        if hosts.is_empty() || service.is_empty() || !matches!(scheme, "redis" | "rediss") {
            let form = "expected redis+sentinel://host:26379,host:26379/service/db";
            return Err(DeliveryError::Address(RedisError::from((ErrorKind::InvalidClientConfig, form))));
        }
        Ok(Some(Self { scheme, credentials, hosts, service, database }))
    }

    async fn ask(&self, host: &str) -> Result<Option<(String, u16)>, RedisError> {
        let has_port = host.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']'));
        let port = if has_port { "" } else { SENTINEL_PORT };
        let client = redis::Client::open(format!("{}://{host}{port}", self.scheme))?;
        let mut connection = client.get_multiplexed_async_connection_with_config(&connection_config()).await?;
        redis::cmd("SENTINEL").arg("GET-MASTER-ADDR-BY-NAME").arg(self.service).query_async(&mut connection).await
    }

    fn server(&self, host: &str, port: u16) -> String {
        let host = if host.contains(':') { format!("[{host}]") } else { host.to_owned() };
        format!("{}://{}{host}:{port}/{}", self.scheme, self.credentials, self.database)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentinels_are_read_and_the_primary_keeps_credentials_and_database() {
        let read = Sentinels::parse("redis+sentinel://u:p%40@one,[::1]:26380/crm/3").unwrap().unwrap();
        assert_eq!(read.hosts, ["one", "[::1]:26380"]);
        assert_eq!(read.service, "crm");
        assert_eq!(read.server("10.0.0.7", 6379), "redis://u:p%40@10.0.0.7:6379/3");
        assert_eq!(read.server("fd00::7", 6379), "redis://u:p%40@[fd00::7]:6379/3");
    }

    #[test]
    fn an_address_without_a_service_or_a_host_is_refused() {
        for wrong in ["redis+sentinel://one", "redis+sentinel:///crm", "http+sentinel://one/crm"] {
            assert!(matches!(Sentinels::parse(wrong), Err(DeliveryError::Address(_))), "{wrong}");
        }
        assert!(Sentinels::parse("redis://one/0").unwrap().is_none());
    }
}
