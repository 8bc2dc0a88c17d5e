//! Random sequences of requests by several clients, against the real server and against a plain map.

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::bounded::complete;
use crate::client::{Client, OTPS};
use crate::plain::{ADDRESSES, Body, Model, NUMBERS, Stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{alone, side_by_side, trials};

#[derive(Clone, Debug)]
enum Step {
    Create(Body),
    Update(usize, Body),
    Delete(usize),
    Retrieve(usize),
    List { has_email: Option<bool>, newest_first: bool },
    Verify { by_email: bool, whose: usize, guess: i64 },
    Stop,
    Kill,
}

fn body() -> impl Strategy<Value = Body> {
    let recipient = || proptest::option::of(proptest::option::of(0..3usize));
    (proptest::option::weighted(0.8, 0..5i64), recipient(), recipient(), any::<bool>())
        .prop_map(|(code, mobile_number, email, is_long)| Body { code, mobile_number, email, is_long })
}

/// A step, and which of the clients takes it.
fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        6 => body().prop_map(Step::Create),
        8 => (0..12usize, body()).prop_map(|(which, body)| Step::Update(which, body)),
        3 => (0..12usize).prop_map(Step::Delete),
        4 => (0..12usize).prop_map(Step::Retrieve),
        4 => (proptest::option::of(any::<bool>()), any::<bool>())
            .prop_map(|(has_email, newest_first)| Step::List { has_email, newest_first }),
        8 => (any::<bool>(), 0..3usize, 0..5i64)
            .prop_map(|(by_email, whose, guess)| Step::Verify { by_email, whose, guess }),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
    ];
    (0..3usize, step)
}

/// Of the clients the one that may only look.
const VIEWER: usize = 2;

/// The real server with its clients: an admin, staff who may do all, staff who may only look.
struct World {
    folder: tempfile::TempDir,
    server: Server,
    tokens: [String; 3],
    clients: Vec<Client>,
}

impl World {
    fn new() -> Self {
        let folder = folder();
        // What counts over hours and recipients is tested elsewhere: here every guess is heard.
        let limits = "[otp]\nrecipient_attempts_per_hour = 0\nmax_consecutive_failures = 0\n\
                      [limits]\nfailures_per_token_hour = 0\n";
        fs::write(folder.path().join("otp.toml"), limits).unwrap();
        let server = Server::spawn(otpd(folder.path()).env("OTPD_AUTH__BOOTSTRAP_TOKEN", TOKEN));
        let staff = |name: &str, permissions: &[&str]| {
            let mut command = otpd(folder.path());
            command.args(["user", "add", name, "--role", "staff"]);
            for permission in permissions {
                command.args(["--permission", permission]);
            }
            String::from_utf8(complete(&mut command).stdout).unwrap().trim().to_owned()
        };
        let tokens =
            [TOKEN.to_owned(), staff("all", &["2851", "2852", "2853", "2854", "2856"]), staff("viewer", &["2852"])];
        let mut world = Self { folder, server, tokens, clients: Vec::new() };
        world.connect();
        world
    }

    fn connect(&mut self) {
        self.clients = self.tokens.iter().map(|token| Client::of(&self.server).with_token(token)).collect();
    }

    fn restart(&mut self, signal: &str) {
        self.clients.clear();
        self.server.signal(signal);
        self.server.wait();
        self.server = Server::start(self.folder.path());
        self.connect();
    }

    /// Takes a step with the server and with the model, and holds one against the other.
    fn step(&mut self, model: &mut Model, who: usize, step: &Step) {
        let id_of = |which: usize| model.ids.get(which).copied().unwrap_or(i64::MAX);
        match step {
            Step::Create(body) => self.create(model, who, body),
            Step::Update(which, body) => self.update(model, who, id_of(*which), body),
            Step::Delete(which) => self.delete(model, who, id_of(*which)),
            Step::Retrieve(which) => self.retrieve(model, who, id_of(*which)),
            Step::Verify { by_email, whose, guess } => self.verify(model, who, (*by_email, *whose, *guess)),
            Step::List { has_email, newest_first } => self.compare(model, who, *has_email, *newest_first),
            Step::Stop => self.restart("TERM"),
            Step::Kill => self.restart("KILL"),
        }
    }

    fn create(&mut self, model: &mut Model, who: usize, body: &Body) {
        let (status, otp) = self.clients[who].ask("POST", OTPS, &body.json());
        match body.over(None) {
            _ if who == VIEWER => assert_eq!(status, 403, "{otp}"),
            None => assert_eq!(status, 400, "{otp}"),
            Some(new) => {
                let id = otp["id"].as_i64().unwrap();
                assert!(status == 201 && new.is(id, &otp), "{otp}");
                assert!(model.ids.last().is_none_or(|last| *last < id), "ids grow and none is used again");
                model.ids.push(id);
                model.codes.insert(id, new);
            }
        }
    }

    fn update(&mut self, model: &mut Model, who: usize, id: i64, body: &Body) {
        let (status, otp) = self.clients[who].ask("PATCH", &format!("{OTPS}{id}"), &body.json());
        match model.codes.get(&id).map(|old| body.over(Some(old))) {
            _ if who == VIEWER => assert_eq!(status, 403, "{otp}"),
            None => assert_eq!(status, 404, "{otp}"),
            Some(None) => assert_eq!(status, 400, "{otp}"),
            Some(Some(new)) => {
                assert!(status == 200 && new.is(id, &otp), "{otp}");
                model.codes.insert(id, new);
            }
        }
    }

    fn delete(&mut self, model: &mut Model, who: usize, id: i64) {
        let (status, answer) = self.clients[who].ask("DELETE", &format!("{OTPS}{id}"), "");
        let expected = if who == VIEWER {
            403
        } else if model.codes.remove(&id).is_some() {
            204
        } else {
            404
        };
        assert_eq!(status, expected, "{answer}");
    }

    fn retrieve(&mut self, model: &Model, who: usize, id: i64) {
        let (status, otp) = self.clients[who].ask("GET", &format!("{OTPS}{id}"), "");
        match model.codes.get(&id) {
            None => assert_eq!(status, 404, "{otp}"),
            Some(stored) => assert!(status == 200 && stored.is(id, &otp), "{otp}"),
        }
    }

    fn verify(&mut self, model: &mut Model, who: usize, (by_email, whose, guess): (bool, usize, i64)) {
        let (field, recipient) = if by_email { ("email", ADDRESSES[whose]) } else { ("mobile_number", NUMBERS[whose]) };
        let body = json!({ field: recipient, "code": guess }).to_string();
        let answer = self.clients[who].ask("POST", &format!("{OTPS}verify"), &body);
        if who == VIEWER {
            assert_eq!(answer.0, 403, "{}", answer.1);
        } else {
            assert_eq!(answer, model.verify(by_email, whose, guess));
        }
    }

    fn compare(&mut self, model: &Model, who: usize, has_email: Option<bool>, newest_first: bool) {
        let filter = has_email.map_or_else(String::new, |has| format!("&has_email={has}"));
        let order = if newest_first { "-id" } else { "id" };
        let (status, list) = self.clients[who].ask("GET", &format!("{OTPS}?limit=500&ordering={order}{filter}"), "");
        assert_eq!(status, 200, "{list}");
        let mut expected: Vec<(&i64, &Stored)> = model
            .codes
            .iter()
            .filter(|(_, stored)| has_email.is_none_or(|has| stored.email.is_some() == has))
            .collect();
        if newest_first {
            expected.reverse();
        }
        let results = list["results"].as_array().unwrap();
        assert_eq!((list["count"].as_u64(), results.len()), (Some(expected.len() as u64), expected.len()), "{list}");
        assert!(expected.iter().zip(results).all(|((id, stored), otp)| stored.is(**id, otp)), "{expected:?}\n{list}");
    }
}

/// Tries so many sequences; how many steps they had.
fn try_sequences(cases: u32) -> usize {
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() });
    let steps = std::cell::Cell::new(0);
    let outcome = runner.run(&proptest::collection::vec(step(), 1..60), |sequence| {
        let (mut world, mut model) = (World::new(), Model::default());
        for (who, step) in &sequence {
            world.step(&mut model, *who, step);
            steps.set(steps.get() + 1);
        }
        world.restart("TERM");
        world.compare(&model, 0, None, false);
        Ok(())
    });
    outcome.unwrap();
    steps.get()
}

#[test]
fn the_server_and_a_plain_map_agree_after_every_step_and_every_restart() {
    let _alone = alone();
    let cases = u32::try_from(trials(24, 500)).unwrap();
    let parts = 4;
    let steps = side_by_side("model", parts, |_, _| try_sequences(cases / u32::try_from(parts).unwrap()));
    eprintln!("model: {cases} sequences, {} steps", steps.iter().sum::<usize>());
}
