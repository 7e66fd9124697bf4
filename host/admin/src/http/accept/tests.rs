//! Slow, loud and many callers, and callers over TLS, on real sockets.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use axum::routing::{get, post};
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::task::JoinHandle;
use tokio_rustls::TlsConnector;

use super::*;
use crate::http::tls::TlsError;

/// Short enough to be waited for.
const SHORT: Patience = Patience {
    connections: 2,
    head: Duration::from_millis(300),
    body: Duration::from_millis(300),
    body_bytes: 1_000,
    connection: Duration::from_secs(20),
    rest: Duration::from_secs(20),
};

async fn from(ConnectInfo(from): ConnectInfo<SocketAddr>) -> String {
    from.ip().to_string()
}

/// An endpoint that says who asks, and one that says how much came.
async fn start(
    tls: Option<Arc<Tls>>,
    patience: Patience,
) -> (SocketAddr, watch::Sender<bool>, JoinHandle<io::Result<()>>) {
    let app = Router::new()
        .route("/", get(from))
        .route("/", post(async |body: String| body.len().to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (stop, mut stopped) = watch::channel(false);
    let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
    let accepting = tokio::spawn(accept(listener, tls, app, patience, stopped));
    (address, stop, accepting)
}

async fn all<S: AsyncRead + Unpin>(mut stream: S) -> String {
    let mut text = Vec::new();
    // A peer that hangs up without a word is an end as well.
    stream.read_to_end(&mut text).await.ok();
    String::from_utf8(text).unwrap()
}

async fn say(address: SocketAddr, text: &str) -> String {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    all(stream).await
}

const ASK: &str = "GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

#[tokio::test]
async fn a_caller_that_never_ends_its_request_is_hung_up_on() {
    let (address, _stop, _) = start(None, SHORT).await;
    assert!(say(address, ASK).await.ends_with("\r\n\r\n127.0.0.1"));
    for begun in ["", "GET / HT", "GET / HTTP/1.1\r\nhost: x\r\n"] {
        let answer = say(address, begun).await;
        assert!(answer.is_empty() || answer.contains(" 408 "), "{answer}");
    }
    let slow = "POST / HTTP/1.1\r\nhost: x\r\ncontent-length: 10\r\n\r\nabc";
    let answer = say(address, slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_slow\""), "{answer}");
}

#[tokio::test]
async fn a_body_that_is_too_large_is_refused_however_it_is_announced() {
    let (address, _stop, _) = start(None, SHORT).await;
    let body = "x".repeat(1_000);
    let head = "POST / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n";
    let good = say(
        address,
        &format!("{head}content-length: 1000\r\n\r\n{body}"),
    )
    .await;
    assert!(good.ends_with("\r\n\r\n1000"), "{good}");
    let announced = format!("{head}content-length: 1001\r\n\r\n{body}x");
    let chunked = format!("{head}transfer-encoding: chunked\r\n\r\n3e9\r\n{body}x\r\n0\r\n\r\n");
    for wrong in [announced, chunked] {
        let answer = say(address, &wrong).await;
        assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    }
}

#[tokio::test]
async fn callers_beyond_the_most_wait_for_their_turn() {
    let (address, _stop, _) = start(None, SHORT).await;
    // Two that say nothing hold both places, for as long as they may.
    let silent = [
        TcpStream::connect(address).await.unwrap(),
        TcpStream::connect(address).await.unwrap(),
    ];
    let begun = tokio::time::Instant::now();
    assert!(say(address, ASK).await.ends_with("127.0.0.1"));
    assert!(begun.elapsed() >= SHORT.head / 2, "{:?}", begun.elapsed());
    drop(silent);
}

#[tokio::test]
async fn at_the_end_nothing_is_taken_and_what_is_open_is_let_go_of() {
    let patience = Patience {
        head: Duration::from_secs(20),
        ..SHORT
    };
    let (address, stop, accepting) = start(None, patience).await;
    let mut idle = TcpStream::connect(address).await.unwrap();
    idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        .await
        .unwrap();
    let mut some = [0; 15];
    idle.read_exact(&mut some).await.unwrap();
    assert_eq!(&some, b"HTTP/1.1 200 OK");
    stop.send_replace(true);
    accepting.await.unwrap().unwrap();
    all(idle).await;
    assert!(TcpStream::connect(address).await.is_err());
}

/// A certificate of its own for `localhost`, and its key, as files.
fn write(folder: &Path) -> (Tls, CertificateDer<'static>) {
    let (certificate, key) = (folder.join("certificate.pem"), folder.join("key.pem"));
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    std::fs::write(&certificate, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();
    (
        Tls::open(&certificate, &key).unwrap(),
        made.cert.der().clone(),
    )
}

/// What a caller gets that trusts this certificate and no other.
async fn say_secretly(
    address: SocketAddr,
    trusted: &CertificateDer<'static>,
) -> io::Result<String> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(address).await?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config))
        .connect(name, stream)
        .await?;
    stream.write_all(ASK.as_bytes()).await?;
    Ok(all(stream).await)
}

#[tokio::test]
async fn over_tls_the_same_is_answered_and_plain_text_is_not() {
    let folder = tempfile::tempdir().unwrap();
    let (tls, certificate) = write(folder.path());
    let tls = Arc::new(tls);
    let (address, _stop, _) = start(Some(tls.clone()), SHORT).await;
    let answer = say_secretly(address, &certificate).await.unwrap();
    assert!(answer.ends_with("\r\n\r\n127.0.0.1"), "{answer}");
    let plain = say(address, ASK).await;
    assert!(!plain.contains("127.0.0.1"), "{plain}");
    // A silent caller does not hold a place for ever.
    assert_eq!(say(address, "").await, "");

    assert!(!tls.look().unwrap());
    let (_, renewed) = write(folder.path());
    assert!(tls.look().unwrap());
    assert!(say_secretly(address, &certificate).await.is_err());
    let answer = say_secretly(address, &renewed).await.unwrap();
    assert!(answer.ends_with("127.0.0.1"), "{answer}");

    // What cannot be used leaves the one before.
    std::fs::write(folder.path().join("certificate.pem"), "nothing").unwrap();
    assert!(tls.look().is_err());
    assert!(say_secretly(address, &renewed).await.is_ok());
}

#[test]
fn a_key_that_everybody_reads_and_one_of_another_certificate_are_refused() {
    let (first, second) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write(first.path());
    write(second.path());
    let certificate = first.path().join("certificate.pem");
    let other = second.path().join("key.pem");
    let unfit = Tls::open(&certificate, &other).err();
    assert!(matches!(unfit, Some(TlsError::Unfit(_))));
    let key = first.path().join("key.pem");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    assert!(matches!(
        Tls::open(&certificate, &key).err(),
        Some(TlsError::Open(_))
    ));
    let missing = Tls::open(&first.path().join("none"), &other).err();
    assert!(matches!(missing, Some(TlsError::Read { .. })));
}
