//! A mail server (RFC 5321) as far as a sender can tell: it takes what it is sent and shows it, or refuses as it is told.

use std::sync::{Arc, Mutex};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    task::JoinSet,
};

/// A refusal: the command that it answers (`RCPT`, `DATA`; `.` is the end of a letter, nothing the greeting), and the
/// answer.
pub type Refusal = Option<(&'static str, &'static str)>;

/// What it took.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub from: String,
    pub to: Vec<String>,
    /// As it was written, without what SMTP adds.
    pub letter: String,
}

/// A mail server, for as long as this lives.
pub struct Sink {
    pub url: String,
    taken: Arc<Mutex<Vec<Taken>>>,
    _sessions: JoinSet<()>,
}

impl Sink {
    /// A server on a free port that takes everything but what `refusal` says.
    pub async fn start(refusal: Refusal) -> Sink {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("smtp://{}", listener.local_addr().unwrap());
        let taken = Arc::new(Mutex::new(Vec::new()));
        let mut sessions = JoinSet::new();
        let all = Arc::clone(&taken);
        sessions.spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                session(stream, refusal, &all).await;
            }
        });
        Sink { url, taken, _sessions: sessions }
    }

    pub fn taken(&self) -> Vec<Taken> {
        self.taken.lock().unwrap().clone()
    }
}

/// One connection, until it is closed.
async fn session(stream: TcpStream, refusal: Refusal, taken: &Mutex<Vec<Taken>>) {
    let mut stream = BufReader::new(stream);
    let answer_to = |command: &str, usual: &'static str| match refusal {
        Some((refused, answer)) if refused == command => answer,
        _ => usual,
    };
    say(&mut stream, answer_to("", "220 sink.example ESMTP")).await;
    let mut mail = Taken { from: String::new(), to: Vec::new(), letter: String::new() };
    while let Some(line) = heard(&mut stream).await {
        let command = line.split([' ', ':']).next().unwrap_or_default().to_uppercase();
        let address = || line.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
        let usual = match command.as_str() {
            "EHLO" => "250-sink.example\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            "AUTH" => "235 2.7.0 welcome",
            "MAIL" => "250 2.1.0 sender ok",
            "RCPT" => "250 2.1.5 recipient ok",
            "DATA" => "354 go on",
            "QUIT" => "221 2.0.0 bye",
            _ => "502 5.5.2 not known here",
        };
        let answer = answer_to(&command, usual);
        say(&mut stream, answer).await;
        match (command.as_str(), answer.as_bytes()[0]) {
            ("MAIL", b'2') => mail = Taken { from: address(), to: Vec::new(), letter: String::new() },
            ("RCPT", b'2') => mail.to.push(address()),
            ("DATA", b'3') => {
                mail.letter = letter(&mut stream).await;
                let answer = answer_to(".", "250 2.0.0 taken");
                if answer.starts_with('2') {
                    taken.lock().unwrap().push(mail.clone());
                }
                say(&mut stream, answer).await;
            }
            ("QUIT", _) => return,
            _ => {}
        }
    }
}

/// Everything up to the line with a single point; a point that was added in front of a line is taken off.
async fn letter(stream: &mut BufReader<TcpStream>) -> String {
    let mut letter = String::new();
    while let Some(line) = heard(stream).await.filter(|line| line != ".") {
        letter.push_str(line.strip_prefix('.').unwrap_or(&line));
        letter.push_str("\r\n");
    }
    letter
}

/// A line; nothing where the sender is gone.
async fn heard(stream: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    let length = stream.read_line(&mut line).await.ok()?;
    (length > 0).then(|| line.strip_suffix("\r\n").expect("lines of SMTP end in CR LF").to_owned())
}

async fn say(stream: &mut BufReader<TcpStream>, answer: &str) {
    // A sender who is gone does not hear it.
    stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok();
}
