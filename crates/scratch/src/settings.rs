//! How a scratch server is set up: its `postgresql.conf` and `pg_hba.conf`.

use crate::HOST;

/// What a server is asked for; the default is right for most uses.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Password of the superuser; one made up at random when `None`.
    pub superuser_password: Option<String>,
    /// Lines added to `postgresql.conf`; later lines win over ours.
    pub conf: Vec<String>,
    /// Lines that take the place of our one `pg_hba.conf` line (everybody by SCRAM-SHA-256).
    pub hba: Vec<String>,
    /// Switches TLS on.
    pub tls: Option<Tls>,
}

/// The server's certificate and key, and the authority for client certificates, as PEM text.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Certificate chain, leaf first.
    pub certificate: String,
    /// Private key.
    pub key: String,
    /// Who signs the client certificates that are accepted.
    pub client_authority: Option<String>,
}

impl Options {
    /// Text of `postgresql.conf`: small, quick and forgetful, everything of it inside the folder.
    pub(crate) fn conf(&self, port: u16) -> String {
        let mut text = format!(
            "listen_addresses = '{HOST}'\n\
             port = {port}\n\
             unix_socket_directories = ''\n\
             shared_buffers = 16MB\n\
             dynamic_shared_memory_type = mmap\n\
             huge_pages = off\n\
             fsync = off\n\
             full_page_writes = off\n\
             wal_level = minimal\n\
             max_wal_senders = 0\n\
             max_logical_replication_workers = 0\n\
             password_encryption = 'scram-sha-256'\n\
             timezone = 'UTC'\n\
             log_timezone = 'UTC'\n\
             log_line_prefix = '%m [%p] %q%u@%d '\n"
        );
        if let Some(tls) = &self.tls {
            text += "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'\n";
            if tls.client_authority.is_some() {
                text += "ssl_ca_file = 'client_authority.crt'\n";
            }
        }
        for line in &self.conf {
            text += line;
            text.push('\n');
        }
        text
    }

    /// Text of `pg_hba.conf`.
    pub(crate) fn hba(&self) -> String {
        if self.hba.is_empty() {
            return format!("host all all {HOST}/32 scram-sha-256\n");
        }
        self.hba.iter().map(|line| format!("{line}\n")).collect()
    }

    /// Names and texts of the files that TLS needs beside the data.
    pub(crate) fn tls_files(&self) -> impl Iterator<Item = (&'static str, &str)> {
        self.tls.iter().flat_map(|tls| {
            [("server.crt", tls.certificate.as_str()), ("server.key", tls.key.as_str())]
                .into_iter()
                .chain(tls.client_authority.as_deref().map(|pem| ("client_authority.crt", pem)))
        })
    }
}
