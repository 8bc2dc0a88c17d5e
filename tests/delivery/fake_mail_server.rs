//! A mail server that speaks in the clear and misbehaves as a test tells it. It runs in the runtime of its test.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use otpd::delivery::{Chain, ProviderSettings, Security, Smtp};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::no_inbox;

/// What the server does with a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Does {
    Answers(&'static str),
    /// It answers and ends the connection in good order.
    AnswersAndCloses(&'static str),
    /// It answers and resets the connection.
    AnswersAndResets(&'static str),
    Closes,
    Resets,
    Nothing,
}

/// What the server does with a line in its nth connection; `None`: what a mail server usually does. The end of a mail is `.`.
pub type Script = fn(usize, &str) -> Option<Does>;

fn usual(line: &str) -> Does {
    match line.split(' ').next().unwrap() {
        "EHLO" => Does::Answers("250-mail.example.com\r\n250 8BITMIME"),
        "DATA" => Does::Answers("354 go on"),
        "QUIT" => Does::AnswersAndCloses("221 bye"),
        _ => Does::Answers("250 OK"),
    }
}

/// Lines with the number of their connection; the end of a connection is `closed`.
type Log = Arc<Mutex<Vec<(usize, String)>>>;

pub struct FakeMailServer {
    pub port: u16,
    log: Log,
    mails: Arc<Mutex<Vec<String>>>,
}

impl FakeMailServer {
    pub async fn start(script: Script) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (log, mails) = (Log::default(), Arc::default());
        let server = Self { port, log: Arc::clone(&log), mails: Arc::clone(&mails) };
        tokio::spawn(async move {
            for number in 0.. {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, number, script, Arc::clone(&log), Arc::clone(&mails)));
            }
        });
        server
    }

    pub fn settings(&self, idle: Duration) -> ProviderSettings {
        let smtp = Smtp {
            host: "127.0.0.1".to_owned(),
            port: self.port,
            security: Security::Plain,
            login: None,
            from: "otpd <noreply@münchen.example>".parse().unwrap(),
            hello: None,
            timeout: Duration::from_secs(5),
            idle,
            proxy: None,
            ca: None,
        };
        ProviderSettings::Smtp { name: "mail".to_owned(), smtp }
    }

    pub fn chain(&self, idle: Duration) -> Chain {
        Chain::build(vec![self.settings(idle)], &no_inbox()).unwrap()
    }

    /// The commands of a connection.
    pub fn said(&self, number: usize) -> Vec<String> {
        let log = self.log.lock().unwrap();
        log.iter().filter(|(connection, _)| *connection == number).map(|(_, line)| line.clone()).collect()
    }

    pub fn count(&self, line: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|(_, said)| said == line).count()
    }

    pub fn mails(&self) -> Vec<String> {
        self.mails.lock().unwrap().clone()
    }

    /// Waits until so many connections have ended.
    pub async fn until_closed(&self, connections: usize) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.count("closed") < connections {
            assert!(Instant::now() < deadline, "{:?}", self.log.lock().unwrap());
            sleep(Duration::from_millis(5)).await;
        }
    }
}

async fn serve(stream: TcpStream, number: usize, script: Script, log: Log, mails: Arc<Mutex<Vec<String>>>) {
    let mut stream = BufReader::new(stream);
    let _ = stream.write_all(b"220 mail.example.com\r\n").await;
    let mut mail = None;
    let mut line = String::new();
    while stream.read_line(&mut line).await.is_ok_and(|length| length > 0) {
        let said = line.trim_end().to_owned();
        line.clear();
        if let Some(content) = mail.as_mut().filter(|_| said != ".") {
            *content = format!("{content}{said}\n");
            continue;
        }
        log.lock().unwrap().push((number, said.clone()));
        let does = script(number, &said).unwrap_or_else(|| usual(&said));
        let (answer, closes) = match does {
            Does::Answers(answer) => (answer, false),
            Does::AnswersAndCloses(answer) | Does::AnswersAndResets(answer) => (answer, true),
            Does::Closes | Does::Resets => ("", true),
            Does::Nothing => ("", false),
        };
        if answer.starts_with("354") {
            mail = Some(String::new());
        } else if let Some(content) = mail.take().filter(|_| answer.starts_with("250")) {
            mails.lock().unwrap().push(content);
        }
        if !answer.is_empty() && stream.write_all(format!("{answer}\r\n").as_bytes()).await.is_err() {
            break;
        }
        if closes {
            if matches!(does, Does::Resets | Does::AnswersAndResets(_)) {
                stream.get_ref().set_zero_linger().unwrap();
            }
            break;
        }
    }
    drop(stream);
    log.lock().unwrap().push((number, "closed".to_owned()));
}
