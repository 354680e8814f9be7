//! Where the server is, from a URL or from single options.

use std::path::PathBuf;

use mainstem_adapter::{Problem, TlsSection};
use mainstem_model::Secret;
use url::Url;

use crate::config::{Connection, Driver};

/// What every driver needs to find its database.
#[derive(Clone)]
pub(crate) enum Target {
    Postgres(Server),
    Mariadb(Server),
    Sqlite(PathBuf),
}

/// A server that is reached by a socket.
#[derive(Clone)]
pub(crate) struct Server {
    pub(crate) host: String,
    pub(crate) port: u16,
    pub(crate) user: Option<String>,
    pub(crate) password: Option<Secret>,
    pub(crate) database: Option<String>,
    pub(crate) tls: Option<TlsSection>,
}

impl Target {
    pub(crate) fn driver(&self) -> Driver {
        match self {
            Self::Postgres(_) => Driver::Postgres,
            Self::Mariadb(_) => Driver::Mariadb,
            Self::Sqlite(_) => Driver::Sqlite,
        }
    }

    /// What it is called in messages; never with a password.
    pub(crate) fn label(&self) -> String {
        match self {
            Self::Postgres(server) | Self::Mariadb(server) => {
                format!("{}:{}", server.host, server.port)
            }
            Self::Sqlite(file) => file.display().to_string(),
        }
    }

    pub(crate) fn new(config: &Connection, problems: &mut Vec<Problem>) -> Option<Self> {
        let config = match &config.url {
            None => config.clone(),
            Some(url) => from_url(config, url, problems)?,
        };
        let Some(driver) = config.driver else {
            let expected = "driver: postgres, mariadb or sqlite; or a url";
            problems.push(Problem::new("/connection", "`driver` is missing", expected));
            return None;
        };
        if driver == Driver::Sqlite {
            return file(&config, problems);
        }
        if config.file.is_some() {
            let message = "only SQLite has a file";
            problems.push(Problem::new("/connection/file", message, "driver: sqlite"));
        }
        tls(&config, driver, problems);
        let Some(host) = config.host else {
            let expected = "a name or an IP address";
            problems.push(Problem::new("/connection", "`host` is missing", expected));
            return None;
        };
        let server = |port| Server {
            host,
            port: config.port.unwrap_or(port),
            user: config.username,
            password: config.password,
            database: config.database,
            tls: config.tls,
        };
        Some(match driver {
            Driver::Postgres => Self::Postgres(server(5432)),
            _ => Self::Mariadb(server(3306)),
        })
    }
}

fn file(config: &Connection, problems: &mut Vec<Problem>) -> Option<Target> {
    let of_servers = [
        ("host", config.host.is_some()),
        ("port", config.port.is_some()),
        ("username", config.username.is_some()),
        ("password", config.password.is_some()),
        ("database", config.database.is_some()),
        ("tls", config.tls.is_some()),
    ];
    for (key, _) in of_servers.iter().filter(|(_, is_given)| *is_given) {
        let message = format!("SQLite has no `{key}`");
        problems.push(Problem::new(
            format!("/connection/{key}"),
            message,
            "file: the path alone",
        ));
    }
    let Some(file) = &config.file else {
        let expected = "the path of a file that exists";
        problems.push(Problem::new("/connection", "`file` is missing", expected));
        return None;
    };
    Some(Target::Sqlite(file.clone()))
}

fn tls(config: &Connection, driver: Driver, problems: &mut Vec<Problem>) {
    let Some(tls) = &config.tls else {
        return;
    };
    if let Some((key, expected)) = tls.problem() {
        let at = format!("/connection/tls/{key}");
        let at = at.trim_end_matches('/');
        problems.push(Problem::new(at, "this is not right", expected));
    } else if driver == Driver::Mariadb && tls.pin.is_some() {
        // Its client library checks certificates by itself, and only by authorities.
        let message = "the key of a MariaDB server cannot be pinned";
        let expected = "ca: the authority, or the server's own certificate";
        problems.push(Problem::new("/connection/tls/pin", message, expected));
    }
}

/// The options that a URL stands for.
fn from_url(config: &Connection, url: &Secret, problems: &mut Vec<Problem>) -> Option<Connection> {
    // Nothing of the text is shown: there may be a password in it.
    let mut problem = |message: &str| {
        let expected = "such as mariadb://user:password@host:3306/database";
        problems.push(Problem::new("/connection/url", message, expected));
    };
    let beside = [
        config.driver.is_some(),
        config.host.is_some(),
        config.port.is_some(),
        config.username.is_some(),
        config.password.is_some(),
        config.database.is_some(),
        config.file.is_some(),
    ];
    if beside.contains(&true) {
        problem("options beside a url say the same twice");
        return None;
    }
    let Ok(parsed) = Url::parse(url.expose()) else {
        problem("it is no url");
        return None;
    };
    let driver = match parsed.scheme() {
        "postgres" | "postgresql" | "pg" => Driver::Postgres,
        "mariadb" | "mysql" => Driver::Mariadb,
        "sqlite" | "sqlite3" => Driver::Sqlite,
        "mssql" | "sqlserver" => {
            problem("MS SQL is not supported; a connector can speak with it");
            return None;
        }
        _ => {
            problem("no driver has this scheme");
            return None;
        }
    };
    if parsed.query().is_some() || parsed.fragment().is_some() {
        problem("what stands behind `?` or `#` is not understood: there are options for it");
        return None;
    }
    let mut made = config.clone();
    made.url = None;
    made.driver = Some(driver);
    if driver == Driver::Sqlite {
        made.file = Some(PathBuf::from(decoded(parsed.path())?));
        return Some(made);
    }
    let some = |text: &str| (!text.is_empty()).then(|| decoded(text)).flatten();
    made.host = parsed.host_str().map(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare.to_owned()
    });
    made.port = parsed.port();
    made.username = some(parsed.username());
    made.password = parsed.password().and_then(some).map(Secret::from);
    made.database = some(parsed.path().trim_start_matches('/'));
    Some(made)
}

/// Without percent signs.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, behind)) = rest.split_first() {
        rest = behind;
        if byte != b'%' {
            bytes.push(byte);
            continue;
        }
        let (digits, behind) = rest.split_at_checked(2)?;
        let digits = std::str::from_utf8(digits).ok()?;
        bytes.push(u8::from_str_radix(digits, 16).ok()?);
        rest = behind;
    }
    String::from_utf8(bytes).ok()
}
