//! The robot of a group in a messenger, as a server: it checks what it is sent as the vendors say, and answers 200
//! whatever it thinks of it. What it checks shares no code with the host.

use crate::command::LONG;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::{SystemTime, UNIX_EPOCH};

/// Whose rules it follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rules {
    Wecom,
    Dingtalk,
    Feishu,
    Plain,
}

/// It listens until the process ends.
pub struct Robot {
    address: String,
    rules: Rules,
    /// Messages that are refused, though nothing is wrong with them.
    refuse: Arc<Mutex<u32>>,
    heard: Receiver<Heard>,
}

/// A message, and what the robot thought of it.
#[derive(Debug)]
pub struct Heard {
    pub body: Value,
    /// Nothing where it was taken.
    pub refusal: Option<&'static str>,
}

/// The key in its address, and the secret of its signatures.
pub const KEY: &str = "5f2b8c1e-robot-key-9d07";
pub const SECRET: &str = "SEC8c41d6b2robot0f3e";

impl Robot {
    pub fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let (say, heard) = channel();
        let refuse = Arc::new(Mutex::new(0));
        let left = refuse.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                serve(&stream.unwrap(), rules, &left, &say);
            }
        });
        Self {
            address,
            rules,
            refuse,
            heard,
        }
    }

    /// With its key: a secret.
    pub fn url(&self) -> String {
        let address = &self.address;
        match self.rules {
            Rules::Wecom => format!("http://{address}/cgi-bin/webhook/send?key={KEY}"),
            Rules::Dingtalk => format!("http://{address}/robot/send?access_token={KEY}"),
            Rules::Feishu => format!("http://{address}/open-apis/bot/v2/hook/{KEY}"),
            Rules::Plain => format!("http://{address}/{KEY}"),
        }
    }

    /// As a grant names it.
    pub fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub fn refuse(&self, messages: u32) {
        *self.refuse.lock().unwrap() = messages;
    }

    /// The next message.
    #[track_caller]
    pub fn hear(&self) -> Heard {
        self.heard.recv_timeout(LONG).unwrap()
    }

    /// The next message that was taken: its text.
    #[track_caller]
    pub fn hear_text(&self) -> String {
        let heard = self.hear();
        assert_eq!(heard.refusal, None, "{}", heard.body);
        let text = match self.rules {
            Rules::Wecom | Rules::Dingtalk => &heard.body["text"]["content"],
            Rules::Feishu => &heard.body["content"]["text"],
            Rules::Plain => &heard.body["text"],
        };
        text.as_str().unwrap().to_owned()
    }

    /// What has come, and was not listened to yet.
    pub fn heard(&self) -> Vec<Heard> {
        self.heard.try_iter().collect()
    }
}

fn serve(mut stream: &TcpStream, rules: Rules, refuse: &Mutex<u32>, say: &Sender<Heard>) {
    let mut reader = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).unwrap() == 0 {
            return;
        }
    }
    let length = head.to_lowercase();
    let length = length.split("content-length: ").nth(1).unwrap();
    let length: usize = length.split("\r\n").next().unwrap().parse().unwrap();
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let body: Value = serde_json::from_slice(&body).unwrap();
    let target = head.split(' ').nth(1).unwrap();
    let mut refusal = judge(rules, target, &body).err();
    let mut left = refuse.lock().unwrap();
    if refusal.is_none() && *left > 0 {
        *left -= 1;
        refusal = Some("too many messages");
    }
    let answer = match (rules, refusal) {
        (Rules::Feishu, None) => {
            json!({ "StatusCode": 0, "code": 0, "msg": "success", "data": {} })
        }
        (Rules::Feishu, Some(why)) => json!({ "code": 19021, "msg": why }),
        (_, None) => json!({ "errcode": 0, "errmsg": "ok" }),
        (_, Some(why)) => json!({ "errcode": 310_000, "errmsg": why }),
    };
    let answer = answer.to_string();
    let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
    let answer = format!("{head}\r\ncontent-length: {}\r\n\r\n{answer}", answer.len());
    stream.write_all(answer.as_bytes()).unwrap();
    // The test may be over.
    say.send(Heard { body, refusal }).ok();
}

fn judge(rules: Rules, target: &str, body: &Value) -> Result<(), &'static str> {
    if !target.contains(KEY) {
        return Err("no such robot");
    }
    match rules {
        Rules::Plain => Ok(()),
        Rules::Wecom => {
            let text = body["text"]["content"].as_str().ok_or("no content")?;
            (body["msgtype"] == "text" && text.len() <= 2_048)
                .then_some(())
                .ok_or("no text message")
        }
        Rules::Dingtalk => {
            let timestamp = argument(target, "timestamp").ok_or("no timestamp")?;
            let given = argument(target, "sign").ok_or("no sign")?;
            near(&timestamp, 1)?;
            let signed = hmac(SECRET, &format!("{timestamp}\n{SECRET}"));
            (given == signed).then_some(()).ok_or("sign not match")?;
            (body["msgtype"] == "text" && body["text"]["content"].is_string())
                .then_some(())
                .ok_or("no text message")
        }
        Rules::Feishu => {
            let timestamp = body["timestamp"].as_str().ok_or("no timestamp")?;
            near(timestamp, 1_000)?;
            let signed = hmac(&format!("{timestamp}\n{SECRET}"), "");
            (body["sign"] == signed)
                .then_some(())
                .ok_or("sign match fail")?;
            (body["msg_type"] == "text" && body["content"]["text"].is_string())
                .then_some(())
                .ok_or("no text message")
        }
    }
}

/// Within an hour of now, in a unit of so many milliseconds.
fn near(timestamp: &str, unit_ms: i128) -> Result<(), &'static str> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    let now = i128::try_from(now.as_millis()).unwrap();
    let then: i128 = timestamp.parse().map_err(|_| "odd timestamp")?;
    let near = (now - then * unit_ms).abs() < 3_600_000;
    near.then_some(()).ok_or("timestamp is not within one hour")
}

/// One of the arguments behind an address, decoded.
fn argument(target: &str, name: &str) -> Option<String> {
    let (_, query) = target.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs.into_iter().find(|(known, _)| *known == name)?;
    let decoded = value
        .replace("%2B", "+")
        .replace("%2F", "/")
        .replace("%3D", "=");
    (!decoded.contains('%')).then_some(decoded)
}

fn hmac(key: &str, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes()).unwrap();
    mac.update(text.as_bytes());
    STANDARD.encode(mac.finalize().into_bytes())
}
