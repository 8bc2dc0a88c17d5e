//! The cost of status requests for many messages, with the real program.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use crate::fake_kavenegar::FakeKavenegar;
use crate::form::trials;
use crate::kill_fallback::{configure, send};
use crate::program::{LIMIT, Server, folder};

const WAITING: u16 = 5;
/// The clients that send at the same time.
const CLIENTS: usize = 16;

/// Processor time of a process in seconds.
fn cpu_seconds(pid: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
    let ticks: u32 = [11, 12].iter().map(|n| fields[*n].parse::<u32>().unwrap()).sum();
    f64::from(ticks) / 100.0
}

#[test]
fn one_request_asks_for_the_status_of_many_messages() {
    let messages = usize::try_from(trials(1_000, 10_000)).unwrap();
    let gateway = FakeKavenegar::start(WAITING, Duration::ZERO);
    let folder = folder();
    configure(folder.path(), &[&gateway]);
    let server = Server::start(folder.path());
    thread::scope(|scope| {
        for client in 0..CLIENTS {
            let server = &server;
            scope.spawn(move || (client..messages).step_by(CLIENTS).for_each(|n| send(server, n)));
        }
    });
    let deadline = Instant::now() + LIMIT;
    while gateway.reached() < messages {
        assert!(Instant::now() < deadline, "the gateway has {} messages", gateway.reached());
        thread::sleep(Duration::from_millis(10));
    }
    let (begun, cpu) = (Instant::now(), cpu_seconds(server.id()));
    // Each message is asked for 5, 15 and 30 seconds after it was accepted.
    while gateway.log.lock().unwrap().asked.iter().map(|(_, ids)| ids).sum::<usize>() < 3 * messages {
        assert!(Instant::now() < deadline, "some messages were not asked for");
        thread::sleep(Duration::from_millis(100));
    }
    let share = (cpu_seconds(server.id()) - cpu) / begun.elapsed().as_secs_f64();
    let log = gateway.log.lock().unwrap();
    assert_eq!(log.asked_ids.len(), messages);
    let (requests, ids) = (log.asked.len(), log.asked.iter().map(|(_, ids)| ids).sum::<usize>());
    let (first, last) = (log.asked[0].0, log.asked[requests - 1].0);
    let seconds = usize::try_from(last.duration_since(first).as_secs()).unwrap() + 1;
    assert!(requests <= ids / 100 + seconds, "{requests} requests for {ids} states in {seconds} s");
    eprintln!("status: {messages} messages, {requests} requests for {ids} states, {:.1} % of a core", share * 100.0);
}
