//! A wire to Postgres that swallows answers to COMMIT: the unit of work is stored, and whoever asked never hears of it.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};

use testkit::db::Database;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream, UnixStream},
    task::JoinSet,
};

/// A proxy in front of a test's database.
pub struct Proxy {
    /// Where to connect.
    pub url: String,
    armed: Arc<AtomicUsize>,
    swallowed: Arc<AtomicUsize>,
    _tasks: JoinSet<()>,
}

impl Proxy {
    pub async fn start(database: &Database) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (server, url) = route(database.url(), port);
        let (armed, swallowed) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (arms, swallows) = (Arc::clone(&armed), Arc::clone(&swallowed));
        let mut tasks = JoinSet::new();
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((client, _)) = listener.accept().await {
                let (server, arms, swallows) = (server.clone(), Arc::clone(&arms), Arc::clone(&swallows));
                connections.spawn(async move {
                    match server.strip_prefix("unix:") {
                        Some(path) => relay(client, UnixStream::connect(path).await.unwrap(), &arms, &swallows).await,
                        None => relay(client, TcpStream::connect(&server).await.unwrap(), &arms, &swallows).await,
                    }
                });
            }
        });
        Self { url, armed, swallowed, _tasks: tasks }
    }

    /// From now on answers to COMMIT do not arrive, or do again.
    pub fn swallow(&self, on: bool) {
        self.armed.store(usize::from(on), Ordering::SeqCst);
    }

    /// How many answers did not arrive.
    pub fn swallowed(&self) -> usize {
        self.swallowed.load(Ordering::SeqCst)
    }
}

/// Where the server is, and the address of the same database through a local port.
fn route(url: &str, port: u16) -> (String, String) {
    let (address, options) = url.split_once('?').unwrap_or((url, ""));
    let (scheme, rest) = address.split_once("://").unwrap();
    let (authority, name) = rest.split_once('/').unwrap();
    let (account, host) = authority.rsplit_once('@').unwrap_or(("postgres", authority));
    let (sockets, others): (Vec<_>, Vec<_>) = options.split('&').filter(|option| !option.is_empty()).partition(|option| option.starts_with("host=/"));
    let server = match sockets.first().and_then(|option| option.strip_prefix("host=")) {
        Some(folder) => format!("unix:{folder}/.s.PGSQL.5432"),
        None if host.contains(':') => host.to_owned(),
        None => format!("{host}:5432"),
    };
    (server, format!("{scheme}://{account}@127.0.0.1:{port}/{name}?{}", others.join("&")))
}

async fn relay(mut client: TcpStream, server: impl AsyncRead + AsyncWrite, armed: &AtomicUsize, swallowed: &AtomicUsize) {
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = tokio::io::split(server);
    let (mut asked, mut answered) = (vec![0; 65_536], vec![0; 65_536]);
    loop {
        tokio::select! {
            read = from_client.read(&mut asked) => {
                let Some(message) = read.ok().filter(|n| *n > 0).and_then(|n| asked.get(..n)) else { return };
                let commits = message.windows(7).any(|window| window == b"COMMIT\0");
                if to_server.write_all(message).await.is_err() {
                    return;
                }
                if commits && armed.load(Ordering::SeqCst) == 1 {
                    // The server has done it when it answers.
                    let _ = from_server.read(&mut answered).await;
                    swallowed.fetch_add(1, Ordering::SeqCst);
                    return;
                }
            }
            read = from_server.read(&mut answered) => {
                let Some(message) = read.ok().filter(|n| *n > 0).and_then(|n| answered.get(..n)) else { return };
                if to_client.write_all(message).await.is_err() {
                    return;
                }
            }
        }
    }
}
