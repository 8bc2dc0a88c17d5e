//! `otpd serve`: from a configuration to a running server, and in good order to its end.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::available_parallelism;

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::cli::{Outcome, first_run, now};
use crate::config::Config;
use crate::http;
use crate::service::Service;
use crate::store::Store;

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
    let server = http::server(listener, service, settings)?;
    first_run::greet(config, &store, address).await?;
    log::info!(
        "otpd {} listens on http://{address}, database {}",
        env!("CARGO_PKG_VERSION"),
        config.database_path.display()
    );
    until_stopped(server, &store).await?;
    store.close();
    log::info!("stopped");
    Ok(())
}

fn listen(config: &Config) -> Result<TcpListener, String> {
    TcpListener::bind((config.host.as_str(), config.port)).map_err(|cause| {
        format!(
            "can't listen on {}:{} (server.host, server.port): {cause}; stop what listens there, or choose another port",
            config.host, config.port
        )
    })
}

/// Runs the server until a signal, and then until what is in flight is answered. A second signal ends the process at
/// once; so does a failed disk, with an error.
async fn until_stopped(server: http::Server, store: &Store) -> Outcome {
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let handle = server.handle();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        () = store.failed() => return Err("the disk failed; the log says how. Start otpd again to recover".into()),
        () = either(&mut terminate, &mut interrupt) => log::info!("stopping: finishing what is in flight"),
    }
    let stop = handle.stop(true);
    tokio::select! {
        (ended, ()) = async { tokio::join!(server, stop) } => Ok(ended?),
        () = either(&mut terminate, &mut interrupt) => Err("stopped at once by a second signal".into()),
    }
}

async fn either(terminate: &mut Signal, interrupt: &mut Signal) {
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
