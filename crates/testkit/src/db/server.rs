//! The Postgres server of the tests: the one that `TEST_DATABASE_URL` names, else one of our own.
//!
//! Ours is started from the installed programs by whichever test process comes first, in a directory of its own under
//! the temporary one, reached through a socket in it, and shared by all test processes of this user. It keeps nothing:
//! a shell that watches it stops it, and removes the directory, a minute after the last test has said that it is there.

use std::{
    fs::{self, File},
    hash::{DefaultHasher, Hash as _, Hasher as _},
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    thread,
    time::{Duration, Instant},
};

use domain::Clock as _;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection};

/// Seconds without a sign of life from any test after which the server ends.
const IDLE_SECONDS: u64 = 60;
/// How long the server may take to answer for the first time.
const START: Duration = Duration::from_mins(1);
/// A path of a socket has room for about 100 bytes.
const LONGEST_DIRECTORY: usize = 60;
/// Any number that only we lock.
const TEMPLATE_LOCK: i64 = 0x7472_6f75_7065;

const WATCH: &str = r#"
dir=$1; base=$2; program=$3; idle=$4
"$program" -D "$dir/data" -k "$dir" -h '' \
    -c fsync=off -c synchronous_commit=off -c full_page_writes=off -c shared_buffers=64MB -c max_connections=300 \
    -c unix_socket_permissions=0700 -c autovacuum=off -c deadlock_timeout=200ms >>"$dir/log" 2>&1 &
server=$!
quiet() { last=$(cat "$dir/used"); [ $(($(date +%s) - ${last:-0})) -ge "$idle" ]; }
while sleep 2; kill -0 "$server" 2>/dev/null; do
    quiet || continue
    # First nobody finds it any more, then a moment for whoever has just found it.
    [ "$(cat "$base/address" 2>/dev/null)" = "$dir" ] && rm -f "$base/address"
    sleep 2
    if quiet; then kill -INT "$server"; wait "$server"; fi
done
rm -rf "$dir"
"#;

fn setting(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests have no other configuration")]
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// Whether somebody wants to do without Postgres.
pub(super) fn is_skipped() -> bool {
    setting("TROUPE_SKIP_POSTGRES").is_some_and(|value| value != "0")
}

/// The address of the server's own database.
pub(super) fn url() -> Result<String, String> {
    static URL: OnceLock<Result<String, String>> = OnceLock::new();
    URL.get_or_init(|| setting("TEST_DATABASE_URL").map_or_else(own, Ok)).clone()
}

/// The address of another database of the same server.
pub(super) fn url_of(server: &str, name: &str) -> String {
    let (address, options) = server.split_once('?').map_or((server, String::new()), |(address, options)| (address, format!("?{options}")));
    let host_at = address.find("://").map_or(0, |at| at + 3);
    let host = address.get(host_at..).and_then(|rest| rest.find('/')).map_or(address, |at| &address[..host_at + at]);
    format!("{host}/{name}{options}")
}

/// The migrated database from which those of the tests are copied, made by whoever comes first.
pub(super) async fn template(server: &str) -> Result<String, String> {
    let mut connection = PgConnection::connect(server).await.map_err(said)?;
    let name = format!("troupe_template_{:016x}", migrations_hash()?);
    sqlx::query("SELECT pg_advisory_lock($1)").bind(TEMPLATE_LOCK).execute(&mut connection).await.map_err(said)?;
    let found = sqlx::query("SELECT 1 FROM pg_database WHERE datname = $1").bind(&name).fetch_optional(&mut connection).await.map_err(said)?;
    if found.is_none() {
        // Under another name until it is whole: whoever is killed here leaves nothing that looks ready.
        let draft = format!("{name}_draft");
        statement(&mut connection, format!("DROP DATABASE IF EXISTS {draft} WITH (FORCE)")).await?;
        statement(&mut connection, format!("CREATE DATABASE {draft}")).await?;
        let clock = std::sync::Arc::new(services::clock::SystemClock::default());
        let db = storage::Db::connect(&storage::DatabaseSettings::new(url_of(server, &draft)), clock).await.map_err(said)?;
        db.migrate().await.map_err(said)?;
        db.close().await;
        statement(&mut connection, format!("ALTER DATABASE {draft} RENAME TO {name}")).await?;
    }
    // The lock ends with the connection.
    connection.close().await.map_err(said)?;
    Ok(name)
}

/// Makes a database.
pub(super) async fn create(server: &str, name: &str, template: &str) -> Result<(), String> {
    let mut connection = PgConnection::connect(server).await.map_err(said)?;
    statement(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    // Copying files is quicker than logging their pages; before version 15 it was the only way.
    let logs = sqlx::query_scalar::<_, bool>("SELECT current_setting('server_version_num')::int >= 150000").fetch_one(&mut connection).await.map_err(said)?;
    let strategy = if logs { " STRATEGY FILE_COPY" } else { "" };
    statement(&mut connection, format!("CREATE DATABASE {name} TEMPLATE {template}{strategy}")).await?;
    connection.close().await.map_err(said)
}

/// Removes a database, whoever is still connected.
pub(super) async fn drop(server: &str, name: &str) -> Result<(), String> {
    let mut connection = PgConnection::connect(server).await.map_err(said)?;
    statement(&mut connection, format!("DROP DATABASE IF EXISTS {name} WITH (FORCE)")).await?;
    connection.close().await.map_err(said)
}

async fn statement(connection: &mut PgConnection, sql: String) -> Result<(), String> {
    connection.execute(AssertSqlSafe(sql)).await.map(|_| ()).map_err(said)
}

fn said(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn migrations_hash() -> Result<u64, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../migrations/postgres");
    let mut paths: Vec<PathBuf> = fs::read_dir(folder).map_err(said)?.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort();
    let mut hasher = DefaultHasher::new();
    for path in paths {
        fs::read(path).map_err(said)?.hash(&mut hasher);
    }
    Ok(hasher.finish())
}

/// Finds our own server, or starts it; from now on this process says that it is there.
fn own() -> Result<String, String> {
    let system = System::find()?;
    let base = system.base()?;
    let lock = File::create(base.join("lock")).map_err(said)?;
    lock.lock().map_err(said)?;
    let folder = match running(&base) {
        Some(folder) => folder,
        None => system.start(&base)?,
    };
    lock.unlock().map_err(said)?;
    let url = address(&folder);
    thread::spawn(move || {
        while sign_of_life(&folder).is_ok() {
            thread::sleep(Duration::from_secs(5));
        }
    });
    Ok(url)
}

fn address(folder: &Path) -> String {
    format!("postgres://postgres@localhost/postgres?host={}", folder.display())
}

/// The directory of the server that runs, if one does.
fn running(base: &Path) -> Option<PathBuf> {
    let folder = PathBuf::from(fs::read_to_string(base.join("address")).ok()?.trim());
    sign_of_life(&folder).ok()?;
    std::os::unix::net::UnixStream::connect(folder.join(".s.PGSQL.5432")).ok()?;
    Some(folder)
}

/// Writes the time, whole at every instant: the shell reads it.
fn sign_of_life(folder: &Path) -> std::io::Result<()> {
    let draft = folder.join(format!("used.{}", std::process::id()));
    fs::write(&draft, format!("{}\n", services::clock::SystemClock::default().now().millis() / 1000))?;
    fs::rename(draft, folder.join("used"))
}

/// What this machine has to offer.
struct System {
    programs: PathBuf,
    /// Who we are.
    uid: u32,
    /// Postgres refuses to run as root: the account that runs it then, by ids, and how to become it.
    servant: Option<(u32, u32, &'static str)>,
}

impl System {
    fn find() -> Result<Self, String> {
        let uid = tempfile::NamedTempFile::new().and_then(|file| file.as_file().metadata()).map_err(said)?.uid();
        let servant = if uid == 0 { Some(servant()?) } else { None };
        Ok(Self { programs: programs()?, uid, servant })
    }

    /// The directory that all test processes of this user share.
    fn base(&self) -> Result<PathBuf, String> {
        let mut parent = std::env::temp_dir();
        if parent.as_os_str().len() > LONGEST_DIRECTORY {
            parent = PathBuf::from("/tmp");
        }
        let base = parent.join(format!("troupe-postgres-{}", self.uid));
        fs::create_dir_all(&base).map_err(said)?;
        self.give(&base)?;
        let owner = fs::metadata(&base).map_err(said)?.uid();
        if owner != self.owner() {
            return Err(format!("{} belongs to somebody else", base.display()));
        }
        Ok(base)
    }

    fn owner(&self) -> u32 {
        self.servant.map_or(self.uid, |(uid, ..)| uid)
    }

    /// Gives a path to whoever runs the server.
    fn give(&self, path: &Path) -> Result<(), String> {
        match self.servant {
            Some((uid, gid, _)) => std::os::unix::fs::chown(path, Some(uid), Some(gid)).map_err(said),
            None => Ok(()),
        }
    }

    /// A program, run by whoever may run it.
    fn command(&self, program: &Path) -> Command {
        let Some((uid, gid, become_servant)) = self.servant else { return Command::new(program) };
        let mut command = Command::new(become_servant);
        if become_servant == "setpriv" {
            command.args([format!("--reuid={uid}"), format!("--regid={gid}"), "--clear-groups".to_owned()]);
        } else {
            command.args(["-u", "postgres"]);
        }
        command.arg("--").arg(program);
        command
    }

    fn start(&self, base: &Path) -> Result<PathBuf, String> {
        let folder = base.join(std::process::id().to_string());
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir(&folder).map_err(said)?;
        self.give(&folder)?;
        let made = self
            .command(&self.programs.join("initdb"))
            .args(["--username=postgres", "--auth=trust", "--encoding=UTF8", "--locale=C", "--no-sync", "--pgdata"])
            .arg(folder.join("data"))
            .current_dir(&folder)
            .output()
            .map_err(|error| format!("initdb does not start: {error}"))?;
        if !made.status.success() {
            return Err(format!("initdb failed: {}", String::from_utf8_lossy(&made.stderr)));
        }
        sign_of_life(&folder).map_err(said)?;
        // In a process group of its own and with nothing of ours open: it outlives this test and holds up nobody.
        let watch = self
            .command(Path::new("/bin/sh"))
            .args(["-c", WATCH, "troupe-postgres"])
            .args([&folder, base, &self.programs.join("postgres")])
            .arg(IDLE_SECONDS.to_string())
            .current_dir(&folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()
            .map_err(|error| format!("the server does not start: {error}"))?;
        wait_until_ready(&folder, watch)?;
        fs::write(base.join("address"), folder.display().to_string()).map_err(said)?;
        self.give(&base.join("address"))?;
        Ok(folder)
    }
}

fn wait_until_ready(folder: &Path, mut watch: Child) -> Result<(), String> {
    let begin = Instant::now();
    let log = || fs::read_to_string(folder.join("log")).unwrap_or_default();
    while begin.elapsed() < START {
        if log().contains("ready to accept connections") {
            return Ok(());
        }
        if let Ok(Some(status)) = watch.try_wait() {
            return Err(format!("the Postgres of the tests ended with {status}: {}", log()));
        }
        thread::sleep(Duration::from_millis(20));
    }
    Err(format!("the Postgres of the tests does not answer: {}", log()))
}

/// Where `initdb` and `postgres` are.
fn programs() -> Result<PathBuf, String> {
    let path = setting("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = std::env::split_paths(&path).collect();
    for parent in ["/usr/lib/postgresql", "/opt/homebrew/opt", "/usr/local/opt"] {
        let mut versions: Vec<PathBuf> = fs::read_dir(parent).into_iter().flatten().filter_map(|entry| Some(entry.ok()?.path().join("bin"))).collect();
        // The newest first.
        versions.sort();
        places.extend(versions.into_iter().rev());
    }
    let complete = |place: &&PathBuf| ["initdb", "postgres"].iter().all(|program| place.join(program).is_file());
    places.iter().find(complete).cloned().ok_or_else(|| {
        "these tests need PostgreSQL: set TEST_DATABASE_URL, or install it (Debian and Ubuntu: apt-get install postgresql; macOS: brew install postgresql), \
         or do without by TROUPE_SKIP_POSTGRES=1"
            .to_owned()
    })
}

/// The account that runs the server when we are root.
fn servant() -> Result<(u32, u32, &'static str), String> {
    let accounts = fs::read_to_string("/etc/passwd").map_err(said)?;
    let fields = accounts.lines().map(|line| line.split(':').collect::<Vec<_>>()).find(|fields| fields.first() == Some(&"postgres"));
    let ids = fields.and_then(|fields| Some((fields.get(2)?.parse().ok()?, fields.get(3)?.parse().ok()?)));
    let (uid, gid) =
        ids.ok_or("Postgres refuses to run as root, and there is no account `postgres`: install the package postgresql, or set TEST_DATABASE_URL")?;
    let path = setting("PATH").unwrap_or_default();
    let found = ["setpriv", "runuser"].into_iter().find(|program| std::env::split_paths(&path).any(|place| place.join(program).is_file()));
    let found = found.ok_or("Postgres refuses to run as root, and neither setpriv nor runuser (package util-linux) is there: set TEST_DATABASE_URL")?;
    Ok((uid, gid, found))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_keep_their_server() {
        assert_eq!(url_of("postgres://a:b@host:1/postgres?sslmode=disable", "x"), "postgres://a:b@host:1/x?sslmode=disable");
        assert_eq!(url_of("postgres://host", "x"), "postgres://host/x");
        assert_eq!(url_of("postgres://postgres@localhost/postgres?host=/tmp/y", "x"), "postgres://postgres@localhost/x?host=/tmp/y");
    }
}
