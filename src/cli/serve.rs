//! `otpd serve`: starts the server and stops it gracefully.

use std::io;
use std::net::TcpListener;
use std::thread::available_parallelism;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::cli::database::{clock_of, open_store};
use crate::cli::housekeeping::{Retention, flush_figures, run_maintenance};
use crate::cli::output::CommandResult;
use crate::cli::signals::Signals;
use crate::cli::{first_run, open_files};
use crate::config::Config;
use crate::delivery::{Chain, Delivery, Endpoint};
use crate::domain::message::PerChannel;
use crate::http;
use crate::metrics::Metrics;
use crate::service::{self, Service};
use crate::store::{Create, Options, Store};

const DISK_FAILED: &str = "the disk failed; the log contains the error. Check the disk, then start otpd again";
const OUTBOX_FAILED: &str = "the outbox worker failed; the log contains the location. Start otpd again; no queued \
                             message is lost";
/// How long connections are still served after a stop has begun. Responses in this time tell clients that the
/// connection will be closed.
const LAST_ANSWERS: Duration = Duration::from_millis(100);
/// How long the outbox may take to finish deliveries in progress and to store their results.
const DELIVER_WITHIN: Duration = Duration::from_secs(10);
/// How long the writer may take for queued changes after the last response.
const CLOSE_WITHIN: Duration = Duration::from_secs(5);

pub(super) async fn run(config: &Config) -> CommandResult {
    // From here on, a signal does not interrupt the start. It stops the server after the start.
    let signals = Signals::catch()?;
    for warning in config.warnings.iter().chain(&config.notes) {
        log::warn!("{warning}");
    }
    // The ports come first: if one is in use, no database is created.
    let listener = listen(&config.host, config.port, "server.host, server.port")?;
    let metrics_listener = config
        .metrics
        .map(|address| listen(&address.ip().to_string(), address.port(), "server.metrics"))
        .transpose()?;
    let address = listener.local_addr()?;
    let (options, settings) = settings(config)?;
    let store = open_store(config, &options)?;
    let service = Service::new(store.clone(), clock_of(&store), service_settings(config, &store)?);
    let stopping = settings.stopping.clone();
    let server = http::server(listener, service.clone(), settings)?;
    let shown = config.database.shown();
    first_run::add_admin_if_no_users(config, &store, address)
        .await
        .map_err(|cause| format!("database {shown}: {cause}"))?;
    log::info!("otpd {} listens on http://{address}, database {shown}", env!("CARGO_PKG_VERSION"));
    if let Some(listener) = metrics_listener {
        log::info!("metrics are served at http://{}/metrics", listener.local_addr()?);
        tokio::spawn(http::metrics_server(listener, service.clone())?);
    }
    let (stop_delivery, stop) = watch::channel(false);
    let delivery = tokio::spawn(service.clone().deliver(stop));
    tokio::spawn(flush_figures(service.clone()));
    tokio::spawn(run_maintenance(
        service.clone(),
        Retention { codes: config.otp_retention, audit: config.audit_retention },
        config.database.file().is_some(),
    ));
    let outbox = Outbox { stop: stop_delivery, worker: delivery };
    until_stopped(server, stopping, (store, service), outbox, &signals).await?;
    log::info!("stopped");
    Ok(())
}

/// The settings of the store and the HTTP server, from the configuration and this machine.
fn settings(config: &Config) -> Result<(Options, http::Settings), Box<dyn std::error::Error>> {
    let workers = config.workers.unwrap_or_else(|| available_parallelism().map_or(1, usize::from));
    let event_loops = u32::try_from(workers).unwrap_or(u32::MAX).min(64);
    let readers = event_loops.saturating_mul(2).clamp(4, 64);
    let metrics = Metrics::new();
    let options = Options {
        readers,
        event_loops,
        create: if config.creates_database { Create::IfNew } else { Create::Never },
        serves: true,
        checkpoints: config.checkpoints,
        checkpoint_kib: config.checkpoint_kib,
        metrics: metrics.clone(),
    };
    let settings = http::Settings {
        workers,
        connections: open_files::connections(config.database.open_files(event_loops, readers))?,
        blocking_threads: readers as usize,
        trusted_proxies: http::TrustedProxies(config.trusted_proxies.clone()),
        requests_per_second: config.requests_per_second,
        console: config.console_enabled.then(|| http::console::Settings {
            allowed_addresses: config.console_allowed_addresses.clone(),
            origin: config.console_origin.clone(),
        }),
        metrics,
        ..http::Settings::default()
    };
    Ok((options, settings))
}

/// The settings of the service, from the configuration.
pub(super) fn service_settings(config: &Config, store: &Store) -> Result<service::Settings, String> {
    let keep = service::inbox::keeper(store.clone(), clock_of(store));
    let settings = &config.delivery;
    let delivery = Delivery {
        chains: PerChannel::try_from_fn(|channel| Chain::build(settings.providers.get(channel), &keep))?,
        texts: settings.texts.clone(),
        language: settings.language,
        on_unknown: settings.on_unknown,
        fallback_margin: settings.fallback_margin,
        escalate_after: settings.escalate_after,
        callback_secret: settings.callback_secret.clone(),
        allowed_prefixes: settings.allowed_prefixes.clone(),
        has_inbox: settings.has_inbox(),
    };
    Ok(service::Settings {
        policy: config.policy,
        test_recipients: config.test_recipients.clone(),
        timezone: config.otp_timezone,
        limits: config.limits,
        delivery,
        events: config.events.iter().cloned().map(Endpoint::new).collect::<Result<_, _>>()?,
        audits_reads: config.audits_reads,
    })
}

/// Listens on `host` and `port`. Errors mention `settings`, the keys that set the address.
fn listen(host: &str, port: u16, settings: &str) -> Result<TcpListener, String> {
    TcpListener::bind((host, port)).map_err(|cause| {
        let remedy = match cause.kind() {
            io::ErrorKind::AddrInUse => "stop the process that listens there, or choose another port",
            _ => "use an address of this machine and a port that this user may open",
        };
        let cause = cause.to_string().replace('\n', " ");
        format!("can't listen on {host}:{port} ({settings}): {cause}; {remedy}")
    })
}

/// The task that delivers messages.
struct Outbox {
    stop: watch::Sender<bool>,
    worker: JoinHandle<()>,
}

impl Outbox {
    /// Stops further deliveries. Queued messages stay queued for the next start.
    fn begin_to_stop(&self) {
        self.stop.send_replace(true);
    }

    /// Waits for deliveries in progress, up to [`DELIVER_WITHIN`]. The next start sends the remaining messages again.
    async fn finish(self) {
        match tokio::time::timeout(DELIVER_WITHIN, self.worker).await {
            Ok(Ok(())) => {}
            // The panic message may contain user data. The log has the location of the panic.
            Ok(Err(_)) => log::error!("the outbox worker panicked; the log contains the location"),
            Err(_) => log::warn!("some deliveries were still in progress; the next start sends these messages again"),
        }
    }
}

/// Runs the server until a signal arrives, then until requests in flight are answered. A second signal ends the process
/// at once. A disk failure ends it with an error.
async fn until_stopped(
    server: http::Server,
    stopping: http::Stopping,
    (store, service): (Store, Service),
    mut outbox: Outbox,
    signals: &Signals,
) -> CommandResult {
    let handle = server.handle();
    tokio::pin!(server);
    tokio::select! {
        ended = &mut server => return Ok(ended?),
        () = store.failed() => return Err(DISK_FAILED.into()),
        _ = &mut outbox.worker => return Err(OUTBOX_FAILED.into()),
        () = signals.first() => log::info!("stopping: finishing requests in flight"),
    }
    let closing = store.clone();
    let finish = async {
        stopping.begin();
        outbox.begin_to_stop();
        let stop = async {
            tokio::time::sleep(LAST_ANSWERS).await;
            handle.stop(true).await;
        };
        let (ended, ()) = tokio::join!(server, stop);
        ended?;
        outbox.finish().await;
        if let Err(error) = service.flush_figures().await {
            log::warn!("the last counts of refused requests could not be stored: {error}");
        }
        match tokio::time::timeout(CLOSE_WITHIN, tokio::task::spawn_blocking(move || closing.close())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err("the database could not be closed; the log contains the location of the error".into()),
            Err(_) => Err("queued changes could not be written in time; the next start recovers the database".into()),
        }
    };
    tokio::select! {
        ended = finish => ended,
        () = store.failed() => Err(DISK_FAILED.into()),
    }
}
