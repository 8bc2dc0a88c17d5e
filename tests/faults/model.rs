//! Random sequences of requests by several clients, sent to the real server and to a model of it.

use std::fs;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::json;

use crate::bounded::complete;
use crate::client::{Client, OTPS};
use crate::console::Session;
use crate::plain::{ADDRESSES, Body, Model, NUMBERS, Stored};
use crate::program::{Server, TOKEN, folder, otpd};
use crate::trials::{run_alone, side_by_side, trials};

#[derive(Clone, Debug)]
enum Step {
    Create(Body),
    Update(usize, Body),
    Delete(usize),
    Retrieve(usize),
    List {
        has_email: Option<bool>,
        newest_first: bool,
    },
    Verify {
        by_email: bool,
        index: usize,
        attempt: i64,
    },
    /// Shows the digits of a code in the console.
    Uncover(usize),
    /// Deletes a code in the console.
    DeleteInConsole(usize),
    /// Grants or revokes a permission that no other step needs, by a command.
    Command {
        grants: bool,
    },
    Stop,
    Kill,
}

fn body() -> impl Strategy<Value = Body> {
    let recipient = || proptest::option::of(proptest::option::of(0..3usize));
    (proptest::option::weighted(0.8, 0..5i64), recipient(), recipient(), any::<bool>())
        .prop_map(|(code, mobile_number, email, is_long)| Body { code, mobile_number, email, is_long })
}

/// A step and the index of its client.
fn step() -> impl Strategy<Value = (usize, Step)> {
    let step = prop_oneof![
        6 => body().prop_map(Step::Create),
        8 => (0..12usize, body()).prop_map(|(which, body)| Step::Update(which, body)),
        3 => (0..12usize).prop_map(Step::Delete),
        4 => (0..12usize).prop_map(Step::Retrieve),
        4 => (proptest::option::of(any::<bool>()), any::<bool>())
            .prop_map(|(has_email, newest_first)| Step::List { has_email, newest_first }),
        8 => (any::<bool>(), 0..3usize, 0..5i64)
            .prop_map(|(by_email, index, attempt)| Step::Verify { by_email, index, attempt }),
        3 => (0..12usize).prop_map(Step::Uncover),
        1 => (0..12usize).prop_map(Step::DeleteInConsole),
        1 => any::<bool>().prop_map(|grants| Step::Command { grants }),
        1 => Just(Step::Stop),
        1 => Just(Step::Kill),
    ];
    (0..3usize, step)
}

/// The index of the client that may only view.
const VIEWER: usize = 2;

/// The real server and its clients: an admin, staff with all permissions except sending, and staff with only the
/// permission to view.
struct World {
    folder: tempfile::TempDir,
    server: Server,
    tokens: [String; 3],
    clients: Vec<Client>,
    session: Session,
    is_granted: bool,
}

impl World {
    fn new() -> Self {
        let folder = folder();
        // Limits over hours and recipients are tested elsewhere. Here every attempt is accepted.
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
        let session = Session::start(server.socket(), "admin", TOKEN);
        let mut world = Self { folder, server, tokens, clients: Vec::new(), session, is_granted: false };
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

    /// Runs a step on the server and on the model, and compares them.
    fn step(&mut self, model: &mut Model, client: usize, step: &Step) {
        let id_of = |which: usize| model.ids.get(which).copied().unwrap_or(i64::MAX);
        match step {
            Step::Create(body) => self.create(model, client, body),
            Step::Update(which, body) => self.update(model, client, id_of(*which), body),
            Step::Delete(which) => self.delete(model, client, id_of(*which)),
            Step::Retrieve(which) => self.retrieve(model, client, id_of(*which)),
            Step::Verify { by_email, index, attempt } => self.verify(model, client, (*by_email, *index, *attempt)),
            Step::List { has_email, newest_first } => self.compare(model, client, *has_email, *newest_first),
            Step::Uncover(which) => self.in_console(model, id_of(*which), "uncover", 200),
            Step::DeleteInConsole(which) => self.in_console(model, id_of(*which), "delete", 303),
            Step::Command { grants } => self.command(model, *grants),
            Step::Stop => self.restart("TERM"),
            Step::Kill => self.restart("KILL"),
        }
    }

    fn in_console(&mut self, model: &mut Model, id: i64, action: &str, success: u16) {
        let status = self.session.post(self.server.socket(), &format!("/console/codes/{id}/{action}"), "");
        if !model.codes.contains_key(&id) {
            assert_eq!(status, 404);
            return;
        }
        assert_eq!(status, success);
        model.events.push((if action == "delete" { "otp.delete" } else { "otp.read" }, Some(id)));
        if action == "delete" {
            model.codes.remove(&id);
        }
    }

    fn command(&mut self, model: &mut Model, grants: bool) {
        let (word, action) = if grants { ("grant", "user.grant") } else { ("revoke", "user.revoke") };
        let output = complete(otpd(self.folder.path()).args(["user", word, "all", "2855"]));
        assert!(output.status.success(), "{output:?}");
        if grants != self.is_granted {
            self.is_granted = grants;
            model.events.push((action, None));
        }
    }

    /// Compares the audit trail with the changes of the model: one event for each change, and none for refusals.
    fn compare_audit(&mut self, model: &Model) {
        let (status, page) = self.clients[0].ask("GET", "/api/audit/?limit=500", "");
        assert_eq!(status, 200, "{page}");
        let event = |event: &serde_json::Value| (event["action"].as_str().unwrap().to_owned(), event["otp"].as_i64());
        let recorded: Vec<_> = page["results"].as_array().unwrap().iter().rev().map(event).collect();
        let setup = [("user.add", None), ("user.add", None), ("user.add", None), ("session.start", None)];
        let expected: Vec<_> =
            setup.iter().chain(&model.events).map(|(action, otp)| ((*action).to_owned(), *otp)).collect();
        assert_eq!(recorded, expected);
    }

    fn create(&mut self, model: &mut Model, client: usize, body: &Body) {
        let (status, otp) = self.clients[client].ask("POST", OTPS, &body.json());
        match body.applied_to(None) {
            _ if client == VIEWER => assert_eq!(status, 403, "{otp}"),
            None => assert_eq!(status, 400, "{otp}"),
            Some(new) => {
                let id = otp["id"].as_i64().unwrap();
                assert!(status == 201 && new.is(id, &otp), "{otp}");
                assert!(model.ids.last().is_none_or(|last| *last < id), "ids increase and are never reused");
                model.ids.push(id);
                model.events.push(("otp.create", Some(id)));
                model.codes.insert(id, new);
            }
        }
    }

    fn update(&mut self, model: &mut Model, client: usize, id: i64, body: &Body) {
        let (status, otp) = self.clients[client].ask("PATCH", &format!("{OTPS}{id}"), &body.json());
        match model.codes.get(&id).map(|old| body.applied_to(Some(old))) {
            _ if client == VIEWER => assert_eq!(status, 403, "{otp}"),
            None => assert_eq!(status, 404, "{otp}"),
            Some(None) => assert_eq!(status, 400, "{otp}"),
            Some(Some(new)) => {
                assert!(status == 200 && new.is(id, &otp), "{otp}");
                model.codes.insert(id, new);
                model.events.push(("otp.update", Some(id)));
            }
        }
    }

    fn delete(&mut self, model: &mut Model, client: usize, id: i64) {
        let (status, answer) = self.clients[client].ask("DELETE", &format!("{OTPS}{id}"), "");
        let expected = if client == VIEWER {
            403
        } else if model.codes.remove(&id).is_some() {
            model.events.push(("otp.delete", Some(id)));
            204
        } else {
            404
        };
        assert_eq!(status, expected, "{answer}");
    }

    fn retrieve(&mut self, model: &Model, client: usize, id: i64) {
        let (status, otp) = self.clients[client].ask("GET", &format!("{OTPS}{id}"), "");
        match model.codes.get(&id) {
            None => assert_eq!(status, 404, "{otp}"),
            Some(stored) => assert!(status == 200 && stored.is(id, &otp), "{otp}"),
        }
    }

    fn verify(&mut self, model: &mut Model, client: usize, (by_email, index, attempt): (bool, usize, i64)) {
        let (field, recipient) = if by_email { ("email", ADDRESSES[index]) } else { ("mobile_number", NUMBERS[index]) };
        let body = json!({ field: recipient, "code": attempt }).to_string();
        let answer = self.clients[client].ask("POST", &format!("{OTPS}verify"), &body);
        if client == VIEWER {
            assert_eq!(answer.0, 403, "{}", answer.1);
        } else {
            assert_eq!(answer, model.verify(by_email, index, attempt));
        }
    }

    fn compare(&mut self, model: &Model, client: usize, has_email: Option<bool>, newest_first: bool) {
        let filter = has_email.map_or_else(String::new, |has| format!("&has_email={has}"));
        let order = if newest_first { "-id" } else { "id" };
        let (status, list) = self.clients[client].ask("GET", &format!("{OTPS}?limit=500&ordering={order}{filter}"), "");
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

/// Runs this many sequences. Returns their number of steps.
fn run_sequences(cases: u32) -> usize {
    let mut runner =
        TestRunner::new(Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() });
    let steps = std::cell::Cell::new(0);
    let outcome = runner.run(&proptest::collection::vec(step(), 1..60), |sequence| {
        let (mut world, mut model) = (World::new(), Model::default());
        for (client, step) in &sequence {
            world.step(&mut model, *client, step);
            steps.set(steps.get() + 1);
        }
        world.restart("TERM");
        world.compare(&model, 0, None, false);
        world.compare_audit(&model);
        Ok(())
    });
    outcome.unwrap();
    steps.get()
}

#[test]
fn the_server_agrees_with_the_model_after_every_step_and_restart() {
    let _alone = run_alone();
    let cases = u32::try_from(trials(24, 500)).unwrap();
    let parts = 4;
    let steps = side_by_side("model", parts, |_, _| run_sequences(cases / u32::try_from(parts).unwrap()));
    eprintln!("model: {cases} sequences, {} steps", steps.iter().sum::<usize>());
}
