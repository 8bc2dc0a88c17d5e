//! `otpd serve`: from a configuration to a running server, and in good order to its end.

use std::io;
use std::net::TcpListener;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Outcome, first_run, now};
use crate::config::Config;
use crate::http;
use crate::service::Service;
use crate::store::Store;

const PURGE_EVERY: Duration = Duration::from_secs(60);
/// How long the writer may take for what is queued when the last request has been answered.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn run(config: &Config) -> Outcome {
    for warning in &config.warnings {
        log::warn!("{warning}");
    }
    // First the port: where it is taken, nothing is created.
    let listener = listen(config)?;
    let address = listener.local_addr()?;
    let workers = config.workers.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let readers = u32::try_from(workers * 2).unwrap_or(u32::MAX).clamp(4, 64);
    let store = Store::open(&config.database_path, readers, true)?;
    let service = Service::new(store.clone(), Arc::new(now), config.otp_expiration, config.otp_timezone);
    let settings = http::Settings { workers, trusted_proxies: http::TrustedProxies(config.trusted_proxies.clone()) };
    let server = http::server(listener, service.clone(), settings)?;
    first_run::greet(config, &store, address)
        .await
        .map_err(|cause| format!("database {}: {cause}", config.database_path.display()))?;
    log::info!(
        "otpd {} listens on http://{address}, database {}",
        env!("CARGO_PKG_VERSION"),
        config.database_path.display()
    );
    if let Some(retention) = config.otp_retention {
        tokio::spawn(purge(service, retention));
    }
    until_stopped(server, store).await?;
    log::info!("stopped");
    Ok(())
}

/// Deletes what expired long ago, now and then.
async fn purge(service: Service, retention: Duration) {
    let mut every = tokio::time::interval(PURGE_EVERY);
    loop {
        every.tick().await;
        match service.purge_expired(retention).await {
            Ok(0) => {}
            Ok(purged) => log::info!("deleted {purged} codes that expired more than otp.retention ago"),
            Err(error) => log::warn!("expired codes could not be deleted, the next try is in a minute: {error}"),
        }
    }
}

fn listen(config: &Config) -> Result<TcpListener, String> {
    TcpListener::bind((config.host.as_str(), config.port)).map_err(|cause| {
        let remedy = match cause.kind() {
            io::ErrorKind::AddrInUse => "stop what listens there, or choose another port",
            _ => "name an address of this machine and a port that this user may use",
        };
        let cause = cause.to_string().replace('\n', " ");
        format!("can't listen on {}:{} (server.host, server.port): {cause}; {remedy}", config.host, config.port)
    })
}

/// Runs the server until a signal, and then until what is in flight is answered. A second signal ends the process at
/// once; so does a failed disk, with an error.
async fn until_stopped(server: http::Server, store: Store) -> Outcome {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let handle = server.handle();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        () = store.failed() => return Err("the disk failed; the log says how. Start otpd again to recover".into()),
        () = either(&mut terminate, &mut interrupt) => log::info!("stopping: finishing what is in flight"),
    }
    let finish = async {
        let (ended, ()) = tokio::join!(server, handle.stop(true));
        ended?;
        let closed = tokio::task::spawn_blocking(move || store.close());
        match tokio::time::timeout(CLOSE_WITHIN, closed).await {
            Ok(closed) => Ok(closed?),
            Err(_) => Err("what was queued could not be written in time; the next start recovers the database".into()),
        }
    };
    tokio::select! {
        ended = finish => ended,
        () = either(&mut terminate, &mut interrupt) => Err("stopped at once by a second signal".into()),
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
